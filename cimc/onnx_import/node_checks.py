"""Checks a node against what ONNX says of its operator: how many inputs and outputs, which attributes of which type."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from onnx import AttributeProto, NodeProto, TensorProto, defs

from cimc.onnx_import.tensors import array_of, dense_of
from dialects.errors import UserError

_UNLIMITED = 1 << 30
_VERSIONS = 1 << 31
"""Versions of operator sets are smaller."""
_TYPE_NAMES = {number: name.lower() for name, number in AttributeProto.AttributeType.items()}
_ELEMENT_TYPES = frozenset(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}


def described(node: NodeProto) -> str:
    """A node as messages name it."""
    return f"node {node.name!r} ({node.op_type})"


_KINDS = {
    defs.OpSchema.AttrType.FLOAT: AttributeProto.FLOAT,
    defs.OpSchema.AttrType.INT: AttributeProto.INT,
    defs.OpSchema.AttrType.STRING: AttributeProto.STRING,
    defs.OpSchema.AttrType.TENSOR: AttributeProto.TENSOR,
    defs.OpSchema.AttrType.GRAPH: AttributeProto.GRAPH,
    defs.OpSchema.AttrType.SPARSE_TENSOR: AttributeProto.SPARSE_TENSOR,
    defs.OpSchema.AttrType.TYPE_PROTO: AttributeProto.TYPE_PROTO,
    defs.OpSchema.AttrType.FLOATS: AttributeProto.FLOATS,
    defs.OpSchema.AttrType.INTS: AttributeProto.INTS,
    defs.OpSchema.AttrType.STRINGS: AttributeProto.STRINGS,
    defs.OpSchema.AttrType.TENSORS: AttributeProto.TENSORS,
    defs.OpSchema.AttrType.GRAPHS: AttributeProto.GRAPHS,
    defs.OpSchema.AttrType.SPARSE_TENSORS: AttributeProto.SPARSE_TENSORS,
    defs.OpSchema.AttrType.TYPE_PROTOS: AttributeProto.TYPE_PROTOS,
}
"""Types of attributes as ONNX's descriptions of operators name them, and as files do."""


@dataclass(frozen=True)
class _Operator:
    """What ONNX says of an operator: how many inputs and outputs, types of attributes and which must be there."""

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    attributes: Mapping[str, tuple[int, bool]]


@cache
def _operator(op_type: str, version: int, domain: str) -> _Operator | None:
    """None for an operator that no operator set of ONNX knows."""
    if not -_VERSIONS < version < _VERSIONS or not defs.has(op_type, version, domain):
        return None
    schema = defs.get_schema(op_type, version, domain)
    attributes = {name: (_KINDS[attribute.type], attribute.required) for name, attribute in schema.attributes.items()}
    inputs, outputs = (schema.min_input, schema.max_input), (schema.min_output, schema.max_output)
    return _Operator(inputs, outputs, attributes)


@cache
def _first_with(op_type: str, domain: str, attribute: str) -> int | None:
    """The operator set that gave the operator this attribute; None if none did."""
    versions = (
        schema.since_version
        for schema in defs.get_all_schemas_with_history()
        if schema.name == op_type and schema.domain == domain and attribute in schema.attributes
    )
    return min(versions, default=None)


def check_node(node: NodeProto, opsets: Mapping[str, int], file: Path) -> None:
    """UserError unless the node is such as its operator set knows; trailing inputs that are left out are dropped.

    Operators that no operator set of ONNX knows are left alone, but for what their attributes hold: emission asks ONNX
    Runtime about them.
    """
    subject = f"{file}: {described(node)}"
    if node.domain not in opsets:
        raise UserError(
            f"{subject} is of domain {node.domain or 'ai.onnx'!r}, of which the file imports no operator set"
        )
    if not node.op_type:
        raise UserError(f"{subject} names no operator")
    _check_attributes(node, file, subject)
    operator = _operator(node.op_type, opsets[node.domain], node.domain)
    if operator is None:
        return
    while len(node.input) > operator.inputs[0] and not node.input[-1]:
        del node.input[-1]
    for side, count, (least, most) in (
        ("inputs", len(node.input), operator.inputs),
        ("outputs", len(node.output), operator.outputs),
    ):
        if not least <= count <= most:
            several = f"{least} to {most}" if most < _UNLIMITED else f"at least {least}"
            raise UserError(f"{subject} has {count} {side}, expected {least if least == most else several}")
    _check_types(node, operator, subject)
    _check_ages(node, operator, opsets[node.domain], subject)


def _check_attributes(node: NodeProto, file: Path, subject: str) -> None:
    """Attributes are named once and hold what can be read, whatever the operator."""
    seen: set[str] = set()
    for attribute in node.attribute:
        if attribute.name in seen or not attribute.name:
            raise UserError(f"{subject} has attribute {attribute.name!r} more than once, or without a name")
        seen.add(attribute.name)
        if attribute.ref_attr_name:
            raise UserError(f"{subject} refers to attribute {attribute.ref_attr_name!r} of a function outside of one")
        if attribute.type == AttributeProto.TENSOR:
            array_of(attribute.t, file)
        elif attribute.type == AttributeProto.SPARSE_TENSOR:
            dense_of(attribute.sparse_tensor, file)
        for tensor in attribute.tensors:
            array_of(tensor, file)


def _check_ages(node: NodeProto, operator: _Operator, version: int, subject: str) -> None:
    """No attribute is one that the operator got later: exporters write such when they fail to go back to a version."""
    for name in (attribute.name for attribute in node.attribute if attribute.name not in operator.attributes):
        first = _first_with(node.op_type, node.domain, name)
        if first is not None and first > version:
            raise UserError(
                f"{subject} has attribute {name!r}, which its operator has from opset {first} on, and the file is of "
                f"opset {version}: export the network for opset {first} or a later one"
            )


def _check_types(node: NodeProto, operator: _Operator, subject: str) -> None:
    """Attributes have the types that the operator demands, and none is missing."""
    present = {attribute.name: attribute for attribute in node.attribute}
    for name, (type_, required) in operator.attributes.items():
        if name not in present:
            if required:
                raise UserError(f"{subject} has no attribute {name!r}, which its operator needs")
        elif present[name].type != type_:
            given, expected = (_TYPE_NAMES.get(number, str(number)) for number in (present[name].type, type_))
            raise UserError(f"{subject} has attribute {name!r} of type {given}, expected {expected}")
    if "saturate" in present and present["saturate"].i not in (0, 1):  # ONNX Runtime writes no results then
        raise UserError(f"{subject} has saturate = {present['saturate'].i}: expected 0 or 1")
    if node.op_type == "Cast" and not node.domain and present["to"].i not in _ELEMENT_TYPES:
        raise UserError(f"{subject} casts to element type {present['to'].i}, which ONNX does not have")
