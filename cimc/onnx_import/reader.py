"""Reads an ONNX file: checks it, takes large constants out, inlines local functions, infers all shapes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper, inliner, numpy_helper

from cimc.files.reasons import reason
from cimc.onnx_import.graph_checks import (
    check_graph,
    check_names,
    check_nodes,
    domain_of,
    name_nodes,
    sort_nodes,
    subgraphs,
)
from cimc.onnx_import.head_sizes import fix_head_sizes
from cimc.onnx_import.lifting import LiftedConstants, lift, lifted_types
from cimc.onnx_import.old_operator_sets.old_opsets import LIFTED_TO, lift_operator_set
from cimc.onnx_import.operand_checks import check_operands
from cimc.onnx_import.plain_form import make_plain
from cimc.onnx_import.shapes import with_shapes
from cimc.onnx_import.symbols import name_symbols
from cimc.onnx_import.tensors import Array, array_of, dense_of
from cimc.program.onnx_models.large_files import parsed
from cimc.program.onnx_models.walk import MOST_NODES, expanded_nodes
from dialects.errors import UserError
from dialects.weights import Remake

OLDEST_OPSET = 7
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
    lifted: tuple[str, ...] = ()
    """float16 and bfloat16, where the file has such numbers: the graph has float32 instead."""
    initializers: tuple[str, ...] = ()
    """The inputs of the file that are initializers as well: here they are constants."""

    def again(self, name: str) -> Remake | None:
        """What makes a constant once more, so that it need not be kept; None if it lies in memory, or in a file."""
        return self.constants.again(name) if isinstance(self.constants, LiftedConstants) else None

    @property
    def opsets(self) -> dict[str, int]:
        return {domain_of(entry.domain): entry.version for entry in self.model.opset_import}


def read(file: Path, dims: Mapping[str, int]) -> Source:
    """Read `file`, with dynamic dimensions named in `dims` fixed to a size.

    Raises UserError with one line for every way in which a file can be unusable. What the libraries that read it raise
    for a damaged file is of many types, so everything that comes out of them ends here.
    """
    try:
        return _read(file, dims)
    except (UserError, AssertionError, NameError, MemoryError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:_LONGEST_REASON]
        raise UserError(f"{file}: damaged, or no valid ONNX: {type(error).__name__}: {said}") from error


_LONGEST_REASON = 300


def _read(file: Path, dims: Mapping[str, int]) -> Source:
    model, digest = _parsed(file)
    make_plain(model, file)
    name_symbols(model.graph)
    fix_head_sizes(model.graph)
    check_names(model.graph, file)
    _check(model, file)
    _read_small_data(model, file)
    given = [entry.name for entry in model.graph.input]
    constants = _take_constants(model, file)
    initializers = tuple(name for name in given if name in constants)
    _fix_dims(model, dims, file)
    model = _inlined(model, file)
    _lift_operator_set(model, file, constants)
    lifted = lifted_types(model, constants)
    if lifted:
        lift(model, constants, file)
    name_nodes(model.graph)
    sort_nodes(model.graph)
    check_graph(model, file, constants)
    model = with_shapes(model, file)
    _check_ports(model, file)
    check_operands(model.graph, file)
    arrays = LiftedConstants(constants) if lifted else constants
    return Source(file, digest, model, arrays, tuple(lifted), initializers)


def _parsed(file: Path) -> tuple[ModelProto, str]:
    """The model in a file, and the digest of the file's bytes."""
    try:
        digest = digest_of(file)
        model = parsed(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
    except (DecodeError, ValueError) as error:
        raise UserError(f"{file}: not an ONNX file, or a truncated one: expected a serialized ModelProto") from error
    if not model.ir_version or not model.opset_import or not model.graph.output:
        raise UserError(f"{file}: not an ONNX file: it has no operator set or no graph with outputs")
    return model, digest


def digest_of(file: Path) -> str:
    """What a program keeps of the file that it was compiled from, external data aside. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _check(model: ModelProto, file: Path) -> None:
    opset = next((o.version for o in model.opset_import if not domain_of(o.domain)), NEWEST_OPSET)
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise UserError(
            f"{file}: opset {opset} found, {OLDEST_OPSET} to {NEWEST_OPSET} expected: "
            "export it anew, or try onnx.version_converter"
        )
    _check_ports(model, file)


def _lift_operator_set(model: ModelProto, file: Path, constants: Mapping[str, Array]) -> None:
    """Bring a network of an older operator set to one that passes know; its nodes have to fit the older one."""
    if any(entry.version < LIFTED_TO for entry in model.opset_import if not domain_of(entry.domain)):
        name_nodes(model.graph)
        sort_nodes(model.graph)
        check_nodes(model, file, constants)
        lift_operator_set(model, file)


def _check_ports(model: ModelProto, file: Path) -> None:
    """Inputs are tensors of a type that ONNX has; so are outputs, unless their type is not known yet."""
    for role, entries in (("input", model.graph.input), ("output", model.graph.output)):
        for entry in entries:
            if entry.type.WhichOneof("value") not in ("tensor_type", None if role == "output" else "tensor_type"):
                raise UserError(f"{file}: {role} {entry.name!r} is no tensor: programs take and give tensors only")
            element = entry.type.tensor_type.elem_type
            if element not in TensorProto.DataType.values() or (role == "input" and not element):
                raise UserError(f"{file}: {role} {entry.name!r} has element type {element}, which ONNX does not have")


def _read_small_data(model: ModelProto, file: Path) -> None:
    """Bring external data of tensors inside nodes and bodies into the model; only the network's own stays outside."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    tensors: list[TensorProto] = []
    while nodes:
        node = nodes.pop()
        for attribute in node.attribute:
            tensors += [
                attribute.t,
                *attribute.tensors,
                attribute.sparse_tensor.values,
                attribute.sparse_tensor.indices,
            ]
        for body in subgraphs(node):
            tensors += body.initializer
            tensors += [t for sparse in body.sparse_initializer for t in (sparse.values, sparse.indices)]
            nodes += body.node
    for tensor in tensors:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.CopyFrom(numpy_helper.from_array(array_of(tensor, file), tensor.name))


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
            tensor.CopyFrom(numpy_helper.from_array(constants[tensor.name], tensor.name))
    remaining = list(small)
    del graph.initializer[:]
    del graph.sparse_initializer[:]
    graph.initializer.extend(remaining)
    for name, array in constants.items():
        if name not in kept and name not in inputs:
            graph.input.append(helper.make_tensor_value_info(name, types[name], array.shape))
    return constants


def _inlined(model: ModelProto, file: Path) -> ModelProto:
    """The model with calls of its own functions replaced by their nodes."""
    if not model.functions:
        return model
    _check_functions(model, file)
    model = inliner.inline_local_functions(model)
    for function in model.functions:
        raise UserError(
            f"{file}: function {function.name!r} of domain {function.domain!r} is written in another operator set "
            "than the network: expected the same version, convert it with onnx.version_converter"
        )
    return model


def _check_functions(model: ModelProto, file: Path) -> None:
    """UserError for functions that call each other without end, or so often that nobody could write the nodes down."""
    try:
        nodes = expanded_nodes(model)
    except ValueError as error:
        raise UserError(f"{file}: {error}: expected functions that come to an end") from error
    if nodes > MOST_NODES:
        raise UserError(
            f"{file}: has {nodes:.4g} nodes once its functions are expanded, expected at most {MOST_NODES}: "
            "split the network, or call functions less often"
        )


def _fix_dims(model: ModelProto, dims: Mapping[str, int], file: Path) -> None:
    """Give the dynamic dimensions in `dims` their sizes."""
    dynamic: set[str] = set()
    for entry in model.graph.input:
        for dim in entry.type.tensor_type.shape.dim:
            if dim.dim_param:
                dynamic.add(dim.dim_param)
                if dim.dim_param in dims:
                    dim.dim_value = dims[dim.dim_param]
    for name in dims.keys() - dynamic:
        names = ", ".join(sorted(dynamic)) or "none"
        raise UserError(f"{file}: no input has a dimension {name!r} to fix with --dim: dynamic dimensions are {names}")
    if dims:
        for entry in (*model.graph.output, *model.graph.value_info):
            for dim in entry.type.tensor_type.shape.dim:
                if dim.dim_param in dims:
                    dim.dim_value = dims[dim.dim_param]
