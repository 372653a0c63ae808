"""Weights that are chosen while a network runs: one matrix of a constant stack for each number of an index."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i64
from xdsl.ir import Attribute, SSAValue

from dialects.attributes.onnx_attributes import integer, integers
from dialects.cim import DigitalOp, ReadOp
from dialects.element_types import Array, element_type, is_tensor, tensor_type, tensor_type_of
from dialects.network import Network, shape_of
from passes.rewriting.constants.constants import constant_of, is_float
from passes.rewriting.digital import DigitalBuilder

MOST_EXPERTS = 1024
"""A stack of more matrices is a table of numbers, and no experts."""
_ELEMENTWISE = ("Add", "Sub", "Mul", "Div")
_RESHAPING = ("Reshape", "Squeeze", "Unsqueeze")


@dataclass(frozen=True)
class ChosenWeight:
    """`stack[index]`, of shape `[*index, rows, columns]`, with what is computed of each matrix alone."""

    index: SSAValue
    """Integers, of a rank that is known."""
    experts: int
    rows: int
    columns: int
    _root: "_Part"

    def matrix(self, builder: DigitalBuilder, expert: int) -> SSAValue:
        """Build the matrix of one expert [rows, columns], by the operators of the network where it is dequantised."""
        return self._root.built(builder, expert)


@dataclass(frozen=True)
class _Constant:
    """A constant for all experts, or with a first dimension for them, which may be 1."""

    array: Array
    name: str
    by_expert: bool

    def built(self, builder: DigitalBuilder, expert: int) -> SSAValue:
        array, name = self.array, self.name
        if self.by_expert:
            array, name = np.asarray(array[expert if len(array) > 1 else 0]), f"{name}.{expert}"
        if array.ndim < 2:
            return builder.constant(array, name)
        return builder.add(ReadOp(builder.weight(array, name), tensor_type_of(array)))


@dataclass(frozen=True)
class _Computed:
    """What an operator makes of parts, for one expert."""

    op_type: str
    parts: "Sequence[_Part]"
    settings: dict[str, Attribute]
    result_type: Attribute

    def built(self, builder: DigitalBuilder, expert: int) -> SSAValue:
        inputs = [part.built(builder, expert) for part in self.parts]
        return builder.add(DigitalOp(self.op_type, inputs, [self.result_type], self.settings))


_Part = _Constant | _Computed


def chosen_weight(value: SSAValue, network: Network) -> ChosenWeight | None:
    """The chosen weight that a value is, dequantised and turned or not; None if it is none."""
    search = _Search(network)
    root, shape = search.chosen(value), shape_of(value.type)
    if root is None or shape is None or search.index is None or len(shape) != search.drop + 2:
        return None
    if min(shape[-2:]) <= 0 or not 1 < search.experts <= MOST_EXPERTS or not is_float(value):
        return None
    return ChosenWeight(search.index, search.experts, shape[-2], shape[-1], root)


DEEPEST = 32
"""Operators between a choice and a product: what comes after more of them is no weight that is dequantised."""


@dataclass
class _Search:
    """Follows a value to the constants that it is made of, all of which are chosen by one index."""

    network: Network
    index: SSAValue | None = None
    experts: int = 0
    depth: int = 0
    """How many operators a value was followed through."""

    @property
    def drop(self) -> int:
        """How many dimensions the index has: those in front of what is chosen."""
        return 0 if self.index is None else len(shape_of(self.index.type) or ())

    def chosen(self, value: SSAValue) -> _Part | None:
        """What a value is that is made of chosen ones."""
        op, shape = value.owner, shape_of(value.type)
        if not isinstance(op, DigitalOp) or not op.is_standard or shape is None:
            return None
        if op.is_a("Gather", "GatherND"):
            return self._gathered(op)
        parts = [] if op.is_a("Reshape", "Squeeze") or self.depth >= DEEPEST else self._parts(op, shape, after=True)
        return None if not parts else self._of(op, parts, self.drop)

    def stacked(self, value: SSAValue) -> _Part | None:
        """What a value is that has a first dimension for the experts."""
        array, op, shape = constant_of(value, self.network), value.owner, shape_of(value.type)
        if array is not None:
            fits = array.ndim > 0 and array.shape[0] in (1, self.experts)
            return _Constant(array, _name_of(value), True) if fits else None
        if not isinstance(op, DigitalOp) or not op.is_standard or not shape or shape[0] not in (1, self.experts):
            return None
        parts = self._parts(op, shape, after=False)
        return None if not parts else self._of(op, parts, 1)

    def _gathered(self, op: DigitalOp) -> _Part | None:
        """`Gather(stack, index)` along the first axis, and `GatherND` of single numbers."""
        data, index = op.inputs[0], op.inputs[1]
        shape = shape_of(data.type)
        if op.is_a("GatherND"):
            unsqueezed = _unsqueezed(index)
            if unsqueezed is None or integer(op.setting, "batch_dims", 0):
                return None
            index = unsqueezed
        elif shape is None or integer(op.setting, "axis", 0) not in (0, -len(shape)):
            return None
        if not shape or not is_tensor(index.type) or self.index not in (None, index):
            return None
        if self.experts not in (0, shape[0]) or constant_of(index, self.network) is not None:
            return None
        self.index, self.experts = index, shape[0]
        return self.stacked(data)

    def _parts(self, op: DigitalOp, shape: Sequence[int], after: bool) -> list[_Part]:
        """What the operands of an operator are; none if one is something else.

        Constants come last: how many dimensions the index has is known from the others.
        """
        values = list(op.inputs)[: 1 if op.is_a(*_RESHAPING) else None]
        order = sorted(range(len(values)), key=lambda i: constant_of(values[i], self.network) is not None)
        parts: dict[int, _Part] = {}
        for i in order:
            part = self._after(values[i], op, shape) if after else self._before(values[i], op, shape, i > 0)
            if part is None:
                return []
            parts[i] = part
        return [parts[i] for i in range(len(values))]

    def _after(self, value: SSAValue, op: DigitalOp, shape: Sequence[int]) -> _Part | None:
        """An operand of an operator that works on what is chosen."""
        array = constant_of(value, self.network)
        if array is not None:
            known = self.index is not None and array.ndim <= len(shape) - self.drop
            return _Constant(array, _name_of(value), False) if known else None
        self.depth += 1
        part = self.chosen(value)
        self.depth -= 1
        aligned = not op.is_a(*_ELEMENTWISE) or not self.drop or len(shape_of(value.type) or ()) == len(shape)
        return part if aligned else None

    def _before(self, value: SSAValue, op: DigitalOp, shape: Sequence[int], is_scale: bool) -> _Part | None:
        """An operand of an operator that works on the stack; one of fewer dimensions is for all experts."""
        array = constant_of(value, self.network)
        if array is None:
            has_experts = op.is_a(*_RESHAPING) or len(shape_of(value.type) or ()) == len(shape)
            return self.stacked(value) if has_experts else None
        by_expert = array.ndim == len(shape)
        if op.is_a("DequantizeLinear") and is_scale:
            by_expert |= array.ndim == 1 and integer(op.setting, "axis", 1) in (0, -len(shape))
        return self.stacked(value) if by_expert or op.is_a(*_RESHAPING) else _Constant(array, _name_of(value), False)

    def _of(self, op: DigitalOp, parts: list[_Part], drop: int) -> _Part | None:
        """What an operator makes of parts if it treats each matrix alone; `drop` dimensions are in front of these."""
        shape = shape_of(op.outputs[0].type)
        if shape is None or len(shape) < drop:
            return None
        if op.is_a(*_RESHAPING):
            return self._reshaped(op, parts[0], shape, drop)
        settings = _settings(op, drop)
        if settings is None:
            return None
        return _Computed(op.op_type.data, parts, settings, tensor_type(element_type(op.outputs[0].type), shape[drop:]))

    def _reshaped(self, op: DigitalOp, part: _Part, shape: tuple[int, ...], drop: int) -> _Part | None:
        """A constant with other dimensions after those of the experts."""
        before = shape_of(op.inputs[0].type)
        if not isinstance(part, _Constant) or not part.by_expert or before is None or min(shape[drop:], default=1) < 1:
            return None
        moved = before[:drop] != shape[:drop] or np.prod(before[drop:]) != np.prod(shape[drop:])
        return None if moved else _Constant(part.array.reshape(len(part.array), *shape[drop:]), part.name, True)


def _settings(op: DigitalOp, drop: int) -> dict[str, Attribute] | None:
    """The attributes of an operator on one matrix; None if it does not treat each matrix alone."""
    rank = len(shape_of(op.outputs[0].type) or ())
    if op.is_a("Transpose"):
        order = integers(op.setting, "perm") or list(range(rank))[::-1]
        if order[:drop] != list(range(drop)):
            return None
        return {"perm": DenseArrayBase.from_list(i64, [axis - drop for axis in order[drop:]])}
    if op.is_a("DequantizeLinear"):
        axis = integer(op.setting, "axis", 1) % max(rank, 1)
        return {**op.setting, "axis": IntegerAttr(max(axis - drop, 0), i64)}
    return op.setting if op.is_a("Cast", *_ELEMENTWISE) else None


def _unsqueezed(indices: SSAValue) -> SSAValue | None:
    """The index that got a last dimension of 1."""
    op, shape = indices.owner, shape_of(indices.type)
    if not isinstance(op, DigitalOp) or not op.is_a("Unsqueeze") or shape is None or shape[-1] != 1:
        return None
    return op.inputs[0] if shape_of(op.inputs[0].type) == shape[:-1] else None


def _name_of(value: SSAValue) -> str:
    return value.owner.symbol if isinstance(value.owner, ReadOp) else value.name_hint or "experts"
