"""Whatever is constant is computed now, by ONNX Runtime itself, so that folding never changes a bit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from onnx import defs
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.attributes.onnx_attributes import integer
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network, Port, shape_of
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from passes.rewriting.constants import BYTES
from passes.rewriting.digital import DigitalBuilder, substitute
from passes.rewriting.sweep import sweep

GROWTH_LIMIT = 1 << 20
"""A result of more bytes than this is only folded if it has at most GROWTH times the bytes of its inputs."""
GROWTH = 8
"""Dequantisation of 4-bit integers makes 32 bits of them."""

_CONSTANTS = frozenset({ConstantOp, ReadOp, NoneOp})
_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")


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
    Shapes of values whose dimensions are all known are constants too.
    Leaves alone: dequantisation of matrices (`raise-matmul` keeps their integers), random operators, control flow,
    other domains' operators, and results that would be much larger than what they are made of.
    """

    name = "fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        network = Network.of(ctx, op)
        _drop_identities(network)
        folded: set[SSAValue] = set()
        ops = [o for o in network.block.ops if isinstance(o, DigitalOp) and _is_foldable(o, folded)]
        inside: set[Operation] = set(ops)
        values = [r for o in ops for r in o.results if any(u.operation not in inside for u in r.uses)]
        for value, array in _computed(network, ops, values):
            _replace(network, value, array)
        sweep(network)


def _drop_identities(network: Network) -> None:
    for op in list(network.block.ops):
        if isinstance(op, DigitalOp) and op.is_a("Identity"):
            substitute(op.outputs[0], op.inputs[0])
            op.detach()
            op.erase()


def _is_foldable(op: DigitalOp, folded: set[SSAValue]) -> bool:
    """Whether `op` is constant and worth computing; notes its results in `folded` if so."""
    if op.graphs or not op.is_standard or op.op_type.data in _RANDOM or not defs.has(op.op_type.data):
        return False
    is_shape = op.is_a("Shape") and _is_static(op.inputs[0])
    constant = [v in folded or type(v.owner) in _CONSTANTS for v in op.operands]
    if not is_shape and (not constant or not all(constant) or _dequantises(op)):
        return False
    sizes = [_bytes(v) for v in op.outputs if not isinstance(v.type, NoneType)]
    if any(s is None for s in sizes):
        return False
    limit = max(GROWTH_LIMIT, GROWTH * sum(_bytes(v) or 0 for v in op.inputs))
    if sum(s or 0 for s in sizes) > limit:
        return False
    folded.update(op.outputs)
    return True


def _dequantises(op: DigitalOp) -> bool:
    """Whether `op` makes floats of a matrix of 8-bit integers that `raise-matmul` can multiply by."""
    shape = shape_of(op.inputs[0].type)
    if shape is None or len(shape) != 2 or numpy_element(element_type(op.inputs[0].type)) not in BYTES:
        return False
    if op.is_a("DequantizeLinear"):
        return not integer(op.setting, "block_size", 0) and len(shape_of(op.inputs[1].type) or ()) < 2
    return op.is_a("Cast")


def _is_static(value: SSAValue) -> bool:
    shape = shape_of(value.type)
    return shape is not None and min(shape, default=0) >= 0


def _bytes(value: SSAValue) -> int | None:
    shape, dtype = shape_of(value.type), numpy_element(element_type(value.type))
    if shape is None or dtype is None or min(shape, default=0) < 0:
        return None
    return prod(shape) * dtype.itemsize


def _computed(network: Network, ops: list[DigitalOp], values: Sequence[SSAValue]) -> Iterable[tuple[SSAValue, Array]]:
    """The constants and their values: all in one graph, or one by one where ONNX Runtime refuses that graph."""
    shapes = [o for o in ops if o.is_a("Shape") and not isinstance(o.inputs[0].owner, ConstantOp | ReadOp)]
    for op in shapes:
        shape = shape_of(op.inputs[0].type) or ()
        last = integer(op.setting, "end", len(shape))
        _replace(network, op.outputs[0], np.array(shape[integer(op.setting, "start", 0) : last], np.int64))
    computed_here = set[Operation | Block](shapes)
    rest = [o for o in ops if o not in computed_here]
    wanted = [v for v in values if v.owner not in computed_here]
    if not wanted:
        return []
    try:
        return list(zip(wanted, _run(network, rest, wanted)))
    except GraphError:
        return _one_by_one(network, rest)


def _one_by_one(network: Network, ops: list[DigitalOp]) -> Iterable[tuple[SSAValue, Array]]:
    """What can be computed; an operator that ONNX Runtime refuses stays, for emission to complain of if it must run."""
    for op in ops:
        if all(isinstance(v.owner, ConstantOp | ReadOp | NoneOp) for v in op.inputs):
            results = [r for r in op.outputs if not isinstance(r.type, NoneType)]
            try:
                arrays = _run(network, [op], results)
            except GraphError:
                continue
            for result, array in zip(results, arrays):
                _replace(network, result, array)
    return []


def _run(network: Network, ops: list[DigitalOp], values: Sequence[SSAValue]) -> list[Array]:
    ports = [(v, Port(f"folded {i}", ())) for i, v in enumerate(values)]
    outputs = run_graph(GraphWriter(network).model(ops, [], ports), {})
    return [outputs[port.name] for _, port in ports]


def _replace(network: Network, value: SSAValue, array: Array) -> None:
    """Let a constant take the place of `value`."""
    owner = value.owner
    assert isinstance(owner, Operation)
    constant = DigitalBuilder(network, owner).constant(array, value.name_hint or "folded")
    constant.name_hint = value.name_hint
    substitute(value, constant)
