"""Imports an ONNX graph: constants become weights, operators digital operations, and what it can `cim.matmul`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, TypeProto, ValueInfoProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    FunctionType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnrankedTensorType,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from cimc.onnx_import.graph_checks import domain_of
from cimc.onnx_import.reader import Source, read
from cimc.onnx_import.shapes import MADE_UP
from cimc.onnx_import.sliding import sliding_axes
from cimc.onnx_import.tensors import array_of, dense_of
from dialects.attributes.onnx_attributes import GRAPH_KINDS, to_ir
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp, YieldOp, weight_op
from dialects.cim_types import ElementType, ValueType
from dialects.element_types import UNKNOWN, Array, inline_constant, ir_element, tensor_type, tensor_type_of
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.history import begin_history
from dialects.locations import is_lost, location
from dialects.network import OPSETS, SOURCE, Network, Port, opsets_attribute
from dialects.semantics.onnx_graph import graph_attributes
from dialects.texts import escaped
from dialects.weights import Remake, WeightStore, store_of
from passes.raise_matmul.raise_matmul import RaiseMatmulPass


def import_onnx(ctx: Context, file: Path, chip: ChipAttr, dims: Mapping[str, int] | None = None) -> ModuleOp:
    """The module of an ONNX file, for a chip; its constants go to the weight store of `ctx`.

    Raises UserError with file, node and reason where the file cannot be used.
    """
    source = read(file, dims or {})
    try:
        module = _Importer(source, store_of(ctx)).module()
        module.attributes["hardware.chip"] = chip
        begin_history(module, dims or {})
        module.attributes[OPSETS] = opsets_attribute(source.opsets)
        texts = (escaped(text) for text in (file.name, source.digest, *source.initializers))
        module.attributes[SOURCE] = ArrayAttr([StringAttr(text) for text in texts])
        RaiseMatmulPass().apply(ctx, module)
    except UserError as error:
        raise error if str(error).startswith(f"{file}: ") else UserError(f"{file}: {error}") from error
    return module


@dataclass
class _Scope:
    """Names of a graph and of the graphs around it."""

    types: dict[str, Attribute]
    values: dict[str, SSAValue] = field(default_factory=dict[str, SSAValue])


class _Importer:
    def __init__(self, source: Source, store: WeightStore):
        self.source, self.store = source, store
        self.body = Block()
        self.weights = ModuleOp([])
        self.none: SSAValue | None = None
        self.symbols = {"main"}

    def module(self) -> ModuleOp:
        graph = self.source.model.graph
        inputs = [entry for entry in graph.input if entry.name not in self.source.constants]
        scope = _Scope(_types(graph))
        self.body = Block(arg_types=[scope.types[entry.name] for entry in inputs])
        for entry, argument in zip(inputs, self.body.args):
            _name(argument, entry.name)
            argument.location = location(entry.name)
            scope.values[entry.name] = argument
        self._translate(graph, [scope], self.body)
        results = [self._value(entry.name, [scope], f"output {entry.name!r}") for entry in graph.output]
        self.body.add_op(ReturnOp(*results))
        kinds = FunctionType.from_lists([a.type for a in self.body.args], [r.type for r in results])
        main = FuncOp("main", kinds, Region(self.body))
        self.weights.body.block.add_op(main)
        for op in (self.weights, main, *self.body.ops):
            if is_lost(op):
                op.location = location(self.source.file.name)
        slides = sliding_axes(graph, self.source.constants)
        ports = [_port(entry, slides.get(entry.name, ())) for entry in inputs]
        Network(self.weights, self.store).set_ports(ports, [_port(entry) for entry in graph.output])
        return self.weights

    def _translate(self, graph: GraphProto, scopes: list[_Scope], block: Block) -> None:
        """Add the nodes of `graph` to `block`."""
        for node in graph.node:
            op = self._constant_node(node, scopes[-1])
            if op is None:
                op = self._digital(node, scopes)
                block.add_op(op)
            for result, name in zip(op.results, node.output, strict=True):
                scopes[-1].values[name] = result

    def _value(self, name: str, scopes: list[_Scope], user: str) -> SSAValue:
        """The value `name`, as `user` sees it; constants of the file enter the function at their first use."""
        for scope in reversed(scopes):
            if name in scope.values:
                return scope.values[name]
        if name not in self.source.constants:
            uses = "is given by" if user == f"output {name!r}" else f"uses {name!r}, which is given by"
            raise UserError(f"{self.source.file}: {user} {uses} no node, input or initializer before it")
        op = self._constant(name, self.source.constants[name], self.source.again(name))
        scopes[0].values[name] = op.results[0]
        return op.results[0]

    def _constant(self, name: str, array: Array, again: Remake | None = None) -> Operation:
        """A constant at the end of the function so far, so that everything after it can use it."""
        small = None if array.dtype.kind == "O" else inline_constant(array)
        if array.dtype.kind == "O":
            op: Operation = _texts(array)
        elif small is not None:
            op = ConstantOp(small)
        else:
            symbol = self._symbol(name)
            self.weights.body.block.add_op(_located(weight_op(symbol, array, self.store, again=again), name))
            op = ReadOp(symbol, tensor_type_of(array))
        self.body.add_op(_located(op, name))
        _name(op.results[0], name)
        return op

    def _symbol(self, name: str) -> str:
        """A symbol for the constant `name`; a body's own constant may be called like one outside."""
        symbol, count = escaped(name), 0
        while symbol in self.symbols:
            count += 1
            symbol = f"{escaped(name)}.{count}"
        self.symbols.add(symbol)
        return symbol

    def _constant_node(self, node: NodeProto, scope: _Scope) -> Operation | None:
        """The constant of a `Constant` node; None for other nodes and for forms that are no tensors."""
        if node.op_type != "Constant" or domain_of(node.domain) or not node.attribute:
            return None
        array = _constant_of(node, self.source.file)
        return None if array is None else self._constant(node.output[0], array)

    def _digital(self, node: NodeProto, scopes: list[_Scope]) -> DigitalOp:
        name = node.name or (node.output[0] if node.output else node.op_type)
        user = f"node {name!r} ({node.op_type})"
        inputs = [self._value(i, scopes, user) if i else self._none() for i in node.input]
        bodies = graph_attributes(node)
        op = DigitalOp(
            escaped(node.op_type),
            inputs,
            [scopes[-1].types.get(o, _UNKNOWN_TYPE) if o else NoneOp().result.type for o in node.output],
            {a.name: to_ir(a) for a in node.attribute if a.type not in GRAPH_KINDS},
            domain=escaped(node.domain),
            bodies=ArrayAttr([StringAttr(n) for n, _ in bodies]) if bodies else None,
            graphs=[self._body(graph, scopes) for _, graph in bodies],
        )
        for result, output in zip(op.results, node.output):
            _name(result, output)
        return _located(op, name)

    def _body(self, graph: GraphProto, scopes: list[_Scope]) -> Region:
        """The region of a body of control flow; its own initializers become constants of the function."""
        scope = _Scope(_types(graph))
        inner = [*scopes, scope]
        block = Block()
        own = {tensor.name: array_of(tensor, self.source.file) for tensor in graph.initializer}
        own |= {sparse.values.name: dense_of(sparse, self.source.file) for sparse in graph.sparse_initializer}
        for name, array in own.items():
            scope.values[name] = self._constant(name, array).results[0]
        for entry in graph.input:
            if entry.name not in scope.values:
                argument = block.insert_arg(scope.types[entry.name], len(block.args))
                _name(argument, entry.name)
                scope.values[entry.name] = argument
        self._translate(graph, inner, block)
        results = [self._value(entry.name, inner, f"output {entry.name!r}") for entry in graph.output]
        block.add_op(_located(YieldOp(results), graph.name or "body"))
        return Region(block)

    def _none(self) -> SSAValue:
        if self.none is None:
            op = _located(NoneOp(), "none")
            self.body.add_op(op)
            self.none = op.results[0]
        return self.none


def _constant_of(node: NodeProto, file: Path) -> Array | None:
    """The array of a `Constant` node, None for a form that is not known."""
    attribute: AttributeProto = node.attribute[0]
    if attribute.name == "value":
        return array_of(attribute.t, file)
    if attribute.name == "sparse_value":
        return dense_of(attribute.sparse_tensor, file)
    return _CONSTANT_FORMS[attribute.name](attribute) if attribute.name in _CONSTANT_FORMS else None


_CONSTANT_FORMS: dict[str, Callable[[AttributeProto], Array]] = {
    "value_float": lambda a: np.array(a.f, np.float32),
    "value_floats": lambda a: np.array(a.floats, np.float32),
    "value_int": lambda a: np.array(a.i, np.int64),
    "value_ints": lambda a: np.array(a.ints, np.int64),
    "value_string": lambda a: np.array(a.s.decode(errors="replace"), np.object_),
    "value_strings": lambda a: np.array([s.decode(errors="replace") for s in a.strings], np.object_),
}


def _texts(array: Array) -> DigitalOp:
    """A constant of strings: the IR keeps it as the `Constant` node that ONNX has for it."""
    value = helper.make_attribute("value", numpy_helper.from_array(array))
    return DigitalOp("Constant", [], [TensorType(ElementType.of("string"), array.shape)], {"value": to_ir(value)})


OperationT = TypeVar("OperationT", bound=Operation)
_UNKNOWN_TYPE = UnrankedTensorType(UNKNOWN)


def _types(graph: GraphProto) -> dict[str, Attribute]:
    return {entry.name: _type(entry.type) for entry in (*graph.input, *graph.value_info, *graph.output)}


def _type(proto: TypeProto) -> Attribute:
    """The IR type of an ONNX type: ranked or unranked tensor, or a named value type for sequences and maps."""
    if not proto.HasField("tensor_type"):
        return _UNKNOWN_TYPE if proto.WhichOneof("value") is None else ValueType.of(_type_text(proto))
    element = ir_element(proto.tensor_type.elem_type)
    if not proto.tensor_type.HasField("shape"):
        return UnrankedTensorType(element)
    dims = proto.tensor_type.shape.dim
    return tensor_type(element, tuple(d.dim_value if d.HasField("dim_value") else DYNAMIC_INDEX for d in dims))


def _type_text(proto: TypeProto) -> str:
    """`seq(tensor(float))` and the like, as ONNX's documentation writes types."""
    if proto.HasField("sequence_type"):
        return f"seq({_type_text(proto.sequence_type.elem_type)})"
    if proto.HasField("optional_type"):
        return f"optional({_type_text(proto.optional_type.elem_type)})"
    return "tensor" if proto.HasField("tensor_type") else str(proto.WhichOneof("value"))


def _port(entry: ValueInfoProto, slides: tuple[int, ...] = ()) -> Port:
    names = (d.dim_param for d in entry.type.tensor_type.shape.dim)
    return Port(entry.name, tuple("" if name.startswith(MADE_UP) else name for name in names), slides)


def _name(value: SSAValue, name: str) -> None:
    """Give a value its ONNX name, as far as it is a name in the IR."""
    hint = re.sub(r"[^A-Za-z0-9_$.-]+", "_", name).strip("_")
    value.name_hint = hint if hint and not hint[0].isdigit() else f"v{hint}" if hint else None


def _located(op: OperationT, name: str) -> OperationT:
    op.location = location(name)
    return op
