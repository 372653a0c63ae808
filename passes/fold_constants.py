"""Whatever is constant is computed now, by ONNX Runtime itself, so that folding never changes a bit."""

import contextlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import prod

import numpy as np
from onnx import defs
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneType
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer
from dialects.cim import CONSTANTS, ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network, Port, shape_of
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from passes.rewriting.constants.constant_branches import TakeBranch
from passes.rewriting.constants.constant_tensors import NARROW
from passes.rewriting.constants.constants import BYTES
from passes.rewriting.constants.dequantisation import leads_to_product
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep

GROWTH_LIMIT = 1 << 20
"""A result of more bytes than this is only folded if it has at most GROWTH times the bytes of its inputs."""
GROWTH = 8
"""Dequantisation of 4-bit integers makes 32 bits of them."""
_SAME_BYTES = ("Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Operators whose result is as large as their first input, also where a computed shape leaves its dimensions open."""


@dataclass(frozen=True)
class FoldConstantsPass(ModulePass):
    """Compute operators whose inputs are constant, and drop `Identity`.

    Before:
    ```mlir
    %w = cim.read @w : tensor<16x32xf32>
    %turned = cim.digital "Transpose"(%w) with {perm = array<i64: 1, 0>} : (tensor<16x32xf32>) -> tensor<32x16xf32>
    %y = cim.digital "MatMul"(%x, %turned) : (tensor<?x32xf32>, tensor<32x16xf32>) -> tensor<?x16xf32>
    ```
    After:
    ```mlir
    %turned = cim.read @turned : tensor<32x16xf32>
    %y = cim.digital "MatMul"(%x, %turned) : (tensor<?x32xf32>, tensor<32x16xf32>) -> tensor<?x16xf32>
    ```
    Shapes of values whose dimensions are all known are constants too. Not operator by operator, but all in one graph:
    a session of ONNX Runtime takes longer than most operators.
    An `If` whose condition is constant becomes the branch that it takes.
    Leaves alone: dequantisation of what is multiplied (`raise-matmul` keeps the integers), random operators, other
    control flow, other domains' operators, and results that would be much larger than what they are made of.
    Needs IR from before `schedule-arrays`.
    """

    name = "fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        network = Network.of(ctx, op)
        _fold(network)
        while rewrite(network.ops, TakeBranch(network)):
            _fold(network)


def _fold(network: Network) -> None:
    rewrite(network.ops, DropIdentity(), ScalarLimits(network))
    ops = _foldable(network)
    inside = set[Operation](ops)
    values = [r for o in ops for r in o.results if any(u.operation not in inside for u in r.uses)]
    shapes = {o for o in ops if o.is_a("Shape") and not isinstance(o.inputs[0].owner, ConstantOp | ReadOp)}
    for shape in (o for o in ops if o in shapes):
        _replace(network, shape.outputs[0], _shape(shape))
    _compute(network, [o for o in ops if o not in shapes], [v for v in values if v.owner not in shapes])
    sweep(network)


@dataclass(frozen=True)
class DropIdentity(RewritePattern):
    """An `Identity` is another name for its input, which keeps its own."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("Identity"):
            return
        rewriter.replace_all_uses_with(op.outputs[0], op.inputs[0])
        rewriter.erase(op)


@dataclass(frozen=True)
class ScalarLimits(RewritePattern):
    """Limits of a `Range` that are vectors of one number become scalars.

    ONNX Runtime takes such vectors as long as it does not know their shape, which it does where they are folded.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("Range") or not any(shape_of(limit.type) == (1,) for limit in op.inputs):
            return
        builder = DigitalBuilder(self.network, op)
        limits = [builder.reshape_last(v, 0, []) if shape_of(v.type) == (1,) else v for v in op.inputs]
        rewriter.replace(op, DigitalOp("Range", limits, list(op.result_types)))


def _foldable(network: Network) -> list[DigitalOp]:
    """The operators that are constant and worth computing, in order."""
    foldable: list[DigitalOp] = []
    folded: set[SSAValue] = set()
    for op in network.ops:
        if isinstance(op, DigitalOp) and _is_foldable(op, folded):
            foldable.append(op)
            folded.update(op.outputs)
    return foldable


def _is_foldable(op: DigitalOp, folded: AbstractSet[SSAValue]) -> bool:
    """Whether `op` is constant, given that the values in `folded` are, and worth computing."""
    if op.graphs or not op.is_standard or op.is_random or not defs.has(op.op_type.data):
        return False
    is_shape = op.is_a("Shape") and _is_static(op.inputs[0])
    constant = [v in folded or type(v.owner) in CONSTANTS for v in op.operands]
    if not is_shape and (not constant or not all(constant) or _dequantises(op)):
        return False
    sized = op.inputs[:1] if op.is_a(*_SAME_BYTES) else op.outputs
    sizes = [_bytes(v) for v in sized if not isinstance(v.type, NoneType)]
    limit = max(GROWTH_LIMIT, GROWTH * sum(_bytes(v) or 0 for v in op.inputs))
    return None not in sizes and sum(s or 0 for s in sizes) <= limit


def _dequantises(op: DigitalOp) -> bool:
    """Whether `op` makes floats of integers that `raise-matmul` can multiply by.

    Of 8-bit matrices always: tables that are looked up in would grow fourfold. Of others where that is multiplied.
    """
    if not op.is_a("DequantizeLinear", "Cast"):
        return False
    shape, dtype = shape_of(op.inputs[0].type), numpy_element(element_type(op.inputs[0].type))
    is_plain = op.is_a("Cast") or (
        not integer(op.setting, "block_size", 0) and len(shape_of(op.inputs[1].type) or ()) < 2
    )
    if shape is None or dtype is None or len(shape) < 2:
        return False
    if len(shape) == 2 and dtype in BYTES and is_plain:
        return True
    result = numpy_element(element_type(op.outputs[0].type))
    is_integer = dtype in NARROW or (dtype.kind in "iu" and op.is_a("Cast"))
    return is_integer and result is not None and result.kind not in "iub" and leads_to_product(op.outputs[0])


def _is_static(value: SSAValue) -> bool:
    shape = shape_of(value.type)
    return shape is not None and min(shape, default=0) >= 0


def _bytes(value: SSAValue) -> int | None:
    shape, dtype = shape_of(value.type), numpy_element(element_type(value.type))
    if shape is None or dtype is None or min(shape, default=0) < 0:
        return None
    return prod(shape) * dtype.itemsize


def _shape(op: DigitalOp) -> Array:
    """What a `Shape` of a value gives whose dimensions are known."""
    shape = shape_of(op.inputs[0].type) or ()
    last = integer(op.setting, "end", len(shape))
    return np.array(shape[integer(op.setting, "start", 0) : last], np.int64)


def _compute(network: Network, ops: Sequence[DigitalOp], values: Sequence[SSAValue]) -> None:
    """Let constants take the place of `values`, results of `ops`: all from one graph if ONNX Runtime takes that.

    Else from one graph each; an operator that it refuses stays, for emission to complain of if it must run.
    """
    if not values:
        return
    try:
        arrays = _run(network, ops, values)
    except GraphError:
        for op in ops:
            _compute_alone(network, op)
    else:
        for value, array in zip(values, arrays):
            _replace(network, value, array)


def _compute_alone(network: Network, op: DigitalOp) -> None:
    """Let constants take the place of an operator's results, if its inputs are constants and ONNX Runtime takes it."""
    if not all(isinstance(v.owner, ConstantOp | ReadOp | NoneOp) for v in op.inputs):
        return
    results = [r for r in op.outputs if not isinstance(r.type, NoneType)]
    with contextlib.suppress(GraphError):
        for result, array in zip(results, _run(network, [op], results)):
            _replace(network, result, array)


def _run(network: Network, ops: Sequence[DigitalOp], values: Sequence[SSAValue]) -> list[Array]:
    ports = [(v, Port(f"folded {i}", ())) for i, v in enumerate(values)]
    outputs = run_graph(GraphWriter(network).model(ops, [], ports), {})
    return [outputs[port.name] for _, port in ports]


def _replace(network: Network, value: SSAValue, array: Array) -> None:
    """Let a constant take the place of `value`."""
    owner = value.owner
    assert isinstance(owner, Operation)
    constant = DigitalBuilder(network, owner).constant(array, value.name_hint or "folded")
    constant.name_hint = value.name_hint
    value.replace_all_uses_with(constant)
