"""What is wrong with the tiles of multiplications, their formats and places: breaches of rules (`passes/rules.py`)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.chip.formats import Format
from dialects.cim import DigitalOp, WeightOp
from dialects.hardware import ChipAttr, chip_of
from dialects.locations import node_name
from dialects.network import bodies, main_block, operations, weights_of
from passes.analysis.places import Placement, illegal_place
from passes.analysis.tiling import are_twice, places_in


@dataclass(frozen=True)
class Breach:
    """A node that breaks a rule, and what is wrong with it: the first half of a message."""

    node: str
    fault: str


MOST_ARRAYS = 2**31 - 1
"""That a program can number."""


def node_of(op: Operation) -> str:
    """The ONNX node of an operation, or of the first one inside."""
    return node_name(next((inner for inner in op.walk() if isinstance(inner, MultiplyOp | DigitalOp)), op))


def _multiplies(ops: Sequence[Operation]) -> list[MultiplyOp]:
    return [op for op in ops if isinstance(op, MultiplyOp)]


def too_large(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """A multiplication with a tile that no array of the chip can hold."""
    multiplies = _multiplies(ops)
    if not multiplies:
        return None
    chip = chip_of(module)
    for op in multiplies:
        rows, columns = (int(op.tiles.array[:, i].max(initial=0)) for i in (2, 3))
        if rows > chip.rows or columns > chip.columns:
            size = f"tiles of {rows}x{columns}, chip {chip.chip_name!r} has arrays of {chip.rows}x{chip.columns}"
            return Breach(node_of(op), f"node {node_of(op)!r} has {size}")
    return None


def not_of_blocks(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """A multiplication with a tile that holds more than a part of a block, or what another of its copy holds."""
    weights = weights_of(module)
    for op in {op.symbol: op for op in _multiplies(ops)}.values():
        blocks = _blocks(weights[op.symbol])
        for tiles in _copies(op):
            if np.array_equal(tiles, blocks):
                continue
            inside = places_in(tiles, blocks)
            if inside is None or are_twice(tiles, inside, blocks):
                wrong = "outside its blocks" if inside is None else "that overlap"
                return Breach(node_of(op), f"node {node_of(op)!r} has tiles of weight @{op.symbol} {wrong}")
    return None


def _blocks(weight: WeightOp) -> Table:
    """The blocks (first row, first column, rows, columns) of a weight; a dense one is one block."""
    if weight.structure is not None:
        return weight.structure.rectangles
    return np.array([[0, 0, *weight.matrix_shape]])


def _copies(op: MultiplyOp) -> Iterator[Table]:
    """The tiles of each copy of a multiplication's weight."""
    tiles, copy = op.tiles.array, op.copy_of_tiles
    return (tiles[copy == number] for number in range(op.count_of_copies))


def unequal_copies(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """A multiplication whose weight has copies that hold different parts of it, or lie in one array."""
    weights = weights_of(module)
    for op in {op.symbol: op for op in _multiplies(ops) if op.copies is not None}.values():
        blocks = _blocks(weights[op.symbol])
        held = [_held(tiles, blocks) for tiles in _copies(op)]
        known = [rectangles for rectangles in held if rectangles is not None]
        fault = None
        if len(known) < len(held) or not all(np.array_equal(own, known[0]) for own in known):
            fault = "that hold different parts of blocks"
        elif op.places is not None and _share_an_array(op.places.array[:, 0], op.copy_of_tiles):
            fault = "that share an array"
        if fault is not None:
            return Breach(node_of(op), f"node {node_of(op)!r} has copies of weight @{op.symbol} {fault}")
    return None


def _held(tiles: Table, blocks: Table) -> Table | None:
    """The rectangle of each block that tiles hold (first row, first column, last row, last column), as numbers inside
    of it; None if it is no rectangle. The tiles are parts of blocks that do not overlap."""
    inside = places_in(tiles, blocks)
    if inside is None:
        return None
    number, first = inside[:, 0], inside[:, 1:]
    low, high, cells = (
        np.full((len(blocks), 2), MOST_ARRAYS),
        np.zeros((len(blocks), 2), np.int64),
        np.zeros(len(blocks)),
    )
    np.minimum.at(low, number, first)
    np.maximum.at(high, number, first + tiles[:, 2:])
    np.add.at(cells, number, tiles[:, 2] * tiles[:, 3])
    whole = np.where(cells > 0, np.prod(high - low, axis=1), 0)
    return np.concatenate([low, high], axis=1) if np.array_equal(whole, cells) else None


def _share_an_array(arrays: Table, copy: Table) -> bool:
    """Whether an array holds tiles of two copies."""
    pairs = np.unique(np.stack([arrays, copy], axis=1), axis=0)
    return len(np.unique(pairs[:, 0])) < len(pairs)


def different(name: str) -> Callable[[ModuleOp, Sequence[Operation]], Breach | None]:
    """Looks for two multiplications by one weight that do not have the same table `name`."""

    def breach(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
        first: dict[str, MultiplyOp] = {}
        for op in _multiplies(ops):
            other = first.setdefault(op.symbol, op)
            if op.properties.get(name) != other.properties.get(name):
                fault = f"node {node_of(op)!r} has other {name} of weight @{op.symbol} than node {node_of(other)!r}"
                return Breach(node_of(op), fault)
        return None

    return breach


def of_two_formats(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """A multiplication with a tile in an array whose other tiles have another format."""
    placed = [op for op in _multiplies(ops) if op.places is not None]
    if len({op.format for op in placed}) < 2:
        return None
    chip, formats = chip_of(module), dict[int, Format]()
    for op in placed:
        own = op.cells(chip).format
        for array in np.unique(_places(op)[:, 0]).tolist():
            other = formats.setdefault(array, own)
            if own != other:
                fault = (
                    f"node {node_of(op)!r} has tiles of {own.text} in array {array}, others there are of {other.text}"
                )
                return Breach(node_of(op), fault)
    return None


def _places(op: MultiplyOp) -> Table:
    assert op.places is not None
    return op.places.array


def wrongly_loaded(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """A multiplication that says no load where others do, or whose arrays are not behind those of the loads before.

    Or one in a body of control flow that needs another load than others there: all comes before that begins.
    """
    placed = {op.symbol: op for op in _multiplies(ops) if op.places is not None}
    loads = _by_load(list(placed.values()))
    if None in loads and len(loads) > 1:
        node = node_of(loads[None][0])
        return Breach(node, f"node {node!r} has no load, others have: weights pass through the chip in parts")
    end = 0
    for load, members in loads.items():
        op = min(members, key=lambda op: int(_places(op)[:, 0].min(initial=MOST_ARRAYS)))
        first = int(_places(op)[:, 0].min(initial=MOST_ARRAYS))
        if first < end:
            return Breach(
                node_of(op), f"node {node_of(op)!r} of load {load} lies in array {first}, of a load before it"
            )
        end = 1 + max(int(_places(member)[:, 0].max(initial=0)) for member in members)
    return _of_two_loads(module) if len(loads) > 1 else None


def _of_two_loads(module: ModuleOp) -> Breach | None:
    for outer in main_block(module).ops:
        own = [op for body in bodies(outer) for op in operations(body) if isinstance(op, MultiplyOp)]
        for op in own:
            if op.load_number != own[0].load_number:
                node, loads = node_of(op), f"load {op.load_number}, others there of load {own[0].load_number}"
                return Breach(node, f"node {node!r} in a body of control flow is of {loads}")
    return None


def _by_load(placed: Sequence[MultiplyOp]) -> dict[int | None, list[MultiplyOp]]:
    """The multiplications of each load, in order; None for those of weights that are in the chip all the time."""
    loads: dict[int | None, list[MultiplyOp]] = {}
    for op in sorted(placed, key=lambda op: -1 if op.load_number is None else op.load_number):
        loads.setdefault(op.load_number, []).append(op)
    return loads


def _out_of_crossbars(chip: ChipAttr, placed: Sequence[MultiplyOp]) -> Breach | None:
    """The multiplication with the last array, if all arrays take more crossbars than the chip has.

    Of weights that pass through it in parts, the arrays of one part, whose numbers are behind those of others.
    """
    before = min((int(_places(op)[:, 0].min(initial=MOST_ARRAYS)) for op in placed if op.load is not None), default=0)
    last_of = {op: int(_places(op)[:, 0].max(initial=0)) for op in placed}
    op = max(placed, key=lambda op: last_of[op])
    last, arrays, whole = last_of[op], chip.arrays, chip.slices
    if arrays is None or chip.crossbars is None:
        if last < MOST_ARRAYS:
            return None
        return Breach(node_of(op), f"node {node_of(op)}: a tile lies in array {last}, there are {MOST_ARRAYS}")
    if last - before < arrays * whole:  # every array has at least one
        used = [np.unique(_places(other)[:, 0]) for other in placed]
        own = [other.cells(chip).format.slices(chip.cell_bits) for other in placed]
        first = np.unique(np.concatenate(used), return_index=True)[1]
        slices = np.repeat(own, [len(numbers) for numbers in used])[first]
        crossbars = int(slices.sum()) + (last + 1 - before - len(slices)) * whole
        if crossbars <= chip.crossbars:
            return None
        if (slices != whole).any():
            fault = (
                f"arrays {before} to {last} have {crossbars} crossbars, chip {chip.chip_name!r} has {chip.crossbars}"
            )
            return Breach(node_of(op), f"node {node_of(op)}: {fault}")
    there = f"there are {arrays}" if op.load is None else f"of {last + 1 - before} of a load, there are {arrays}"
    return Breach(node_of(op), f"node {node_of(op)}: a tile lies in array {last}, {there}")


def wrongly_placed(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """A multiplication whose tiles lie outside their arrays or on some cells of others; each weight lies there once."""
    placed: dict[str, tuple[MultiplyOp, Placement]] = {}
    for op in _multiplies(ops):
        if op.places is not None and op.symbol not in placed:
            placed[op.symbol] = op, Placement(op.tiles.array, op.places.array)
    if not placed:
        return None
    chip, weights = chip_of(module), list(placed.values())
    for members in _by_load([op for op, _ in weights]).values():
        breach = _out_of_crossbars(chip, members)
        if breach is not None:
            return breach
    wrong = illegal_place([placement for _, placement in weights], chip.rows, chip.columns)
    if wrong is None:
        return None
    node = node_of(weights[wrong[0]][0])
    return Breach(node, f"node {node}: {wrong[1]}")
