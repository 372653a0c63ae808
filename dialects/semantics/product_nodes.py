"""Multiplications by constant weights as ONNX nodes: dense, by blocks, and by what lies in the arrays."""

from collections.abc import Callable
from functools import partial

import numpy as np
from onnx import NodeProto, helper
from xdsl.dialects.builtin import TensorType
from xdsl.utils.hints import isa

from dialects.array import MultiplyOp
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array, element_type, numpy_element, ui8
from dialects.network import Network, operations
from dialects.semantics.array_values import Image, image_of, matrix_of
from dialects.semantics.block_graph import block_product_nodes, joined_shape, split_shape
from dialects.semantics.exact_products import ZERO, moved
from dialects.semantics.graph_names import GraphNames
from dialects.semantics.outlined import Later
from dialects.semantics.weight_values import column_order, float_blocks, float_weight, integer_matrix


class ProductWriter:
    """Writes multiplications of a network into the graph that `names` belongs to."""

    def __init__(self, network: Network, names: GraphNames) -> None:
        self.network, self.names = network, names
        self._image: Image | None = None

    def nodes(self, op: MatmulOp | MultiplyOp, x: str, y: str, node: str) -> list[NodeProto]:
        """The nodes for `op` from the value `x` to the value `y`; the one that multiplies is called `node`."""
        symbol, weight = op.symbol, self.network.weight(op.symbol)
        if isinstance(op, MultiplyOp):
            matrix = Later(_INT8, weight.matrix_shape, lambda: self._matrix(op))
            factors = self._integers(op, self._new(f"{symbol} in arrays"), matrix)
            return [_product("MatMulInteger", x, factors, y, node)]
        if isinstance(weight.structure, BlockDiagonalAttr):
            if isa(op.x.type, TensorType):
                leading = op.x.type.get_num_dims() - 1
                return self._block_product(op, weight, weight.structure, leading, x, y, node)
        if op.is_integer:
            form = "" if weight.structure is None else "matrix"
            matrix = Later(_INT8, weight.matrix_shape, partial(integer_matrix, weight, self.network))
            factors = self._integers(op, self._known(form, symbol), matrix)
            return [_product("MatMulInteger", x, factors, y, node)]
        dtype = numpy_element(element_type(op.x.type))
        assert dtype is not None
        floats = Later(dtype, weight.matrix_shape, partial(float_weight, weight, self.network, dtype))
        return [_product("MatMul", x, [self.names.form(dtype.name, symbol, floats)], y, node)]

    def zero_point(self) -> str:
        """The name of the zero point that int8 numbers without one have when they are written as uint8."""
        return self.names.form("", "zero point 128", lambda: ZERO)

    def moved_weight(self, symbol: str) -> str:
        """The name of the int8 array `@symbol` plus 128, as uint8."""
        shape = self.network.weight(symbol).tensor_type.get_shape()
        return self.names.form("uint8", symbol, Later(_UINT8, shape, lambda: moved(self.network.array(symbol))))

    def _known(self, form: str, symbol: str) -> "Initializer":
        return lambda numbers, array: self.names.form(f"{form}.{numbers}".strip("."), symbol, array)

    def _new(self, wish: str) -> "Initializer":
        return lambda numbers, array: self.names.initializer(f"{wish} {numbers}".strip(), array.make())

    def _integers(self, op: MatmulOp | MultiplyOp, initializer: "Initializer", array: Later) -> list[str]:
        """The inputs of `MatMulInteger` after the first: an int8 weight moves to uint8 where it meets uint8."""
        if element_type(op.x.type) != ui8:
            return [initializer("", array)]
        as_uint8 = Later(_UINT8, array.shape, lambda: moved(array.make()))
        return [initializer("uint8", as_uint8), "", self.zero_point()]

    def _block_product(
        self, op: MatmulOp, weight: WeightOp, structure: BlockDiagonalAttr, leading: int, x: str, y: str, node: str
    ) -> list[NodeProto]:
        """A multiplication by blocks without the zeros around them."""
        initializer = self._known("", weight.symbol)
        blocks = weight_later(weight, self.network)
        factors = self._integers(op, initializer, blocks) if op.is_integer else [self._floats(op, weight, blocks)]
        split, joined = (np.array(f(structure, leading), np.int64) for f in (split_shape, joined_shape))
        shapes = (
            self.names.form("split", str(split), lambda: split),
            self.names.form("joined", str(joined), lambda: joined),
        )
        op_type = "MatMulInteger" if op.is_integer else "MatMul"
        between = self.names.fresh("split"), self.names.fresh("products")
        order = column_order(weight, self.network)
        if order is None:
            return block_product_nodes(op_type, x, factors, shapes, y, between, node)
        joint = self.names.fresh("joined")
        nodes = block_product_nodes(op_type, x, factors, shapes, joint, between, node)
        places = self.names.form("inverse", str(structure.order_symbol), lambda: np.argsort(order))
        return [*nodes, helper.make_node("Gather", [joint, places], [y], axis=-1, name=f"{node} order")]

    def _floats(self, op: MatmulOp, weight: WeightOp, blocks: Later) -> str:
        """The name of the blocks as floats, scaled if they are integers."""
        if weight.affine is None:
            return self.names.form("", weight.symbol, blocks)
        dtype = numpy_element(element_type(op.x.type))
        assert dtype is not None
        scaled = Later(dtype, blocks.shape, partial(float_blocks, weight, self.network, dtype))
        return self.names.form(f"{dtype.name} blocks", weight.symbol, scaled)

    def _matrix(self, op: MultiplyOp) -> Array:
        if self._image is None:
            placed = [o for o in operations(self.network.block) if isinstance(o, MultiplyOp)]
            self._image = image_of(placed, self.network)
        return matrix_of(op, self.network, self._image)


def weight_later(weight: WeightOp, network: Network) -> Later:
    """What a weight stores, when it is needed."""
    dtype = numpy_element(weight.tensor_type.element_type)
    assert dtype is not None, f"weight @{weight.symbol} is of no numbers"
    return Later(dtype, weight.tensor_type.get_shape(), partial(weight.array, network.store), weight.digest)


_INT8, _UINT8 = np.dtype(np.int8), np.dtype(np.uint8)
Initializer = Callable[[str, Later], str]
"""Names the initializer for one kind of numbers, int8 ("") or "uint8", of something."""


def _product(op_type: str, x: str, factors: list[str], y: str, node: str) -> NodeProto:
    return helper.make_node(op_type, [x, *factors], [y], name=node)
