"""ONNX's shape inference, which for some graphs ends the process: those go to a process of their own.

ONNX Runtime infers shapes in the same way when it loads a graph, and dies of the same ones.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

from onnx import AttributeProto, ModelProto, NodeProto, shape_inference
from onnx import onnx_cpp2py_export as library

_SLICES = frozenset({"Slice"})
"""Operators whose inference ends the process where a dimension is below 0."""
_SHRINKING = frozenset({
    "AveragePool", "CenterCropPad", "Col2Im", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "Expand", "LpPool",
    "MaxPool", "MaxUnpool", "OneHot", "Pad", "QLinearConv", "Resize", "TopK", "Tile", "Upsample",
})  # fmt: skip
"""Operators whose inference can give a dimension below 0: a kernel that is larger than its image, say."""
_CHILD = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("onnx_cpp2py_export", sys.argv[1])
onnx = module_from_spec(spec)
spec.loader.exec_module(onnx)
take, give = sys.stdin.buffer.read, sys.stdout.buffer
while length := take(8):
    model = take(int.from_bytes(length, "big"))
    try:
        kind, content = b"=", onnx.shape_inference.infer_shapes(model, False, sys.argv[2] == "strict", True)
    except onnx.shape_inference.InferenceError as error:
        kind, content = b"!", str(error).encode(errors="backslashreplace")
    give.write(kind + len(content).to_bytes(8, "big") + content)
    give.flush()
"""
"""Loads nothing but ONNX's library, which takes milliseconds; the package takes a second."""


class FatalShapes(Exception):
    """Shape inference ends the process for a graph."""


def infer(model: ModelProto, *, strict: bool) -> ModelProto:
    """`model` with what ONNX infers of its values' types and shapes.

    Raises InferenceError where types or shapes do not fit; if `strict`, also where an operator is not known. Raises
    FatalShapes for a graph that must not be loaded.
    """
    if not may_end_the_process(model):
        return shape_inference.infer_shapes(model, strict_mode=strict, data_prop=True)
    answers = _inferred_elsewhere([model.SerializeToString()], strict)
    if not answers:
        raise FatalShapes(FATAL_SHAPES)
    ((verdict, content),) = answers
    if verdict == b"!":
        raise shape_inference.InferenceError(content.decode())
    return ModelProto.FromString(content)


FATAL_SHAPES = "a value that is sliced has a dimension below 0: expected kernels, windows and cuts that fit"


def first_fatal(models: Sequence[bytes]) -> int | None:
    """The number of the first of some serialized models for which inference ends the process."""
    answered = len(_inferred_elsewhere(models, strict=False)) if models else 0
    return answered if answered < len(models) else None


def _inferred_elsewhere(models: Sequence[bytes], strict: bool) -> list[tuple[bytes, bytes]]:
    """What a process of its own infers: `=` and the model, or `!` and what does not fit; it may die before the last."""
    command = [sys.executable, "-I", "-S", "-c", _CHILD, library.__file__, "strict" if strict else "lenient"]
    content = b"".join(len(model).to_bytes(8, "big") + model for model in models)
    child = subprocess.run(command, input=content, capture_output=True, check=False)
    assert child.returncode <= 0 or not child.stderr.startswith(b"Traceback"), child.stderr.decode(errors="replace")
    answers: list[tuple[bytes, bytes]] = []
    output, place = child.stdout, 0
    while place < len(output):
        length = int.from_bytes(output[place + 1 : place + 9], "big")
        answers.append((output[place : place + 1], output[place + 9 : place + 9 + length]))
        place += 9 + length
    return answers


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
