"""ONNX's shape inference, which for some graphs ends the process: those go to a process of their own."""

import subprocess
import sys
from collections.abc import Iterable

from onnx import GraphProto, ModelProto, shape_inference

from cimc.onnx_import.graph_checks import subgraphs

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


def infer(model: ModelProto, *, strict: bool) -> ModelProto:
    """`model` with what ONNX infers of its values' types and shapes.

    Raises InferenceError where types or shapes do not fit; if `strict`, also where an operator is not known.
    """
    if not _may_end_the_process(model):
        return shape_inference.infer_shapes(model, strict_mode=strict, data_prop=True)
    mode = "strict" if strict else "lenient"
    command = [sys.executable, "-P", "-c", _CHILD, mode]
    child = subprocess.run(command, input=model.SerializeToString(), capture_output=True, check=False)
    kind, content = child.stdout[:1], child.stdout[1:]
    if child.returncode or kind not in (b"!", b"="):
        raise shape_inference.InferenceError(
            "a value that is sliced has a dimension below 0: expected kernels, windows and cuts that fit"
        )
    if kind == b"!":
        raise shape_inference.InferenceError(content.decode())
    return ModelProto.FromString(content)


def _may_end_the_process(model: ModelProto) -> bool:
    operators = set(_operators([model.graph]))
    return not operators.isdisjoint(_SLICES) and not operators.isdisjoint(_SHRINKING)


def _operators(graphs: Iterable[GraphProto]) -> Iterable[str]:
    waiting = list(graphs)
    while waiting:
        for node in waiting.pop().node:
            yield node.op_type
            waiting += subgraphs(node)
