"""Types and shapes of all values: ONNX's shape inference, and ONNX Runtime's word where that knows nothing."""

import re
from collections.abc import Mapping
from pathlib import Path

from onnx import GraphProto, ModelProto, TensorProto, TypeProto, helper
from onnx.shape_inference import InferenceError

from cimc.onnx_import.graph_checks import domain_of
from cimc.onnx_import.ranks import Dims, dims_of, open_ranks
from cimc.program.onnx_models.inference import FatalShapes, infer
from dialects.errors import UserError
from dialects.semantics.onnx_runtime import GraphError, session

_CULPRIT = re.compile(r"\(op_type:\s*(?P<op>[\w.]+)(?:,\s*node name:\s*(?P<node>[^)]*))?\):?\s*(?P<text>.*)", re.DOTALL)
_NO_TYPE = "expected to have type but instead is null"
"""What shape inference says of a node that uses the output of an operator it does not know."""


def with_shapes(model: ModelProto, file: Path) -> ModelProto:
    """`model` with a type for every value that ONNX or ONNX Runtime can infer one for.

    What is inferred counts more than what the file declares of its values, which may be wrong: a fixed size for a
    dimension that has a name, say. Raises UserError, naming the node, where shapes do not fit. Shape inference is
    sometimes wrong (functions of old operator sets, STFT), and stricter than ONNX Runtime, which has the last word.
    """
    declared = _take_declared(model)
    try:
        inferred = infer(model, strict=True)
    except InferenceError as error:
        first = _one_line(str(error))
        if _NO_TYPE not in first and not _is_accepted(file):
            raise UserError(f"{file}: {first}") from error
        inferred = _leniently(model, file)
    except FatalShapes as error:
        raise UserError(f"{file}: {error}") from error
    if not all(map(_is_known, _values(inferred.graph).values())) or _untyped(inferred.graph):
        inferred = _completed(inferred, declared)
    _merge_declared(inferred, declared)
    return inferred


def _leniently(model: ModelProto, file: Path) -> ModelProto:
    try:
        return infer(model, strict=False)
    except (InferenceError, FatalShapes) as error:
        raise UserError(f"{file}: {_one_line(str(error))}") from error


_ROUNDS = 8
"""Each round finds ranks for what the one before could not reach."""


def _completed(model: ModelProto, declared: Mapping[str, TypeProto]) -> ModelProto:
    """`model` with ranks where ONNX leaves them open, and types of operators that it does not know."""
    asked = False
    for _ in range(_ROUNDS):
        learned = _believe(model.graph, declared)
        if not asked:
            learned, asked = _ask_runtime(model) or learned, True
        if not _write_ranks(model.graph, open_ranks(model.graph)) and not learned:
            break
        try:
            model = infer(model, strict=False)
        except (InferenceError, FatalShapes):
            break
    return model


def _believe(graph: GraphProto, declared: Mapping[str, TypeProto]) -> bool:
    """Take over what the file says of results that do not follow from inputs of which all is known; whether any did."""
    values, learned = _values(graph), False
    known = {name for name, value_type in values.items() if _is_known(value_type)} | {
        tensor.name for tensor in graph.initializer
    }
    for node in graph.node:
        if not known.issuperset(filter(None, node.input)):
            continue
        for name in filter(None, node.output):
            if name not in known and name in declared and _is_known(declared[name]):
                value_type = values[name] if name in values else graph.value_info.add(name=name).type
                value_type.CopyFrom(declared[name])
                learned = True
    return learned


def _take_declared(model: ModelProto) -> dict[str, TypeProto]:
    """What the file says of its values, which leaves the graph but for the element types of outputs.

    Fixed sizes of outputs are left out where an input has a dynamic dimension: exporters write those of the run that
    they traced.
    """
    graph = model.graph
    declared = {entry.name: _copied(entry.type) for entry in (*graph.value_info, *graph.output)}
    del graph.value_info[:]
    inputs = {entry.name: entry.type for entry in graph.input}
    is_static = all(size is not None for value_type in inputs.values() for size in dims_of(value_type) or (None,))
    for entry in graph.output:
        if entry.type.HasField("tensor_type") and entry.name not in inputs:
            entry.type.tensor_type.ClearField("shape")
            for dim in () if is_static else declared[entry.name].tensor_type.shape.dim:
                dim.ClearField("dim_value")
    return declared


def _copied(value_type: TypeProto) -> TypeProto:
    copy = TypeProto()
    copy.CopyFrom(value_type)
    return copy


def _merge_declared(model: ModelProto, declared: Mapping[str, TypeProto]) -> None:
    """Give values what the file says of them where nothing could be inferred, dimension by dimension."""
    known = _values(model.graph)
    made = {name for node in model.graph.node for name in node.output}
    for name, value_type in declared.items():
        if name not in known:
            if name in made:
                model.graph.value_info.append(helper.make_value_info(name, value_type))
        elif not _is_typed(known[name]):
            known[name].CopyFrom(value_type)
        elif known[name].HasField("tensor_type") and value_type.HasField("tensor_type"):
            _merge_dimensions(known[name].tensor_type, value_type.tensor_type)


def _merge_dimensions(inferred: TypeProto.Tensor, declared: TypeProto.Tensor) -> None:
    if not declared.HasField("shape"):
        return
    if not inferred.HasField("shape"):
        inferred.shape.CopyFrom(declared.shape)
    elif len(inferred.shape.dim) == len(declared.shape.dim):
        for dim, word in zip(inferred.shape.dim, declared.shape.dim):
            unknown = not dim.HasField("dim_value") and (not dim.dim_param or dim.dim_param.startswith(MADE_UP))
            if unknown or (dim.dim_param and word.dim_param):
                dim.CopyFrom(word)


MADE_UP = "unk__"
"""How names of dimensions begin that shape inference gives to those without one."""


def _write_ranks(graph: GraphProto, ranks: Mapping[str, Dims]) -> bool:
    """Give tensors their shapes, as far as these are known; whether there was any."""
    known, written = _values(graph), False
    for name, dims in ranks.items():
        if name not in known or not _is_typed(known[name]) or not known[name].HasField("tensor_type"):
            continue
        written, shape = True, known[name].tensor_type.shape
        shape.SetInParent()
        for size in dims:
            dim = shape.dim.add()
            if size is not None:
                dim.dim_value = size
    return written


def _values(graph: GraphProto) -> dict[str, TypeProto]:
    """The types of all values that have an entry."""
    return {entry.name: entry.type for entry in (*graph.value_info, *graph.input, *graph.output)}


def _is_known(value_type: TypeProto) -> bool:
    """Whether a value has a type, and a rank if it is a tensor."""
    return _is_typed(value_type) and (
        not value_type.HasField("tensor_type") or value_type.tensor_type.HasField("shape")
    )


def _untyped(graph: GraphProto) -> dict[str, None]:
    """The results of nodes of which nothing is known, in order, and those of others' operators that have no rank."""
    values = _values(graph)
    typed = {name for name, value_type in values.items() if _is_typed(value_type)}
    ranked = {name for name, value_type in values.items() if _is_known(value_type)}
    return {
        name: None
        for node in graph.node
        for name in node.output
        if name and name not in (ranked if domain_of(node.domain) else typed)
    }


def _is_accepted(file: Path) -> bool:
    """Whether ONNX Runtime loads the file."""
    try:
        session(str(file))
    except GraphError:
        return False
    return True


def _one_line(text: str) -> str:
    """What shape inference complains of first, as `node 'a' (MatMul): Incompatible dimensions`."""
    complaint = _CULPRIT.search(text)
    if complaint is None:
        return " ".join(text.split())
    reason = re.sub(r"\[\w+\]\s*", "", complaint["text"]).strip().splitlines()
    return f"node {complaint['node'] or '?'!r} ({complaint['op']}): {reason[0] if reason else 'shapes do not fit'}"


def _ask_runtime(model: ModelProto) -> bool:
    """Let ONNX Runtime tell the types of values that shape inference knows nothing of; whether it knew any.

    These are, for example, results of its own operators. A graph that it does not accept stays as it is: emission
    tells which node is to blame.
    """
    graph, unknown = model.graph, _untyped(model.graph)
    if not unknown:
        return False
    probe = ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in unknown)
    for node, original in zip(probe.graph.node, graph.node, strict=True):
        node.name = f"{original.name} {original.output[0]}" if original.output else original.name
    try:
        told = {output.name: _type(output.type, output.shape) for output in session(probe).get_outputs()}
    except GraphError:
        return False
    kept = [entry for entry in graph.value_info if entry.name not in told]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    outputs = {output.name: output for output in graph.output}
    for name, value_type in told.items():
        if name in outputs:
            outputs[name].type.CopyFrom(value_type)
        else:
            graph.value_info.append(helper.make_value_info(name, value_type))
    return any(_is_typed(value_type) for value_type in told.values())


def _is_typed(value_type: TypeProto) -> bool:
    which = value_type.WhichOneof("value")
    return which is not None and (which != "tensor_type" or value_type.tensor_type.elem_type != TensorProto.UNDEFINED)


def _type(text: str, shape: list[int | str | None]) -> TypeProto:
    """The type that ONNX Runtime writes as `tensor(float)`; it gives no dimensions for a scalar and an unknown rank."""
    constructor, _, inner = text.removesuffix(")").partition("(")
    if constructor == "tensor":
        return helper.make_tensor_type_proto(TensorProto.DataType.Value(inner.upper()), shape or None)
    if constructor == "seq":
        return helper.make_sequence_type_proto(_type(inner, []))
    return helper.make_optional_type_proto(_type(inner, [])) if constructor == "optional" else TypeProto()
