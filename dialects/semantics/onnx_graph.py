"""Operations of the IR as an ONNX graph: kernels, the reference network and interpretation are all written here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
)
from xdsl.dialects.builtin import NoneType, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from dialects import array
from dialects.attributes.onnx_attributes import to_onnx
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, YieldOp
from dialects.element_types import dense_array, element_type, onnx_element
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, Port
from dialects.semantics.exact_products import PRODUCTS, ZERO, mixed_operands, moved, moving_nodes
from dialects.semantics.graph_names import External, GraphNames
from dialects.semantics.outlined import Later, OutlinedModel
from dialects.semantics.product_nodes import ProductWriter, weight_later
from dialects.texts import unescaped

IR_VERSION = 10
"""ONNX IR version of the files written here: the first that knows every element type in use."""


@dataclass
class GraphWriter:
    """Writes operations as ONNX nodes; one writer makes one graph.

    Products of uint8 by int8 are written as products of uint8, which are exact on every processor.
    `external` may take a large constant over: it gives the name under which whoever runs the graph finds it.
    With `later`, a table to be filled, large weights are kept out of the graph (`OutlinedModel`).
    """

    network: Network
    external: External = lambda array, digest: None
    later: dict[str, Later] | None = None
    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    external_names: list[str] = field(default_factory=list[str])
    """The constants that whoever runs the graph has to hand over."""
    places: dict[Operation, int] = field(default_factory=dict[Operation, int])
    """The number of the node that gives the results of an operation; others may stand before it."""

    def __post_init__(self) -> None:
        self.graph = GraphNames(self.external, self.later)
        self.products = ProductWriter(self.network, self.graph)

    def model(
        self,
        ops: Sequence[Operation],
        inputs: Sequence[tuple[SSAValue, Port]],
        outputs: Sequence[tuple[SSAValue, Port]],
    ) -> ModelProto:
        """The graph of `ops` from `inputs` to `outputs`, which keep the names they are given."""
        for _, port in [*inputs, *outputs]:
            self.graph.reserve(port.name)
        self.names |= {value: port.name for value, port in inputs}
        produced = {result for op in ops if type(op) not in (ReadOp, ConstantOp) for result in op.results}
        for value, port in outputs:
            if value in produced:
                self.names.setdefault(value, port.name)
        nodes: list[NodeProto] = []
        for op in ops:
            nodes += self.nodes(op)
            self.places[op] = len(nodes) - 1
        for value, port in outputs:
            if self.name(value) != port.name:
                nodes.append(self._copy(self.name(value), port.name))
        graph = helper.make_graph(
            nodes,
            "cimc",
            [value_info(value.type, port) for value, port in inputs],
            [value_info(value.type, port) for value, port in outputs],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.network.opsets.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="cimc")
        initializers = self.graph.initializers
        self.external_names = [n for n, t in initializers.items() if t.data_location == TensorProto.EXTERNAL]
        while initializers:  # one by one, for together they may be gigabytes
            model.graph.initializer.append(initializers.pop(next(iter(initializers))))
        return model

    def name(self, value: SSAValue) -> str:
        """The name of a value in the graph; constants become initializers when first asked for."""
        if value not in self.names:
            self.names[value] = self._constant(value.owner) or self.graph.fresh(value.name_hint or "v")
        return self.names[value]

    def _constant(self, owner: Operation | Block) -> str | None:
        """The initializer that stands for a constant operation, None for other operations."""
        if isinstance(owner, DigitalOp):
            return None
        if isinstance(owner, ConstantOp):
            return self.graph.initializer("constant", dense_array(owner.value))
        if isinstance(owner, ReadOp):
            return self.graph.form("", owner.symbol, weight_later(self.network.weight(owner.symbol), self.network))
        return None

    def _node_name(self, op: Operation) -> str:
        """The name of the ONNX node that `op` comes from; the second to come from it is called `name.1`."""
        return self.graph.node(node_name(op))

    def _copy(self, name: str, wish: str) -> NodeProto:
        """A node that gives the value `name` a second name."""
        return helper.make_node("Identity", [name], [wish], name=self.graph.node(f"copy to {wish}"))

    def nodes(self, op: Operation) -> list[NodeProto]:
        """The ONNX nodes that do what `op` does."""
        if isinstance(op, DigitalOp):
            return self._digital(op)
        if isinstance(op, ConstantOp | ReadOp | NoneOp | array.LoadOp):
            return []
        if isinstance(op, array.StageOp):
            return self._stage(op)
        if isinstance(op, array.KernelOp):
            return self._kernel(op)
        if isinstance(op, array.ControlOp):
            return [self._control(op)]
        if isinstance(op, MatmulOp | array.MultiplyOp):
            return self.products.nodes(op, self.name(op.x), self.name(op.result), self._node_name(op))
        if isinstance(op, PermuteOp | array.PermuteOp):
            return [self._gather(op.x, op.symbol, op)]
        raise UserError(f"{op.name} has no form in ONNX: expected operations of cim and array only")

    def _operand(self, value: SSAValue) -> str:
        return "" if type(value.type) is NoneType else self.name(value)

    def _digital(self, op: DigitalOp) -> list[NodeProto]:
        name, nodes = self._node_name(op), list[NodeProto]()
        domain, op_type = (
            "" if op.is_standard or op.domain is None else unescaped(op.domain.data),
            unescaped(op.op_type.data),
        )
        inputs = self._exact_operands(op, domain, op_type, nodes)
        node = helper.make_node(op_type, inputs, [self._operand(v) for v in op.results], name=name, domain=domain)
        self._set_attributes(node, op)
        return [*nodes, node]

    def _control(self, op: array.ControlOp) -> NodeProto:
        inputs, outputs = ([self._operand(value) for value in values] for values in (op.inputs, op.outputs))
        node = helper.make_node(op.op_type.data, inputs, outputs, name=self._node_name(op))
        self._set_attributes(node, op)
        return node

    def _set_attributes(self, node: NodeProto, op: DigitalOp | array.ControlOp) -> None:
        node.attribute.extend(to_onnx(name, value) for name, value in op.setting.items())
        for name, region in zip(() if op.bodies is None else op.bodies, op.graphs):
            node.attribute.append(helper.make_attribute(name.data, self._body(region.block)))

    def _exact_operands(self, op: DigitalOp, domain: str, op_type: str, nodes: list[NodeProto]) -> list[str]:
        """The names of the inputs; int8 numbers that meet uint8 in a product move, by `nodes` unless constant."""
        if (domain, op_type) not in PRODUCTS:
            return [self._operand(value) for value in op.operands]
        elements = [onnx_element(element_type(value.type)) for value in op.inputs]
        mixed = mixed_operands(domain, op_type, elements, node_name(op))
        moving = {i for operand in mixed for i in (operand.value, operand.zero)}
        values: list[SSAValue | None] = [None if isinstance(v.type, NoneType) else v for v in op.inputs]
        values += [None] * (max(moving, default=-1) + 1 - len(values))
        zeros = {operand.zero for operand in mixed}
        return [
            (self.products.zero_point() if i in zeros else "")
            if value is None
            else self._moved(value, nodes)
            if i in moving
            else self.name(value)
            for i, value in enumerate(values)
        ]

    def _moved(self, value: SSAValue, nodes: list[NodeProto]) -> str:
        """The name of an int8 value plus 128 as uint8."""
        if isinstance(value.owner, ConstantOp):
            return self.graph.initializer("constant", moved(dense_array(value.owner.value)))
        if isinstance(value.owner, ReadOp):
            return self.products.moved_weight(value.owner.symbol)
        between = self.graph.fresh("wide"), self.graph.fresh("moved")
        result, by = self.graph.fresh("uint8"), self.graph.form("", "128", lambda: ZERO.astype(np.int32))
        nodes += moving_nodes(self.name(value), by, result, between)
        return result

    def _body(self, block: Block) -> GraphProto:
        """The graph of a body of control flow; values from outside are seen by name."""
        last = block.last_op
        assert isinstance(last, YieldOp | array.YieldOp)
        arguments = [value_info(a.type, Port(self.name(a), ())) for a in block.args]
        nodes = [node for op in block.ops if op is not last for node in self.nodes(op)]
        results: list[ValueInfoProto] = []
        for value in last.values:
            inside = isinstance(value.owner, DigitalOp) and value.owner.parent is block
            name = self.name(value)
            if not inside or name in {r.name for r in results}:
                copy = self.graph.fresh("copy")
                nodes.append(self._copy(name, copy))
                name = copy
            results.append(value_info(value.type, Port(name, ())))
        return helper.make_graph(nodes, self.graph.fresh("body"), arguments, results)

    def _gather(self, x: SSAValue, table: str, op: PermuteOp | array.PermuteOp) -> NodeProto:
        indices = self.graph.form("", table, lambda: self.network.array(table))
        names = [self.name(x), indices], [self.name(op.result)]
        return helper.make_node("Gather", *names, axis=-1, name=self._node_name(op))

    def _stage(self, op: array.StageOp) -> list[NodeProto]:
        """The multiplications; transfers only move, so what they move keeps its name."""
        moved = [inner for inner in op.body.block.ops if isinstance(inner, array.TransferOp)]
        for outer, inner in zip(op.results, op.yielded):
            self.names[inner] = self.name(outer)
        for transfer in moved:
            if transfer.is_inward:
                self.names[transfer.result] = self.name(transfer.x)
            else:
                self.names[transfer.x] = self.name(transfer.result)
        multiplies = [inner for inner in op.body.block.ops if isinstance(inner, array.MultiplyOp)]
        return [node for multiply in multiplies for node in self.nodes(multiply)]

    def _kernel(self, op: array.KernelOp) -> list[NodeProto]:
        """The operators; what is not made by one of them, a constant, is copied to what the kernel yields."""
        operators = op.operators
        made = {result for operator in operators for result in operator.results}
        self.names |= {inner: self.name(outer) for outer, inner in zip(op.results, op.yielded) if inner in made}
        copies = [
            self._copy(self.name(inner), self.name(outer))
            for outer, inner in zip(op.results, op.yielded)
            if inner not in made
        ]
        return [*(node for operator in operators for node in self.nodes(operator)), *copies]


def network_model(network: Network) -> ModelProto:
    """The network as ONNX, with the names of the original's inputs, outputs and nodes."""
    return GraphWriter(network).model(network.body, network.inputs, network.outputs)


def outlined_model(network: Network) -> OutlinedModel:
    """The same without its large weights, which are made when the model is run or written."""
    later: dict[str, Later] = {}
    proto = GraphWriter(network, later=later).model(network.body, network.inputs, network.outputs)
    return OutlinedModel(proto, later)


def value_info(value_type: Attribute, port: Port) -> ValueInfoProto:
    """An ONNX input or output of type `value_type`; without a type where ONNX Runtime has to infer it."""
    if not onnx_element(element_type(value_type)):
        return helper.make_empty_tensor_value_info(port.name)
    if not isa(value_type, TensorType):
        return helper.make_tensor_value_info(port.name, onnx_element(element_type(value_type)), None)
    dims = port.dims or ("",) * value_type.get_num_dims()
    shape = [size if size >= 0 else (name or None) for size, name in zip(value_type.get_shape(), dims)]
    return helper.make_tensor_value_info(port.name, onnx_element(value_type.element_type), shape)


def graph_attributes(node: NodeProto) -> list[tuple[str, GraphProto]]:
    """The bodies of a control flow node, by attribute name."""
    single = [(a.name, a.g) for a in node.attribute if a.type == AttributeProto.GRAPH]
    several = [a.name for a in node.attribute if a.type == AttributeProto.GRAPHS]
    if several:
        raise UserError(f"node {node.name!r}: attribute {several[0]!r} is a list of graphs, which no ONNX operator has")
    return single
