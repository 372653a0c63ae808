"""Reads an ONNX file: checks it, takes large constants out, inlines local functions, infers all shapes."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, helper, inliner, shape_inference

from cimc.onnx_import.tensors import Array, array_of, dense_of
from dialects.errors import UserError

OLDEST_OPSET = 11
NEWEST_OPSET = onnx.defs.onnx_opset_version()
_LARGE = 1024
"""Constants of more bytes than this are taken out before shape inference, which needs only small ones."""


@dataclass(frozen=True)
class Source:
    """An ONNX file as read: the graph with every shape that could be inferred, and its constants by name."""

    file: Path
    digest: str
    model: ModelProto
    constants: Mapping[str, Array]

    @property
    def opsets(self) -> dict[str, int]:
        return {_domain(entry.domain): entry.version for entry in self.model.opset_import}


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def read(file: Path, dims: Mapping[str, int]) -> Source:
    """Read `file`, with dynamic dimensions named in `dims` fixed to a size.

    Raises UserError with one line for every way in which a file can be unusable.
    """
    model, digest = _parsed(file)
    _check(model, file)
    constants = _take_constants(model, file)
    _fix_dims(model, dims, file)
    if model.functions:
        model = inliner.inline_local_functions(model)
    return Source(file, digest, _with_shapes(model, file), constants)


def _parsed(file: Path) -> tuple[ModelProto, str]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}") from error
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        raise UserError(f"{file}: not an ONNX file, or a truncated one: expected a serialized ModelProto") from error
    if not model.ir_version or not model.opset_import or not model.graph.output:
        raise UserError(f"{file}: not an ONNX file: it has no operator set or no graph with outputs")
    return model, hashlib.blake2b(content, digest_size=16).hexdigest()


def _check(model: ModelProto, file: Path) -> None:
    opset = next((o.version for o in model.opset_import if not _domain(o.domain)), NEWEST_OPSET)
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise UserError(
            f"{file}: opset {opset} found, {OLDEST_OPSET} to {NEWEST_OPSET} expected: "
            "convert it with onnx.version_converter"
        )
    for entry in model.graph.input:
        if not entry.type.HasField("tensor_type"):
            raise UserError(f"{file}: input {entry.name!r} is no tensor: only tensors can be given to a program")


def _take_constants(model: ModelProto, file: Path) -> dict[str, Array]:
    """The initializers by name; large ones leave the graph and become inputs with a shape."""
    graph = model.graph
    constants = {tensor.name: array_of(tensor, file) for tensor in graph.initializer}
    constants |= {sparse.values.name: dense_of(sparse, file) for sparse in graph.sparse_initializer}
    small = [t for t in graph.initializer if constants[t.name].nbytes <= _LARGE]
    types = {t.name: t.data_type for t in graph.initializer}
    types |= {s.values.name: s.values.data_type for s in graph.sparse_initializer}
    kept, inputs = {t.name for t in small}, {i.name for i in graph.input}
    for tensor in small:
        if tensor.data_location == tensor.EXTERNAL:
            tensor.CopyFrom(onnx.numpy_helper.from_array(constants[tensor.name], tensor.name))
    remaining = list(small)
    del graph.initializer[:]
    del graph.sparse_initializer[:]
    graph.initializer.extend(remaining)
    for name, array in constants.items():
        if name not in kept and name not in inputs:
            graph.input.append(helper.make_tensor_value_info(name, types[name], array.shape))
    return constants


def _fix_dims(model: ModelProto, dims: Mapping[str, int], file: Path) -> None:
    """Give the dynamic dimensions in `dims` their sizes."""
    found: set[str] = set()
    for entry in model.graph.input:
        for dim in entry.type.tensor_type.shape.dim:
            if dim.dim_param:
                found.add(dim.dim_param)
                if dim.dim_param in dims:
                    dim.dim_value = dims[dim.dim_param]
    for name in dims.keys() - found:
        names = ", ".join(sorted(found)) or "none"
        raise UserError(f"{file}: no input has a dimension {name!r} to fix with --dim: dynamic dimensions are {names}")
    if dims:
        for entry in model.graph.output:
            for dim in entry.type.tensor_type.shape.dim:
                if dim.dim_param in dims:
                    dim.dim_value = dims[dim.dim_param]


_CULPRIT = re.compile(r"\(op_type:\s*(?P<op>[\w.]+)(?:,\s*node name:\s*(?P<node>[^)]*))?\):?\s*(?P<text>.*)", re.DOTALL)


def _with_shapes(model: ModelProto, file: Path) -> ModelProto:
    try:
        return shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as error:
        raise UserError(f"{file}: {_one_line(str(error))}") from error


def _one_line(text: str) -> str:
    """What shape inference complains of, as `node 'a' (MatMul): incompatible dimensions`."""
    found = _CULPRIT.search(text)
    if found is None:
        return " ".join(text.split())
    reason = re.sub(r"\[\w+\]\s*", "", found["text"]).strip().splitlines()
    return f"node {found['node'] or '?'!r} ({found['op']}): {reason[0] if reason else 'shapes do not fit'}"
