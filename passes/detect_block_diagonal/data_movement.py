"""What data movement does to vectors, found by trying it: numbered elements go in, and where they come out is read off.

Exporters write the permutations around structured layers in many ways (`Reshape`, `Transpose`, `Pad`, `Gather`, shapes
computed at run time). Instead of matching each, ONNX Runtime runs the chain on numbers, twice, for two batch sizes.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import NoneType, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network, Port, shape_of
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from passes.rewriting.levels import sources

MOVEMENTS = (
    "Reshape",
    "Transpose",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Identity",
    "Gather",
    "Slice",
    "Pad",
    "Concat",
    "Split",
)
"""Operators that only move elements (or put zeros beside them)."""

BATCHES = ((2, 3, 5), (3, 1, 2))
"""Sizes that dynamic leading dimensions get in the two trials; the numbers differ too, from what constants add."""

Indices = npt.NDArray[np.int64]
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
Tried = dict[Hashable, "tuple[Indices, bool] | None"]
"""What movements did that were tried before, by what they are: the layers of a network move alike."""
LIMIT = 1 << 24
"""float32 holds the numbers up to here exactly."""


@dataclass(frozen=True)
class Movement:
    """`result[..., i] = source[..., table[i]]`, 0 where `table[i]` is -1; the leading dimensions keep their order."""

    source: SSAValue
    table: Indices
    same_leading: bool
    """Whether the leading dimensions are the same too, not only the order of the vectors."""


def is_movement(op: object) -> bool:
    """Whether `op` moves elements of its first input (or several inputs of one source) and nothing else."""
    return isinstance(op, DigitalOp) and op.is_a(*MOVEMENTS)


class Sources:
    """The values that movements start from, each found once: chains of movements may be long, and share their ends."""

    def __init__(self) -> None:
        self.known: dict[SSAValue, SSAValue | None] = {}

    def of(self, value: SSAValue) -> SSAValue | None:
        """The value whose elements `value` consists of, found through movements; None if there are several."""
        pending = [value]
        while pending:
            current = pending[-1]
            owner = current.owner
            before = _moved(owner) if isinstance(owner, DigitalOp) and is_movement(owner) else None
            missing = [v for v in before or () if v not in self.known]
            if missing:
                pending += missing
                continue
            if before is None:
                self.known[current] = current
            else:
                origins = {source for v in before if not _is_constant(source := self.known[v])}
                self.known[current] = origins.pop() if len(origins) == 1 else None
            pending.pop()
        return self.known[value]


def _moved(op: DigitalOp) -> Sequence[SSAValue]:
    """The inputs whose elements a movement moves."""
    return op.inputs if op.is_a("Concat") else op.inputs[:1]


def _is_constant(value: SSAValue | None) -> bool:
    return value is not None and isinstance(value.owner, ConstantOp | ReadOp)


def movement(value: SSAValue, source: SSAValue, network: Network, tried: Tried | None = None) -> Movement | None:
    """What the movements from `source` to `value` do to vectors; None if they mix them or cannot be tried.

    What is in `tried` is not tried again; what is new is put there.
    """
    shape, target_shape = shape_of(source.type), shape_of(value.type)
    dtype = numpy_element(element_type(source.type))
    if not shape or shape[-1] < 1 or target_shape is None or not target_shape or dtype not in _FLOATS:
        return None
    ops, others = _chain(value, source)
    if not _only_shapes_count(ops, others):
        return None
    tried = {} if tried is None else tried
    description = _description(value, source, ops, others)
    if description not in tried:
        tried[description] = _tried(value, source, ops, others, network)
    effect = tried[description]
    return None if effect is None else Movement(source, *effect)


def _description(value: SSAValue, source: SSAValue, ops: Sequence[Operation], others: Sequence[SSAValue]) -> Hashable:
    """All that decides what a chain does: operators, settings, types, constants, and how they hang together."""
    numbers = {start: number for number, start in enumerate((source, *others))}

    def described(operand: SSAValue) -> Hashable:
        owner = operand.owner
        if operand not in numbers and isinstance(owner, ConstantOp | ReadOp | NoneOp):
            return type(owner), frozenset(owner.properties.items())
        return numbers.setdefault(operand, len(numbers))

    starts = tuple(start.type for start in (source, *others))
    steps = tuple(
        (
            frozenset(op.properties.items()),
            tuple(described(operand) for operand in op.operands),
            tuple((described(result), result.type) for result in op.results),
            tuple(op.regions),  # equal only if they are the same: bodies are not described
        )
        for op in ops
    )
    return starts, steps, described(value)


def _tried(
    value: SSAValue, source: SSAValue, ops: list[Operation], others: list[SSAValue], network: Network
) -> tuple[Indices, bool] | None:
    """Table and `same_leading` of a movement, the same in all trials; None if it mixes vectors or cannot be tried."""
    results: list[tuple[Indices, bool]] = []
    for first, sizes in enumerate(BATCHES):
        trial = _try(value, source, ops, others, sizes, first * LIMIT // 2, network)
        if trial is None:
            return None
        results.append(trial)
    table = results[0][0]
    if any(not np.array_equal(table, other) for other, _ in results):
        return None
    return table, all(same for _, same in results)


def _chain(value: SSAValue, source: SSAValue) -> tuple[list[Operation], list[SSAValue]]:
    """The operations between `source` and `value`, and the other values that they read (for shapes)."""
    ops: dict[Operation, None] = {}
    others: dict[SSAValue, None] = {}
    pending = [value]
    while pending:
        current = pending.pop()
        owner = current.owner
        if current is source or isinstance(current.type, NoneType):
            continue
        if isinstance(owner, ConstantOp | ReadOp | NoneOp):
            continue
        if isinstance(owner, DigitalOp) and (is_movement(owner) or _computes_shapes(current)):
            if owner not in ops:
                ops[owner] = None
                pending.extend(owner.inputs)
        else:
            others[current] = None
    return _in_order(ops), list(others)


def _only_shapes_count(ops: Sequence[Operation], others: Sequence[SSAValue]) -> bool:
    """Whether a chain depends on nothing but the shapes of the other values: by their numbers, each run moves anew."""
    asking = {op for op in ops if isinstance(op, DigitalOp) and op.is_a("Shape", "Size")}
    return not any(operand in others for op in ops if op not in asking for operand in op.operands)


def _in_order(ops: Mapping[Operation, None]) -> list[Operation]:
    """Operations in an order in which they can run."""
    done: dict[Operation, None] = {}
    for first in ops:
        pending = [first]
        while pending:
            op = pending[-1]
            missing = [o for o in sources(op) if o in ops and o not in done]
            if missing:
                pending += missing
            else:
                done[pending.pop()] = None
    return list(done)


def _computes_shapes(value: SSAValue) -> bool:
    """Whether a value is made of integers, as shapes are, and not of activations."""
    dtype = numpy_element(element_type(value.type))
    return dtype is not None and dtype.kind in "iub"


def _try(
    value: SSAValue,
    source: SSAValue,
    ops: list[Operation],
    others: list[SSAValue],
    sizes: tuple[int, ...],
    first: int,
    network: Network,
) -> tuple[Indices, bool] | None:
    """Where elements numbered from `first` + 1 on come out, and whether the leading dimensions stay the same."""
    shape = _concrete(source, sizes)
    if shape is None or np.prod(shape) >= LIMIT // 2:
        return None
    numbered = np.arange(first + 1, first + np.prod(shape) + 1).reshape(shape)
    numbered = numbered.astype(numpy_element(element_type(source.type)))
    feeds = {"source": numbered}
    for i, other in enumerate(others):
        zeros = _zeros(other, sizes)
        if zeros is None:
            return None
        feeds[f"other{i}"] = zeros
    inputs = [(source, Port("source", ())), *((o, Port(f"other{i}", ())) for i, o in enumerate(others))]
    try:
        moved = run_graph(GraphWriter(network).model(ops, inputs, [(value, Port("moved", ()))]), feeds)["moved"]
    except GraphError:
        return None
    table = _read_off(moved, first, shape)
    return None if table is None else (table, moved.shape[:-1] == shape[:-1])


def _read_off(moved: Array, first: int, shape: tuple[int, ...]) -> Indices | None:
    """The table of a gather that gave `moved`; None if it moved elements between vectors, or lost or added some."""
    count, features = prod(shape[:-1]), shape[-1]
    if not moved.size or moved.size != count * moved.shape[-1]:
        return None
    numbers = moved.reshape(count, moved.shape[-1]).astype(np.int64)
    if (numbers != moved.reshape(numbers.shape)).any():
        return None
    vectors, table = np.divmod(numbers - first - 1, features)
    outside = numbers == 0
    table[outside] = -1
    if (table != table[0]).any() or ((vectors != np.arange(count)[:, None]) & ~outside).any():
        return None
    return table[0]


def _concrete(value: SSAValue, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of `value` with sizes for its dynamic dimensions, in order."""
    shape = shape_of(value.type)
    if shape is None:
        return None
    free = iter(sizes)
    filled = [size if size >= 0 else next(free, -1) for size in shape]
    return None if -1 in filled else tuple(filled)


def _zeros(value: SSAValue, sizes: tuple[int, ...]) -> Array | None:
    shape, dtype = _concrete(value, sizes), numpy_element(element_type(value.type))
    return None if shape is None or dtype is None else np.zeros(shape, dtype)


def moved_operands(op: Operation) -> Iterator[tuple[int, SSAValue]]:
    """The operands of an operation that come out of a movement, with their positions."""
    if is_movement(op):
        return
    for i, operand in enumerate(op.operands):
        if is_movement(operand.owner) and isa(operand.type, TensorType):
            yield i, operand
