"""Nodes that ONNX Runtime does not refuse but dies of: they are refused before it sees them.

Found by running every case of ONNX's own suite with inputs left out and attributes changed.
"""

from functools import cache, lru_cache

from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, defs
from onnx.shape_inference import InferenceError

from cimc.program.inference import FatalShapes, all_nodes, infer, may_end_the_process

_VARIADIC = {("com.microsoft", "QLinearConcat"): 2, ("com.microsoft", "IsAllFinite"): 0}
"""From which input on an operator takes any number of them; ONNX tells this of its own operators."""
_KERNELS = 256
"""Kernels whose outcome is kept, for programs are verified several times."""
_NOT_NEGATIVE = {"GatherND": "batch_dims"}


def fatal_node(model: ModelProto) -> str | None:
    """What is wrong with the first such node, at any depth: `node 'a' (Max) leaves out input 2, ...`."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    return next((found for node in all_nodes(nodes) if (found := _described(node)) is not None), None)


@lru_cache(maxsize=_KERNELS)
def fatal_kernel_node(model: bytes) -> str | None:
    """The same of a kernel, whose shapes may be fatal too; None for bytes that are no model: they are refused."""
    try:
        kernel = ModelProto.FromString(model)
    except DecodeError:
        return None
    found = fatal_node(kernel)
    if found is None and may_end_the_process(kernel):
        try:
            infer(kernel, strict=False)
        except FatalShapes as error:
            return str(error)
        except InferenceError:
            return None
    return found


def _described(node: NodeProto) -> str | None:
    op_type, domain = str(node.op_type), "" if node.domain == "ai.onnx" else str(node.domain)
    what = f"node {node.name or next(iter(node.output), '')!r} ({op_type})"
    if "" in node.input:
        first = _first_variadic(domain, op_type)
        for number, name in enumerate(node.input):
            if not name and number >= first:
                return f"{what} leaves out input {number + 1}, which its operator needs"
    if domain:
        return None
    if op_type == "DFT" and node.input and not node.input[-1]:
        return f"{what} leaves out its last input: expected fewer inputs"
    for attribute in node.attribute if op_type in _NOT_NEGATIVE else ():
        if attribute.name == _NOT_NEGATIVE[op_type] and attribute.i < 0:
            return f"{what} has {attribute.name} = {attribute.i}: expected a number from 0 on"
    return None


@cache
def _first_variadic(domain: str, op_type: str) -> int:
    """From which input on an operator takes any number of inputs, none of which may be left out."""
    if not defs.has(op_type, domain):
        return _VARIADIC.get((domain, op_type), _NEVER)
    options = [one.option for one in defs.get_schema(op_type, domain=domain).inputs]
    variadic = defs.OpSchema.FormalParameterOption.Variadic
    return options.index(variadic) if variadic in options else _NEVER


_NEVER = 1 << 30
