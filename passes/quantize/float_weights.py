"""Float weights as integers: each is quantised once, however many multiplications read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from dialects.attributes.structure import REPEATED, ROW_GROUPS, BlockDiagonalAttr, BlocksAttr, RectanglesAttr
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network
from dialects.notes import LayerNotes
from dialects.semantics.weight_values import column_order, ordered
from dialects.weights import Remake
from passes.quantize.analysis.choices import FULL, Resolution
from passes.quantize.analysis.grids import Grid
from passes.quantize.analysis.quantization import Quantised, as_blocks, quantised
from passes.quantize.analysis.row_groups import Numbers, block_columns, cut_blocks, cut_rectangles, filled_rows, spread
from passes.quantize.analysis.tied_columns import tied_columns
from passes.rewriting.digital import DigitalBuilder, Structure

NAMES = (
    "weight_bits",
    "weight_group",
    "quantisation_error",
    "largest_scale_error",
    "choice",
    "rounding",
    "rounded_output_error",
    "nearest_output_error",
)
"""What is noted of each multiplication by a weight that is not simply of 8 bits, with a scale for each column."""
Said = Mapping[str, float | str]


@dataclass(frozen=True)
class Source:
    """The `floats` of a weight as they become integers: [in, out], or blocks [blocks, rows, columns].

    Where groups of rows lie in columns of their own already (`cut_rectangles`), there are `groups` times as many
    columns, and `how` has no group any more. `tied` names for each column the group of columns that are tied to one
    scale, and whose equal numbers must become equal integers. `remake` makes the floats anew.
    """

    floats: Array
    how: Resolution
    structure: Structure | None
    groups: int
    tied: Numbers | None
    remake: Remake | None


Rounding = Callable[[str, Source], Quantised | None]
"""Makes integers of the weight of a symbol in a way of its own; None where it has no better way than `quantised`."""


@dataclass(frozen=True)
class StoredIntegers:
    """The integers of a weight of `columns` columns, in the network as `@symbol`.

    That has `groups` times as many columns, those of the first groups of rows before those of the second ones; `scales`
    is float32 [groups, columns], and so are the int32 `sums` over the rows of each. `rows` says which inputs its rows
    take, where these are not as many as the weight has.
    """

    symbol: str
    scales: Array
    sums: Array
    rows: Numbers | None

    @property
    def groups(self) -> int:
        return len(self.scales)

    @property
    def columns(self) -> int:
        return self.scales.shape[1]


@dataclass(frozen=True)
class FloatWeights:
    """The integers of float weights, by `resolution` or, for the symbols in `others`, as these say."""

    network: Network
    resolution: Resolution
    notes: LayerNotes
    others: Mapping[str, Resolution] = field(default_factory=dict[str, Resolution])
    rounding: Rounding | None = None
    roundings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is said of the way in which a weight is rounded, by symbol."""
    choices: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is said of the resolution that was chosen for a weight, by symbol."""
    _known: dict[str, StoredIntegers] = field(default_factory=dict[str, StoredIntegers])
    _said: dict[str, Said] = field(default_factory=dict[str, Said])

    def stored(self, builder: DigitalBuilder, matmul: MatmulOp) -> StoredIntegers:
        """The integers that a multiplication's weight becomes; UserError for numbers that none stand for."""
        node, symbol = node_name(matmul), matmul.symbol
        if symbol not in self._known:
            try:
                self._known[symbol] = self._made(builder, symbol)
            except OverflowError as error:
                raise UserError(
                    f"node {node!r}: weight @{symbol} has {error} (NaN, infinite or too large), which integers with a "
                    "scale cannot stand for"
                ) from error
        self.notes.look_at(node)
        if self._said[symbol]:
            self.notes.add(node, **self._said[symbol])
        return self._known[symbol]

    def resolution_of(self, symbol: str) -> Resolution:
        """To how many bits a weight is quantised, and by which groups."""
        return self.others.get(symbol, self.resolution)

    def source(self, symbol: str) -> Source:
        """The floats of a weight, as they are quantised."""
        weight, how = self.network.weight(symbol), self.resolution_of(symbol)
        floats, remake = weight.array(self.network.store), weight.again(self.network.store)
        assert floats.dtype.kind == "f", f"weight @{symbol} of {floats.dtype} has no scale"
        structure, groups = weight.structure, 1
        if isinstance(structure, BlocksAttr) and how.group is not None:
            parts, groups = cut_rectangles(structure.rectangles, how, floats.shape[1])
            structure, how = BlocksAttr(structure.kind, RectanglesAttr.of(parts)), Resolution(how.bits)
            if groups > 1:
                floats, remake = spread(floats, parts, groups), None
        tied = None
        if isinstance(structure, BlocksAttr) and has_equal_blocks(weight):
            tied = tied_columns(floats, structure.rectangles)
        return Source(floats, how, structure, groups, tied, remake)

    def _made(self, builder: DigitalBuilder, symbol: str) -> StoredIntegers:
        weight, source = self.network.weight(symbol), self.source(symbol)
        structure, groups, remake = source.structure, source.groups, source.remake
        order, rows = column_order(weight, self.network), None
        given = None if self.rounding is None else self.rounding(symbol, source)
        made = quantised(source.floats, source.how, source.tied) if given is None else given
        grid, values = made.grid, made.values
        if grid.groups > 1:
            groups, blocks = grid.groups, len(grid.scales)
            rows = filled_rows(blocks, values.shape[-2], grid.size)
            values = cut_blocks(values, grid.size)
            order = block_columns(blocks, groups, grid.columns, order)
            structure = _down_the_diagonal(builder, weight, values.shape, order)
        again = None if remake is None or given is not None else partial(_rounded_again, remake, grid)
        name = builder.weight(values, f"{symbol}.int{source.how.bits}", structure=structure, again=again)
        self._said[symbol] = _errors(self.resolution_of(symbol), groups, made, self.roundings.get(symbol))
        if symbol in self.choices:
            said: dict[str, float | str] = {"weight_bits": float(source.how.bits), "choice": self.choices[symbol]}
            self._said[symbol] = {**said, **self._said[symbol]}
        arrays = grid.scales, values.sum(axis=-2, dtype=np.int32)
        scales, sums = (ordered(array.reshape(-1), order).reshape(groups, -1) for array in arrays)
        return StoredIntegers(name, scales, sums, rows)


def has_equal_blocks(weight: WeightOp) -> bool:
    """Whether blocks that are equal in floats have to be equal integers: they share their places."""
    return isinstance(weight.structure, BlocksAttr) and weight.kind == REPEATED


def _down_the_diagonal(
    builder: DigitalBuilder, weight: WeightOp, shape: tuple[int, ...], order: Numbers | None
) -> BlockDiagonalAttr:
    """The structure of a weight that is cut into blocks of this shape."""
    kind = ROW_GROUPS if weight.structure is None else weight.kind
    symbol = None if order is None else builder.weight(order, f"{weight.symbol}.order")
    return BlockDiagonalAttr.of(shape, kind, symbol)


def _errors(how: Resolution, groups: int, made: Quantised, rounding: str | None) -> Said:
    """What is noted of a weight."""
    if how == FULL:
        return {}
    said: dict[str, float | str] = {"weight_bits": float(how.bits)}
    if groups > 1 and how.group is not None:
        said["weight_group"] = float(how.group)
    said |= {"quantisation_error": made.error, "largest_scale_error": made.largest_error}
    if rounding is not None:
        said["rounding"] = rounding
    if made.output_error is not None and made.nearest_output_error is not None:
        said |= {"rounded_output_error": made.output_error, "nearest_output_error": made.nearest_output_error}
    return said


def _rounded_again(floats: Remake, grid: Grid) -> Array:
    matrix = floats()
    values = grid.rounded(as_blocks(matrix))
    return values.reshape(matrix.shape) if grid.groups == 1 else cut_blocks(values, grid.size)
