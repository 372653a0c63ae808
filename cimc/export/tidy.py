"""What the exporter wrote, with the names that users of language models know, and without the exporter's notes."""

import ast
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx_ir
from onnx_ir.passes.common import ClearMetadataAndDocStringPass

from cimc.export.names import dimension_names, port_name, renamed, symbol_names

_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the exporter notes the modules that a node comes from, outermost first, and its own name for the node."""


def tidy(model: onnx_ir.Model, has_cache: bool, name: str) -> None:
    """Name ports, dimensions, nodes and weights of a network; drop notes that name files of this machine."""
    graph = model.graph
    for is_input, values in ((True, graph.inputs), (False, graph.outputs)):
        for value in values:
            value.name = port_name(value.name or "", is_input)
    written = {value.name or "": [str(dim) for dim in value.shape or ()] for value in graph.inputs}
    meanings = symbol_names(written, has_cache)
    for value in (*graph.inputs, *(result for node in graph.all_nodes() for result in node.outputs)):
        _name_dimensions(value, meanings)
    for value in graph.inputs:
        names = dimension_names(value.name or "", len(value.shape or ()), has_cache)
        dims = zip(names, value.shape or (), strict=True)
        value.shape = onnx_ir.Shape([dim if isinstance(dim, int) else named or dim for named, dim in dims])
    _name_nodes(graph)
    ClearMetadataAndDocStringPass()(model)
    for value in (*graph.inputs, *graph.initializers.values()):
        value.metadata_props.clear()
    graph.name, graph.doc_string, model.producer_name, model.doc_string = name, None, "cim-export", None
    model.metadata_props.clear()


def _name_dimensions(value: onnx_ir.Value, meanings: Mapping[str, str]) -> None:
    if value.shape is None:
        return
    value.shape = onnx_ir.Shape([_dimension(dim, meanings) for dim in value.shape])
    value.metadata_props.clear()


def _dimension(dim: int | onnx_ir.SymbolicDim, meanings: Mapping[str, str]) -> int | str | None:
    """A size, or its name; None for one without: ONNX Runtime takes sizes of one name for equal."""
    if isinstance(dim, int) or dim.value is None:
        return dim if isinstance(dim, int) else None
    name = renamed(str(dim.value), meanings)
    return int(name) if name.isdecimal() else name


def _name_nodes(graph: onnx_ir.Graph) -> None:
    """Name nodes after module and operator, as `model.layers.0.mlp.up_proj/MatMul`, and made-up weights after those.

    The exporter's own names are numbers, of which no report could tell a layer.
    """
    used: Counter[str] = Counter()
    for node in graph:
        name = f"{_module(node)}/{node.op_type}".removeprefix("/")
        used[name] += 1
        node.name = name if used[name] == 1 else f"{name}_{used[name]}"
        for value in node.inputs:
            if value is not None and value.is_initializer() and (value.name or "").startswith("val_"):
                _name_weight(graph, value, node)


def _module(node: onnx_ir.Node) -> str:
    """The innermost module that a node belongs to, "" for the network itself."""
    scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "['']"))
    return str(scopes[-2]) if len(scopes) > 1 else ""


def _name_weight(graph: onnx_ir.Graph, value: onnx_ir.Value, node: onnx_ir.Node) -> None:
    """A weight that the exporter turned round is called after the module that it was in."""
    if value.shape is None or len(value.shape) < 2 or len(value.uses()) > 1:
        return
    name = f"{_module(node)}.weight.transposed"
    if name not in graph.initializers and _module(node):
        value.name = name


_SMALL = 1024
"""Bytes of a weight that stays in the network's own file."""


def write(model: onnx_ir.Model, file: Path) -> None:
    """Write a network, and its weights to `<file>.data` beside it, one after the other."""
    library: Any = onnx_ir  # the types of `save` are known in part only
    library.save(model, file, external_data=f"{file.name}.data", size_threshold_bytes=_SMALL)
