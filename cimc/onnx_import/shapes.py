"""Types and shapes of all values: ONNX's shape inference, and ONNX Runtime's word where that knows nothing."""

import re
from pathlib import Path

from onnx import ModelProto, TensorProto, TypeProto, ValueInfoProto, helper, shape_inference

from dialects.errors import UserError
from dialects.semantics.onnx_runtime import GraphError, session

_CULPRIT = re.compile(r"\(op_type:\s*(?P<op>[\w.]+)(?:,\s*node name:\s*(?P<node>[^)]*))?\):?\s*(?P<text>.*)", re.DOTALL)
_NO_TYPE = "expected to have type but instead is null"
"""What shape inference says of a node that uses the output of an operator it does not know."""


def with_shapes(model: ModelProto, file: Path) -> ModelProto:
    """`model` with a type for every value that ONNX or ONNX Runtime can infer one for.

    Raises UserError, naming the node, where shapes do not fit. Shape inference is sometimes wrong (functions of old
    operator sets, STFT), and it is stricter with declared shapes than ONNX Runtime is: so that has the last word.
    """
    try:
        inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as error:
        first = _one_line(str(error))
        if _NO_TYPE not in first and not _is_accepted(file):
            raise UserError(f"{file}: {first}") from error
        inferred = shape_inference.infer_shapes(model, data_prop=True)
    _ask_runtime(inferred)
    return inferred


def _is_accepted(file: Path) -> bool:
    """Whether ONNX Runtime loads the file."""
    try:
        session(str(file))
    except GraphError:
        return False
    return True


def _one_line(text: str) -> str:
    """What shape inference complains of first, as `node 'a' (MatMul): Incompatible dimensions`."""
    found = _CULPRIT.search(text)
    if found is None:
        return " ".join(text.split())
    reason = re.sub(r"\[\w+\]\s*", "", found["text"]).strip().splitlines()
    return f"node {found['node'] or '?'!r} ({found['op']}): {reason[0] if reason else 'shapes do not fit'}"


def _ask_runtime(model: ModelProto) -> None:
    """Let ONNX Runtime tell the types of values that shape inference knows nothing of, as of its own operators.

    A graph that it does not accept stays as it is: emission tells which node is to blame.
    """
    graph = model.graph
    known = {entry.name for entry in (*graph.value_info, *graph.output) if _is_typed(entry)}
    unknown = {name: None for node in graph.node for name in node.output if name and name not in known}
    if not unknown:
        return
    probe = ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in unknown)
    for node, original in zip(probe.graph.node, graph.node, strict=True):
        node.name = f"{original.name} {original.output[0]}" if original.output else original.name
    try:
        found = {output.name: _type(output.type, output.shape) for output in session(probe).get_outputs()}
    except GraphError:
        return
    kept = [entry for entry in graph.value_info if entry.name not in found]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    outputs = {output.name: output for output in graph.output}
    for name, kind in found.items():
        if name in outputs:
            outputs[name].type.CopyFrom(kind)
        else:
            graph.value_info.append(helper.make_value_info(name, kind))


def _is_typed(entry: ValueInfoProto) -> bool:
    kind = entry.type.WhichOneof("value")
    return kind is not None and (kind != "tensor_type" or entry.type.tensor_type.elem_type != TensorProto.UNDEFINED)


def _type(text: str, shape: list[int | str | None]) -> TypeProto:
    """The type that ONNX Runtime writes as `tensor(float)`; it gives no dimensions for a scalar and an unknown rank."""
    kind, _, inner = text.removesuffix(")").partition("(")
    if kind == "tensor":
        return helper.make_tensor_type_proto(TensorProto.DataType.Value(inner.upper()), shape or None)
    if kind == "seq":
        return helper.make_sequence_type_proto(_type(inner, []))
    return helper.make_optional_type_proto(_type(inner, [])) if kind == "optional" else TypeProto()
