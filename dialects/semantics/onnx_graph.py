"""Operations of the IR as an ONNX graph: kernels, the reference network and interpretation are all written here."""

import re
from collections.abc import Callable, Sequence
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
    numpy_helper,
)
from xdsl.dialects.builtin import ModuleOp, NoneType, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.array import MultiplyOp, StageOp
from dialects.array import YieldOp as StageYieldOp
from dialects.attributes.onnx_attributes import to_onnx
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp, YieldOp
from dialects.element_types import Array, dense_array, element_type, numpy_element, onnx_element, tensor_type_of
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import (
    Port,
    inputs_of,
    main_block,
    operations,
    opsets_of,
    outputs_of,
    weight_named,
    weights_of,
)
from dialects.semantics.array_values import Image, image_of, matrix_of
from dialects.semantics.block_graph import block_product_nodes, joined_shape, split_shape
from dialects.semantics.weight_values import column_order, float_weight, integer_matrix
from dialects.texts import unescaped
from dialects.weights import WeightStore

_OUTSIDE = re.compile(r"constant\d+")
"""What constants are called that whoever runs the graph hands over (docs/file-format.md)."""

IR_VERSION = 10
"""ONNX IR version of the files written here: the first that knows every element type in use."""


@dataclass
class GraphWriter:
    """Writes operations as ONNX nodes; one writer makes one graph.

    `external(array)` may take a large constant over: it gives the name under which whoever runs the graph finds it.
    """

    module: ModuleOp
    store: WeightStore
    external: Callable[[Array], str | None] = lambda array: None
    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    initializers: dict[str, TensorProto] = field(default_factory=dict[str, TensorProto])
    external_names: list[str] = field(default_factory=list[str])
    """The constants that whoever runs the graph has to hand over."""
    _taken: dict[str, int] = field(default_factory=dict[str, int])
    _node_names: dict[str, int] = field(default_factory=dict[str, int])
    _known: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])
    """The initializers by what they stand for: a form of a weight, and its symbol."""

    def __post_init__(self) -> None:
        self.weights = weights_of(self.module)
        self._image: Image | None = None

    def model(
        self,
        ops: Sequence[Operation],
        inputs: Sequence[tuple[SSAValue, Port]],
        outputs: Sequence[tuple[SSAValue, Port]],
    ) -> ModelProto:
        """The graph of `ops` from `inputs` to `outputs`, which keep the names they are given."""
        for _, port in [*inputs, *outputs]:
            self._taken.setdefault(port.name, 0)
        self.names |= {value: port.name for value, port in inputs}
        produced = {result for op in ops for result in op.results if not isinstance(op, ReadOp | ConstantOp)}
        for value, port in outputs:
            if value in produced:
                self.names.setdefault(value, port.name)
        nodes = [node for op in ops for node in self.nodes(op)]
        for value, port in outputs:
            if self.name(value) != port.name:
                nodes.append(self._copy(self.name(value), port.name))
        graph = helper.make_graph(
            nodes,
            "cimc",
            [value_info(value.type, port) for value, port in inputs],
            [value_info(value.type, port) for value, port in outputs],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in opsets_of(self.module).items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="cimc")
        self.external_names = [n for n, t in self.initializers.items() if t.data_location == TensorProto.EXTERNAL]
        while self.initializers:  # one by one, for together they may be gigabytes
            model.graph.initializer.append(self.initializers.pop(next(iter(self.initializers))))
        return model

    def name(self, value: SSAValue) -> str:
        """The name of a value in the graph; constants become initializers when first asked for."""
        if value not in self.names:
            self.names[value] = self._constant(value.owner) or self.fresh(value.name_hint or "v")
        return self.names[value]

    def fresh(self, wish: str) -> str:
        """A name that no other value in the graph has, nor any constant from outside."""
        return _fresh(f"{wish}_" if _OUTSIDE.fullmatch(wish) else wish, self._taken)

    def _constant(self, owner: Operation | Block) -> str | None:
        """The initializer that stands for a constant operation, None for other operations."""
        if isinstance(owner, ConstantOp):
            return self._new_initializer("constant", dense_array(owner.value))
        if isinstance(owner, ReadOp):
            symbol = owner.weight.root_reference.data
            array = weight_named(self.weights, symbol).array(self.store)
            return self._initializer("", symbol, array)
        return None

    def _initializer(self, form: str, symbol: str, array: Array) -> str:
        """The name of the initializer for this form of a weight, which is always the same array."""
        if (form, symbol) not in self._known:
            self._known[form, symbol] = self._new_initializer(f"@{symbol}{form and '.'}{form}", array)
        return self._known[form, symbol]

    def _new_initializer(self, wish: str, array: Array) -> str:
        outside = self.external(array)
        if outside is None:
            name = self.fresh(wish)
            self.initializers[name] = numpy_helper.from_array(array, name)
            return name
        if outside not in self.initializers:
            self.initializers[outside] = _external(outside, array)
        return outside

    def _node_name(self, op: Operation) -> str:
        """The name of the ONNX node that `op` comes from; the second to come from it is called `name.1`."""
        return _fresh(node_name(op), self._node_names)

    def _copy(self, name: str, wish: str) -> NodeProto:
        """A node that gives the value `name` a second name."""
        return helper.make_node("Identity", [name], [wish], name=_fresh(f"copy to {wish}", self._node_names))

    def nodes(self, op: Operation) -> list[NodeProto]:
        """The ONNX nodes that do what `op` does."""
        if isinstance(op, ConstantOp | ReadOp | NoneOp | StageYieldOp):
            return []
        if isinstance(op, StageOp):
            return self._stage(op)
        if isinstance(op, MatmulOp | MultiplyOp):
            return self._multiplication(op)
        if isinstance(op, PermuteOp):
            return [self._gather(op.x, op.table.root_reference.data, op)]
        if not isinstance(op, DigitalOp):
            raise UserError(f"{op.name} has no form in ONNX: expected operations of cim and array only")
        return [self._digital(op)]

    def _operand(self, value: SSAValue) -> str:
        return "" if isinstance(value.type, NoneType) else self.name(value)

    def _digital(self, op: DigitalOp) -> NodeProto:
        node = helper.make_node(
            unescaped(op.op_type.data),
            [self._operand(value) for value in op.inputs],
            [self._operand(value) for value in op.outputs],
            name=self._node_name(op),
            domain="" if op.is_standard or op.domain is None else unescaped(op.domain.data),
        )
        node.attribute.extend(to_onnx(name, value) for name, value in op.setting.items())
        if op.bodies is not None:
            for name, region in zip(op.bodies, op.graphs):
                node.attribute.append(helper.make_attribute(name.data, self._body(region.block)))
        return node

    def _body(self, block: Block) -> GraphProto:
        """The graph of a body of control flow; values from outside are seen by name."""
        last = block.last_op
        assert isinstance(last, YieldOp)
        arguments = [value_info(a.type, Port(self.name(a), ())) for a in block.args]
        nodes = [node for op in block.ops if op is not last for node in self.nodes(op)]
        results: list[ValueInfoProto] = []
        for value in last.values:
            inside = isinstance(value.owner, DigitalOp) and value.owner.parent is block
            name = self.name(value)
            if not inside or name in {r.name for r in results}:
                copy = self.fresh("copy")
                nodes.append(self._copy(name, copy))
                name = copy
            results.append(value_info(value.type, Port(name, ())))
        return helper.make_graph(nodes, self.fresh("body"), arguments, results)

    def _gather(self, x: SSAValue, table: str, op: PermuteOp) -> NodeProto:
        indices = self._initializer("", table, weight_named(self.weights, table).array(self.store))
        names = [self.name(x), indices], [self.name(op.result)]
        return helper.make_node("Gather", *names, axis=-1, name=self._node_name(op))

    def _multiplication(self, op: MatmulOp | MultiplyOp) -> list[NodeProto]:
        symbol = op.weight.root_reference.data
        weight = weight_named(self.weights, symbol)
        if isinstance(op, MultiplyOp):
            name = self._new_initializer(f"{symbol} in arrays", self._matrix(op))
        elif isinstance(weight.structure, BlockDiagonalAttr) and isa(op.x.type, TensorType) and _is_plain(op, weight):
            return self._block_product(op, weight, weight.structure, op.x.type.get_num_dims() - 1)
        elif op.is_integer:
            form = "" if weight.structure is None else "matrix"
            name = self._initializer(form, symbol, integer_matrix(weight, self.weights, self.store))
        else:
            dtype = numpy_element(element_type(op.x.type))
            assert dtype is not None
            name = self._initializer(dtype.name, symbol, float_weight(weight, self.weights, self.store, dtype))
        kind = "MatMulInteger" if isinstance(op, MultiplyOp) or op.is_integer else "MatMul"
        return [helper.make_node(kind, [self.name(op.x), name], [self.name(op.result)], name=self._node_name(op))]

    def _block_product(
        self, op: MatmulOp, weight: WeightOp, structure: BlockDiagonalAttr, leading: int
    ) -> list[NodeProto]:
        """A multiplication by blocks without the zeros around them."""
        data = self._initializer("", weight.sym_name.data, weight.array(self.store))
        split, joined = (np.array(f(structure, leading), np.int64) for f in (split_shape, joined_shape))
        shapes = self._initializer("split", str(split), split), self._initializer("joined", str(joined), joined)
        between = self.fresh("split"), self.fresh("products")
        name, y, order = self._node_name(op), self.name(op.result), column_order(weight, self.weights, self.store)
        kind = "MatMulInteger" if op.is_integer else "MatMul"
        if order is None:
            return block_product_nodes(kind, self.name(op.x), data, shapes, y, between, name)
        joint = self.fresh("joined")
        nodes = block_product_nodes(kind, self.name(op.x), data, shapes, joint, between, name)
        places = self._initializer("inverse", str(structure.order_symbol), np.argsort(order))
        return [*nodes, helper.make_node("Gather", [joint, places], [y], axis=-1, name=f"{name} order")]

    def _matrix(self, op: MultiplyOp) -> Array:
        if self._image is None:
            placed = [o for o in operations(main_block(self.module)) if isinstance(o, MultiplyOp)]
            self._image = image_of(placed, self.weights, self.store)
        return matrix_of(op, self.weights, self.store, self._image)

    def _stage(self, op: StageOp) -> list[NodeProto]:
        last = op.body.block.last_op
        assert isinstance(last, StageYieldOp)
        for outer, inner in zip(op.results, last.values):
            self.names[inner] = self.name(outer)
        return [node for inner in op.body.block.ops for node in self.nodes(inner)]


def _is_plain(op: MatmulOp, weight: WeightOp) -> bool:
    """Whether the stored numbers are multiplied as they are, and not by a scale."""
    return op.is_integer or weight.affine is None


def _fresh(wish: str, taken: dict[str, int]) -> str:
    """`wish`, or `wish.N` if that is taken; `taken` tells how often each name was wished for again."""
    name = wish
    while name in taken:
        taken[wish] += 1
        name = f"{wish}.{taken[wish]}"
    taken[name] = 0
    return name


def network_model(module: ModuleOp, store: WeightStore) -> ModelProto:
    """The network of a module as ONNX, with the names of the original's inputs, outputs and nodes."""
    ops = list(main_block(module).ops)[:-1]
    return GraphWriter(module, store).model(ops, inputs_of(module), outputs_of(module))


def value_info(kind: Attribute, port: Port) -> ValueInfoProto:
    """An ONNX input or output of type `kind`; without a type where ONNX Runtime has to infer it."""
    if not onnx_element(element_type(kind)):
        return helper.make_empty_tensor_value_info(port.name)
    if not isa(kind, TensorType):
        return helper.make_tensor_value_info(port.name, onnx_element(element_type(kind)), None)
    dims = port.dims or ("",) * kind.get_num_dims()
    shape = [size if size >= 0 else (name or None) for size, name in zip(kind.get_shape(), dims)]
    return helper.make_tensor_value_info(port.name, onnx_element(kind.element_type), shape)


def _external(name: str, array: Array) -> TensorProto:
    """An initializer whose bytes are handed over when the graph is loaded."""
    proto = TensorProto(name=name, data_type=onnx_element(tensor_type_of(array).element_type), dims=array.shape)
    proto.data_location = TensorProto.EXTERNAL
    entry = proto.external_data.add()
    entry.key, entry.value = "location", "constants"
    return proto


def graph_attributes(node: NodeProto) -> list[tuple[str, GraphProto]]:
    """The bodies of a control flow node, by attribute name."""
    single = [(a.name, a.g) for a in node.attribute if a.type == AttributeProto.GRAPH]
    several = [a.name for a in node.attribute if a.type == AttributeProto.GRAPHS]
    if several:
        raise UserError(f"node {node.name!r}: attribute {several[0]!r} is a list of graphs, which no ONNX operator has")
    return single
