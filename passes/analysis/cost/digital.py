"""What a digital operator takes: which unit runs it, for how long, and with how much energy."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from dialects.chip.costs import DigitalCosts
from passes.analysis.cost.multiply_accumulates import COUNTED, Shape, multiply_accumulates


class Unit(IntEnum):
    """What runs an operator."""

    NONE = 0
    """Nothing: it only names or reshapes what is there, or is known before the run."""
    VECTOR = 1
    """The digital units, vector by vector."""
    ATTENTION = 2
    """The attention units, multiply-accumulate by multiply-accumulate."""


@dataclass(frozen=True)
class OperatorCost:
    """One run of an operator: it occupies `units` of the units of its kind at once, all for `picoseconds`."""

    unit: Unit
    units: int = 0
    picoseconds: int = 0
    picojoules: float | None = 0.0
    """None if the chip gives no energy for it."""
    known: bool = True
    """False for an operator that no table lists: it is counted as one arithmetic step an element."""


class Work(IntEnum):
    """Classes of operators that cost the same."""

    NOTHING = 0
    MOVE = 1
    """elements of the outputs are copied: `compare_ns` a vector"""
    COMPARE = 2
    """`compare_ns` a vector"""
    ADD = 3
    """one step of arithmetic or of a reduction: `add_ns` a vector"""
    FUNCTION = 4
    """`function_ns` a vector"""
    NORMALIZE = 5
    """reductions and steps that belong together: `normalize_ns` a vector"""
    MULTIPLY = 6
    """products of two activations, and what else multiplies and accumulates"""


_OPERATORS_OF = {
    Work.NOTHING: """
        Constant ConstantOfShape Dropout EyeLike Flatten Identity Optional OptionalGetElement OptionalHasElement
        Range Reshape SequenceAt SequenceConstruct SequenceEmpty SequenceLength Shape Size Squeeze Unsqueeze""",
    Work.MOVE: """
        CenterCropPad Compress Concat DepthToSpace Expand Gather GatherElements GatherND NonZero OneHot Pad
        ReverseSequence ScatterElements ScatterND Slice SpaceToDepth Split TensorScatter Tile Transpose
        Trilu Upsample""",
    Work.COMPARE: """
        Abs And ArgMax ArgMin Clip Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Max MaxPool GlobalMaxPool
        Min Neg Not Or Relu Sign TopK Unique Where Xor""",
    Work.ADD: """
        Add AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil CumSum
        DequantizeLinear Div Floor GlobalAveragePool HardSigmoid HardSwish LeakyRelu Mean Mod Mul PRelu QuantizeLinear
        Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Resize Round
        Shrink Sub Sum ThresholdedRelu""",
    Work.FUNCTION: """
        Acos Acosh Asin Asinh Atan Atanh BiasGelu Celu Cos Cosh Elu Erf Exp FastGelu Gelu Log Mish Pow QuickGelu
        ReduceLogSum ReduceLogSumExp RotaryEmbedding Selu Sigmoid Silu Sin Sinh Softplus Softsign Sqrt SwiGLU Swish
        Tan Tanh""",
    Work.NORMALIZE: """
        DynamicQuantizeLinear GroupNormalization Hardmax InstanceNormalization LRN LayerNormalization LogSoftmax
        LpNormalization MeanVarianceNormalization RMSNormalization SimplifiedLayerNormalization SkipLayerNormalization
        SkipSimplifiedLayerNormalization Softmax""",
    Work.MULTIPLY: " ".join(COUNTED),
}
WORK = {operator: work for work, names in _OPERATORS_OF.items() for operator in names.split()}
"""The class of every operator that is known."""
DOMAINS = ("", "ai.onnx", "com.microsoft")
"""Domains whose operators the table means."""


def operator_cost(
    costs: DigitalCosts,
    op_type: str,
    inputs: Sequence[Shape],
    outputs: Sequence[Shape],
    *,
    domain: str = "",
    equation: str = "",
) -> OperatorCost:
    """What one run of an ONNX operator takes.

    `inputs` and `outputs` are the shapes of its tensors in ONNX's order, with () for a scalar and (0,) for an input
    that is left out; `equation` is that of an Einsum. An operator on `e` elements is `ceil(e / vector_width)`
    vectors, which are spread over all digital units; multiply-accumulates are spread over all attention units.
    """
    work = WORK.get(op_type) if domain in DOMAINS else None
    if work is Work.NOTHING:
        return OperatorCost(Unit.NONE)
    if work is Work.MULTIPLY:
        return _multiplication(costs, multiply_accumulates(op_type, inputs, outputs, equation, domain))
    elements = _elements(outputs) if work is Work.MOVE else max(map(math.prod, [*inputs, *outputs]), default=0)
    cost = _vectors(costs, work or Work.ADD, -(-elements // costs.vector_width))
    return cost if work is not None else replace(cost, known=False)


def free_of_data(operators: Iterable[tuple[str, Sequence[str], Sequence[str]]], constants: Iterable[str]) -> set[int]:
    """The operators whose results are known before a run, once the shapes are: arithmetic on shapes and constants.

    `operators` are (type, names of inputs, names of outputs) in an order in which they can run; "" is an input that
    is left out. Such operators cost nothing. Returns their numbers.
    """
    known = {"", *constants}
    free: set[int] = set()
    for number, (op_type, inputs, outputs) in enumerate(operators):
        if op_type in ("Shape", "Size") or known.issuperset(inputs):
            free.add(number)
            known.update(outputs)
    return free


def _vectors(costs: DigitalCosts, work: Work, vectors: int) -> OperatorCost:
    nanoseconds = {
        Work.MOVE: costs.compare_ns,
        Work.COMPARE: costs.compare_ns,
        Work.ADD: costs.add_ns,
        Work.FUNCTION: costs.function_ns,
        Work.NORMALIZE: costs.normalize_ns,
    }[work]
    rounds = -(-vectors // costs.digital_units)
    each = costs.vector_pj if work is not Work.NORMALIZE or costs.normalize_pj is None else costs.normalize_pj
    return OperatorCost(
        Unit.VECTOR,
        min(vectors, costs.digital_units),
        round(1000 * rounds * nanoseconds),
        None if each is None else vectors * each,
    )


def _multiplication(costs: DigitalCosts, count: int) -> OperatorCost:
    rate = costs.attention_units * costs.attention_macs_per_ns
    return OperatorCost(
        Unit.ATTENTION,
        costs.attention_units,
        math.ceil(1000 * count / rate),
        None if costs.mac_pj is None else count * costs.mac_pj,
    )


def _elements(shapes: Sequence[Shape]) -> int:
    return sum(map(math.prod, shapes))
