"""ONNX's shape inference, which for some graphs ends the process: those go to a process of their own.

ONNX Runtime infers shapes in the same way when it loads a graph, and dies of the same ones.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator

from onnx import AttributeProto, ModelProto, NodeProto, shape_inference

_SLICES = frozenset({"Slice"})
"""Operators whose inference ends the process where a dimension is below 0."""
_SHRINKING = frozenset({
    "AveragePool", "CenterCropPad", "Col2Im", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "Expand", "LpPool",
    "MaxPool", "MaxUnpool", "OneHot", "Pad", "QLinearConv", "Resize", "TopK", "Tile", "Upsample",
})  # fmt: skip
"""Operators whose inference can give a dimension below 0: a kernel that is larger than its image, say."""
_CHILD = """
import sys
from onnx import load_model_from_string, shape_inference
try:
    found = shape_inference.infer_shapes(
        load_model_from_string(sys.stdin.buffer.read()), strict_mode=sys.argv[1] == "strict", data_prop=True
    )
except shape_inference.InferenceError as error:
    sys.stdout.buffer.write(b"!" + str(error).encode(errors="backslashreplace"))
else:
    sys.stdout.buffer.write(b"=" + found.SerializeToString())
"""


class FatalShapes(Exception):
    """Shape inference ends the process for a graph."""


def infer(model: ModelProto, *, strict: bool) -> ModelProto:
    """`model` with what ONNX infers of its values' types and shapes.

    Raises InferenceError where types or shapes do not fit; if `strict`, also where an operator is not known. Raises
    FatalShapes for a graph that must not be loaded.
    """
    if not may_end_the_process(model):
        return shape_inference.infer_shapes(model, strict_mode=strict, data_prop=True)
    mode = "strict" if strict else "lenient"
    command = [sys.executable, "-P", "-c", _CHILD, mode]
    child = subprocess.run(command, input=model.SerializeToString(), capture_output=True, check=False)
    kind, content = child.stdout[:1], child.stdout[1:]
    if child.returncode or kind not in (b"!", b"="):
        raise FatalShapes("a value that is sliced has a dimension below 0: expected kernels, windows and cuts that fit")
    if kind == b"!":
        raise shape_inference.InferenceError(content.decode())
    return ModelProto.FromString(content)


def may_end_the_process(model: ModelProto) -> bool:
    """Whether a graph has operators of which inference may die."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    operators = {node.op_type for node in all_nodes(nodes)}
    return not operators.isdisjoint(_SLICES) and not operators.isdisjoint(_SHRINKING)


def all_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes, and those of their bodies."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
                waiting += [inner for graph in (attribute.g, *attribute.graphs) for inner in graph.node]
