"""The parts of a block in order: kernels, permutations, stages and control flow; and the steps that they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from xdsl.ir import Block, Operation, SSAValue

from dialects.array import ControlOp, MultiplyOp
from dialects.attributes.tables import Table
from dialects.cim import DigitalOp, PermuteOp
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.locations import node_name
from dialects.network import Network
from passes.analysis.cost.digital import OperatorCost, Unit
from passes.analysis.row_groups import tile_groups
from passes.analysis.stages.products import Product
from passes.rewriting.levels import by_level, operation_levels, sources
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.weight_tiles import fitting_tiles
from passes.schedule_arrays.analysis.steps import Operator, Permutation, Row, Stage
from passes.schedule_arrays.chip_times import move_ps
from passes.schedule_arrays.operator_costs import cost_of, static_operators

_SUM_BITS = 32
"""Of an element that moves out of arrays, or is permuted."""


@dataclass(frozen=True)
class Part:
    """Operations of a block that belong together: digital operators and constants, permutations, multiplications of a
    stage, or one of control flow."""

    ops: Sequence[Operation]

    @cached_property
    def operators(self) -> list[DigitalOp]:
        return [op for op in self.ops if isinstance(op, DigitalOp)]

    @cached_property
    def permutations(self) -> list[PermuteOp]:
        return [op for op in self.ops if isinstance(op, PermuteOp)]

    @cached_property
    def multiplies(self) -> list[MultiplyOp]:
        return tiled_multiplies(self.ops)

    @property
    def load(self) -> int | None:
        """Which part of the weights the stage, or the bodies of control flow, need in the chip; None for any."""
        inside = (op for outer in self.ops for op in outer.walk() if isinstance(op, MultiplyOp))
        first = next(inside, None) if self.multiplies or isinstance(self.ops[0], ControlOp) else None
        return None if first is None else first.load_number

    @property
    def steps(self) -> Sequence[Operation]:
        """What is a step each; of a stage, which is one, the first multiplication."""
        return self.multiplies[:1] or self.permutations or self.operators

    @cached_property
    def vectors(self) -> dict[SSAValue, int]:
        """What the stage multiplies, numbered."""
        return {x: number for number, x in enumerate(dict.fromkeys(op.x for op in self.multiplies))}


def parts_of(block: Block) -> list[Part]:
    """The parts of a block: of each level digital operators, then the stage, then control flow.

    Where weights pass through the chip in parts, a level has a stage for each part that it needs.
    Digital operators that wait for equally many permutations are one kernel; the permutations after it follow.
    """
    ops = list(block.ops)[:-1]
    return [Part(part) for members in by_level(ops, operation_levels(ops)) for part in _level(members) if part]


def _level(members: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
    others = [op for op in members if not isinstance(op, MultiplyOp | ControlOp)]
    turn = operation_levels(others, PermuteOp)
    for turned in by_level(others, turn):
        yield [op for op in turned if not isinstance(op, PermuteOp)]
        yield [op for op in turned if isinstance(op, PermuteOp)]
    multiplies = tiled_multiplies(members)
    for load in sorted({_load(op) for op in multiplies}):
        yield [op for op in multiplies if _load(op) == load]
    yield from ([op] for op in members if isinstance(op, ControlOp))


def _load(multiply: MultiplyOp) -> int:
    """Which part of the weights a multiplication needs; 0 where all are in the chip."""
    return multiply.load_number or 0


class StepMaker:
    """Makes steps of parts: what each operation takes, by the numbers of the chip and the cells of weights."""

    def __init__(self, network: Network, chip: ChipAttr, lossy: int) -> None:
        self.network, self.chip, self.lossy = network, chip, lossy
        self.costs, self.static = chip.digital_costs(), static_operators(network.ops)
        self.groups: dict[str, Table] = {}

    def rows(self, parts: Sequence[Part]) -> list[Row]:
        """Each part as a row of steps; what is made before these parts is there."""
        values: dict[Operation, int] = {}
        rows: list[Row] = []
        for part in parts:
            if part.multiplies:
                rows.append([self._stage(part, values)])
            elif part.permutations:
                rows.append([Permutation(self._permuted_ps(op), _needs(op, values)) for op in part.permutations])
            else:
                rows.append(self._operators(part.operators, values))
            for op in part.multiplies or part.permutations:
                values[op] = len(values)
        return rows

    def _operators(self, operators: Sequence[DigitalOp], values: dict[Operation, int]) -> list[Operator]:
        """Operators read each other's results, too."""
        steps: list[Operator] = []
        for op in operators:
            steps.append(Operator(self._cost(op), _needs(op, values)))
            values[op] = len(values)
        return steps

    def _cost(self, op: DigitalOp) -> OperatorCost:
        """What an operator takes: nothing where the chip gives digital operators no times."""
        return OperatorCost(Unit.NONE) if self.costs is None or op in self.static else cost_of(op, self.costs)

    def _permuted_ps(self, op: PermuteOp) -> int:
        return move_ps(self.chip, _SUM_BITS * len(self.network.array(op.symbol)))

    def _stage(self, part: Part, values: Mapping[Operation, int]) -> Stage:
        multiplies, vectors = part.multiplies, part.vectors
        bits = [0] * len(vectors)
        outs: list[int] = []
        for op in multiplies:
            rows, columns = self.network.weight(op.symbol).matrix_shape
            bits[vectors[op.x]] = max(bits[vectors[op.x]], rows * op.bits_of_inputs)
            outs.append(move_ps(self.chip, _SUM_BITS * columns))
        return Stage(
            products=[self._product(op, vectors[op.x]) for op in multiplies],
            needs=[_known([x.owner], values) for x in vectors],
            ins=[move_ps(self.chip, b) for b in bits],
            outs=outs,
        )

    def _product(self, multiply: MultiplyOp, source: int) -> Product:
        assert multiply.places is not None
        symbol = multiply.symbol
        if symbol not in self.groups:
            self.groups[symbol] = self._row_groups(multiply)
        planes = multiply.planes(self.chip)
        copy = np.zeros(0, np.int64) if multiply.copies is None else multiply.copy_of_tiles
        return Product(multiply.tiles.array, multiply.places.array, self.groups[symbol], source, planes, copy)

    def _row_groups(self, multiply: MultiplyOp) -> Table:
        chip = self.chip
        tiles, cells = fitting_tiles(multiply, self.network, chip), multiply.cells(chip)
        groups = tile_groups(tiles, chip.cell_bits, cells, chip.dac_bits, chip.adc_bits, self.lossy)
        if groups is None:
            raise UserError(
                f"node {node_name(multiply)!r}: a single row can exceed an ADC of {chip.adc_bits} bits "
                f"(cells of {chip.cell_bits} bits, inputs {chip.dac_bits} bits at a time): "
                "choose a chip with more, or clip (--lossy)"
            )
        return groups


def _needs(op: Operation, values: Mapping[Operation, int]) -> list[int]:
    return _known(sources(op), values)


def _known(ops: Iterable[Operation | Block], values: Mapping[Operation, int]) -> list[int]:
    """The values that these operations make, if they belong to the same parts."""
    return [values[op] for op in ops if isinstance(op, Operation) and op in values]
