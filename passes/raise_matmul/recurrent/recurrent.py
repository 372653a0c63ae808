"""`LSTM`, `GRU` and `RNN` with constant weights: one product for the inputs of all steps, a `Scan` over the steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    NoneType,
    StringAttr,
    TensorType,
    i1,
    i64,
)
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.utils.hints import isa

from dialects.attributes.onnx_attributes import integer, real, to_onnx
from dialects.cim import DigitalOp, YieldOp
from dialects.element_types import element_type, numpy_element, tensor_type
from dialects.network import Network, shape_of
from passes.raise_matmul.recurrent.recurrent_activations import Activation, activations, float_number
from passes.raise_matmul.recurrent.recurrent_cells import State, Step, columns, gru_step, lstm_step, rnn_step
from passes.raise_matmul.recurrent.recurrent_weights import Factor, of_direction, plain_factors, quantised_factors
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.integer_products import optional
from passes.rewriting.sizes import Sizes, known

_FUNCTIONS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


@dataclass(frozen=True)
class RaiseRecurrent(RewritePattern):
    """`LSTM`, `GRU`, `RNN` and `DynamicQuantizeLSTM`: input and recurrent weights are multiplied by as matrices.

    The rules after this one raise these multiplications.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        node = _read(op, self.network)
        functions = None if node is None else _functions(node)
        if node is None or functions is None:
            return
        results = _Lowering(DigitalBuilder(self.network, op), node, functions).results()
        named = zip(op.results, results)
        rewriter.replace(op, (), [None if isinstance(old.type, NoneType) else new for old, new in named])


@dataclass(frozen=True)
class _Node:
    """What a recurrent operator says; values are None where they are left out."""

    op: DigitalOp
    cell: str
    hidden: int
    backwards: tuple[bool, ...]
    """Of each direction, whether it goes through the steps from the last on."""
    inputs: Sequence[Factor]
    recurrent: Sequence[Factor]
    bias: SSAValue | None
    lengths: SSAValue | None
    initial: tuple[SSAValue | None, ...]
    peepholes: SSAValue | None


def _read(op: DigitalOp, network: Network) -> _Node | None:
    """None for another operator, and for one whose weights are no constants, or that ONNX does not know so."""
    quantised = op.op_type.data == "DynamicQuantizeLSTM" and op.domain is not None and op.domain.data == "com.microsoft"
    if not (quantised or op.is_a(*_GATES)) or len(op.inputs) < (12 if quantised else 3):
        return None
    cell = "LSTM" if quantised else op.op_type.data
    if quantised:
        inputs = quantised_factors(op.inputs[1], op.inputs[8], op.inputs[9], network)
        recurrent = quantised_factors(op.inputs[2], op.inputs[10], op.inputs[11], network)
    else:
        inputs, recurrent = (plain_factors(op.inputs[i], network) for i in (1, 2))
    named, x = op.setting.get("direction"), op.inputs[0].type
    direction = named.data if isinstance(named, StringAttr) else "forward"
    if inputs is None or recurrent is None or direction not in _DIRECTIONS:
        return None
    reverse, hidden, count = _DIRECTIONS[direction], len(recurrent[0].values), _GATES[cell]
    widths = {factor.values.shape[1] for factor in (*inputs, *recurrent)}
    if not _fits(x, inputs[0]) or {len(inputs), len(recurrent)} != {len(reverse)} or widths != {count * hidden}:
        return None
    states = (5, 6) if cell == "LSTM" else (5,)
    initial = tuple(optional(op.inputs, i) for i in states)
    peepholes = optional(op.inputs, 7) if cell == "LSTM" else None
    bias, lengths = optional(op.inputs, 3), optional(op.inputs, 4)
    if not all(value is None or isa(value.type, TensorType) for value in (bias, peepholes)):
        return None
    return _Node(op, cell, hidden, reverse, inputs, recurrent, bias, lengths, initial, peepholes)


def _fits(x: Attribute, factor: Factor) -> bool:
    """Whether sequences can be multiplied by a weight: [steps, batch, inputs] of its type, if that is known."""
    numbers, shape = factor.values if factor.scale is None else factor.scale, shape_of(x)
    known_fit = shape is None or (len(shape) == 3 and shape[2] in (DYNAMIC_INDEX, len(factor.values)))
    return known_fit and numpy_element(element_type(x)) == numbers.dtype


def _functions(node: _Node) -> list[list[Activation]] | None:
    """The activation functions of each direction; None for one that ONNX does not know."""
    names = _texts(node.op, "activations") or _FUNCTIONS[node.cell] * len(node.backwards)
    given = activations(names, _reals(node.op, "activation_alpha"), _reals(node.op, "activation_beta"))
    each = len(_FUNCTIONS[node.cell])
    if given is None or len(given) != each * len(node.backwards):
        return None
    return [given[i : i + each] for i in range(0, len(given), each)]


def _texts(op: DigitalOp, name: str) -> list[str]:
    value = op.setting.get(name)
    return [text.decode() for text in to_onnx(name, value).strings] if value is not None else []


def _reals(op: DigitalOp, name: str) -> list[float]:
    value = op.setting.get(name)
    return list(to_onnx(name, value).floats) if value is not None else []


class _Lowering:
    """Writes what stands for one node, in front of it."""

    def __init__(self, builder: DigitalBuilder, node: _Node, functions: Sequence[Sequence[Activation]]):
        self.builder, self.node, self.functions, self.sizes = builder, node, functions, Sizes(builder)
        self.by_batch = integer(node.op.setting, "layout", 0) == 1
        x = self._of_rank_3(node.op.inputs[0], (0, 0, len(node.inputs[0].values)))
        self.x = builder.transpose(x, [1, 0, 2]) if self.by_batch else x
        self.element = element_type(x.type)
        self.steps, self.batch = self.sizes.of(self.x, 0), self.sizes.of(self.x, 1)
        self.lengths = None if node.lengths is None else builder.cast(node.lengths, i64)

    def _of_rank_3(self, value: SSAValue, sizes: tuple[int, int, int]) -> SSAValue:
        """A value whose rank ONNX demands, where nobody has told it; a size of 0 is the value's own."""
        if shape_of(value.type) is not None:
            return value
        type_ = tensor_type(element_type(value.type), tuple(size or DYNAMIC_INDEX for size in sizes))
        return self.builder.op("Reshape", [value, self.builder.constant(np.array(sizes, np.int64), "shape")], type_)

    def results(self) -> list[SSAValue]:
        """The outputs of all steps [steps, directions, batch, hidden], the last states [directions, batch, hidden]."""
        directions = [self._direction(i) for i in range(len(self.node.backwards))]
        all_steps = self._joined([outputs for outputs, _ in directions], 1)
        finals = [self._joined(parts, 0) for parts in zip(*(states for _, states in directions))]
        if self.by_batch:
            all_steps = self.builder.transpose(all_steps, [2, 0, 1, 3])
            finals = [self.builder.transpose(final, [1, 0, 2]) for final in finals]
        return [all_steps, *finals]

    def _joined(self, parts: Sequence[SSAValue], axis: int) -> SSAValue:
        """Values of all directions along a new axis."""
        wide = [unsqueezed(self.builder, part, axis) for part in parts]
        if len(wide) == 1:
            return wide[0]
        shape = list(shape_of(wide[0].type) or ())
        shape[axis] = len(wide)
        return self.builder.op("Concat", wide, tensor_type(self.element, tuple(shape)), axis=axis)

    def _direction(self, number: int) -> tuple[SSAValue, State]:
        """The outputs of all steps [steps, batch, hidden], and the last states [batch, hidden], of one direction."""
        node, backwards = self.node, self.node.backwards[number]
        turns = backwards and self.lengths is not None
        x = self._turned(self.x) if turns else self.x
        given, step = self._step(number, node.inputs[number].product(self.builder, x))
        state = [self._initial(value, number) for value in node.initial]
        outputs, *last = self._scan(step, given, state, backwards and not turns)
        return self._turned(outputs) if turns else outputs, last

    def _turned(self, x: SSAValue) -> SSAValue:
        """The steps of each sequence of the batch from its last on; what is behind it stays."""
        assert self.lengths is not None
        return self.builder.op("ReverseSequence", [x, self.lengths], x.type, batch_axis=1, time_axis=0)

    def _step(self, number: int, given: SSAValue) -> tuple[SSAValue, Step]:
        """What steps are given, biases included, and what they have in common."""
        node, builder, hidden = self.node, self.builder, self.node.hidden
        width = hidden * _GATES[node.cell]
        after = node.cell == "GRU" and integer(node.op.setting, "linear_before_reset", 0) == 1
        bias, inner = of_direction(builder, node.bias, number), None
        if bias is not None:
            own, recurrent = (columns(builder, bias, i * width, width) for i in (0, 1))
            if after:
                inner = columns(builder, recurrent, 2 * hidden, hidden)
                recurrent = builder.pad_last(columns(builder, recurrent, 0, 2 * hidden), hidden)
            given = builder.elementwise("Add", given, builder.elementwise("Add", own, recurrent))
        factor = node.recurrent[number]
        parts = [factor]
        if node.cell == "GRU" and not after:
            parts = [factor.columns(0, 2 * hidden), factor.columns(2 * hidden, 3 * hidden)]
        peepholes = of_direction(builder, node.peepholes, number)
        limit = real(node.op.setting, "clip", 0.0)
        return given, Step(hidden, self.functions[number], parts, after, inner, peepholes, limit)

    def _initial(self, value: SSAValue | None, number: int) -> SSAValue:
        """The state before the first step: nought, where none is given."""
        shape = tensor_type(self.element, (known(self.batch), self.node.hidden))
        if value is None:
            nought = float_number(self.builder, self.x, 0.0)
            return self.builder.op("Expand", [nought, self.sizes.vector([self.batch, self.node.hidden])], shape)
        count = len(self.node.backwards)
        value = self._of_rank_3(value, (0, count, self.node.hidden) if self.by_batch else (count, 0, self.node.hidden))
        if self.by_batch:
            value = self.builder.transpose(value, [1, 0, 2])
        state = of_direction(self.builder, value, number)
        assert state is not None
        return state

    def _scan(self, step: Step, given: SSAValue, state: State, backwards: bool) -> list[SSAValue]:
        """The outputs of all steps, and the states after the last."""
        node, builder = self.node, self.builder
        one = tensor_type(self.element, (known(self.batch), node.hidden))
        wholes = [given]
        types: list[Attribute] = [*(one for _ in state), tensor_type(self.element, (known(self.batch), _width(given)))]
        if self.lengths is not None:
            wholes.append(self.sizes.range(0, self.steps))
            types.append(tensor_type(i64, ()))
        block, end = Block(arg_types=types), YieldOp([])
        end.location = node.op.location
        block.add_op(end)
        inside = DigitalBuilder(builder.network, end)
        before: State = list(block.args[: len(state)])
        part = block.args[len(state)]
        after = self._next(inside, step, part, before)
        output = after[0]
        if self.lengths is not None:
            seen = unsqueezed(inside, inside.op("Less", [block.args[-1], self.lengths], self._of_batch()), 1)
            after = [inside.op("Where", [seen, new, old], old.type) for new, old in zip(after, before)]
            output = inside.op("Where", [seen, output, float_number(inside, output, 0.0)], output.type)
        end.operands = [*after, output]
        settings: dict[str, Attribute] = {"num_scan_inputs": IntegerAttr(len(wholes), i64)}
        if backwards:
            settings |= {f"scan_{side}_directions": DenseArrayBase.from_list(i64, [1]) for side in ("input", "output")}
        all_steps = tensor_type(self.element, (known(self.steps), known(self.batch), node.hidden))
        types = [*(one for _ in state), all_steps]
        scan = DigitalOp(
            "Scan",
            [*state, *wholes],
            types,
            settings,
            bodies=ArrayAttr([StringAttr("body")]),
            graphs=[Region(block)],
        )
        builder.add(scan)
        *states, outputs = scan.outputs
        return [outputs, *states]

    def _next(self, builder: DigitalBuilder, step: Step, given: SSAValue, state: State) -> State:
        """The state after a step."""
        match self.node.cell:
            case "RNN":
                return rnn_step(builder, step, given, state)
            case "GRU":
                return gru_step(builder, step, given, state)
            case _:
                coupled = integer(self.node.op.setting, "input_forget", 0) == 1
                return lstm_step(builder, step, given, state, coupled)

    def _of_batch(self) -> Attribute:
        return tensor_type(i1, (known(self.batch),))


def _width(x: SSAValue) -> int:
    return (shape_of(x.type) or (-1,))[-1]


def unsqueezed(builder: DigitalBuilder, x: SSAValue, axis: int) -> SSAValue:
    """`x` with a new axis, from 0 on; its rank has to be known."""
    shape = list(shape_of(x.type) or ())
    shape.insert(axis, 1)
    type_ = tensor_type(element_type(x.type), tuple(shape))
    if builder.opset < 13:
        return builder.op("Unsqueeze", [x], type_, axes=[axis])
    return builder.op("Unsqueeze", [x, builder.constant(np.array([axis], np.int64), "axes")], type_)
