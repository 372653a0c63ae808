"""Checks that operations and weights fit together: verifiers of single operations cannot see other symbols."""

from collections.abc import Iterable

from xdsl.dialects.builtin import ModuleOp, TensorType, i64
from xdsl.ir import Attribute, Operation

from dialects import array
from dialects.array import MultiplyOp
from dialects.cim import MatmulOp, PermuteOp, ReadOp, WeightOp
from dialects.element_types import element_type, i8, i32, numpy_element
from dialects.locations import node_name
from dialects.network import operations, shape_of, weights_of

_USERS = (PermuteOp, array.PermuteOp, ReadOp, MatmulOp, MultiplyOp)
"""Operations with a weight; most operations are none of them, and to ask for a type is faster than for a class."""

_Permutation = PermuteOp | array.PermuteOp


def wrong_weight_use(module: ModuleOp, ops: Iterable[Operation] | None = None) -> str | None:
    """The first use of a weight that does not fit it, described; None if all fit. `ops` are the module's, if known."""
    weights = weights_of(module)
    for symbol, weight in weights.items():
        wrong = _wrong_affine(weight, weights) or _wrong_order(weight, weights)
        if wrong is not None:
            return f"weight @{symbol}: {wrong}"
    for op in operations(module.body.block) if ops is None else ops:
        if type(op) in _USERS and isinstance(op, _Permutation | ReadOp | MatmulOp | MultiplyOp):
            wrong = _wrong_table(op, weights) if isinstance(op, _Permutation) else _wrong_use(op, weights)
            if wrong is not None:
                return f"{op.name} of node {node_name(op)!r}: {wrong}"
    return None


def _wrong_affine(weight: WeightOp, weights: dict[str, WeightOp]) -> str | None:
    """What is wrong with the symbols of a weight's scale and zero point."""
    if weight.affine is None:
        return None
    wrong = _wrong_vector(weight.affine.scale_symbol, weight, weights, None)
    if wrong is None and weight.affine.zero_point_symbol is not None:
        wrong = _wrong_vector(weight.affine.zero_point_symbol, weight, weights, i32)
    return wrong


def _wrong_order(weight: WeightOp, weights: dict[str, WeightOp]) -> str | None:
    """What is wrong with the symbol of the order of a weight's columns."""
    symbol = None if weight.structure is None else weight.structure.order_symbol
    if symbol is None:
        return None
    if symbol not in weights:
        return f"@{symbol} is used but not defined: expected a cim.weight of that name"
    expected = TensorType(i64, weight.matrix_shape[1:])
    type_ = weights[symbol].tensor_type
    return None if type_ == expected else f"@{symbol} is {type_}, expected {expected}, an order of the columns"


def _wrong_table(op: _Permutation, weights: dict[str, WeightOp]) -> str | None:
    """What is wrong with the table of a permutation."""
    symbol = op.symbol
    if symbol not in weights:
        return f"weight @{symbol} is used but not defined: expected a cim.weight of that name"
    type_, shape = weights[symbol].tensor_type, shape_of(op.result.type)
    if type_.get_num_dims() != 1 or type_.element_type != i64:
        return f"table @{symbol} is {type_}, expected i64 numbers of elements"
    length = type_.get_shape()[0]
    if shape is not None and (not shape or shape[-1] not in (-1, length)):
        return f"the result is {op.result.type}, expected {length} as its last dimension for table @{symbol}"
    return None


def _wrong_vector(
    symbol: str, weight: WeightOp, weights: dict[str, WeightOp], expected: Attribute | None
) -> str | None:
    if symbol not in weights:
        return f"@{symbol} is used but not defined: expected a cim.weight of that name"
    type_, columns = weights[symbol].tensor_type, weight.matrix_shape[1]
    fits = _is_float(type_.element_type) if expected is None else type_.element_type == expected
    if type_.get_shape() == (columns,) and fits:
        return None
    wanted = "a float" if expected is None else str(expected)
    return f"@{symbol} is {type_}, expected {wanted} for each of {columns} columns"


def _wrong_use(op: ReadOp | MatmulOp | MultiplyOp, weights: dict[str, WeightOp]) -> str | None:
    symbol = op.symbol
    if symbol not in weights:
        return f"weight @{symbol} is used but not defined: expected a cim.weight of that name"
    weight = weights[symbol]
    type_ = weight.tensor_type
    if isinstance(op, ReadOp):
        return None if op.result.type == type_ else f"weight @{symbol} is {type_}, read as {op.result.type}"
    return _wrong_shapes(op, weight) or _wrong_elements(op, weight) or _wrong_tiles(op, weight)


def _wrong_shapes(op: MatmulOp | MultiplyOp, weight: WeightOp) -> str | None:
    symbol, type_ = weight.symbol, weight.tensor_type
    if type_.get_num_dims() != 2 and weight.structure is None:
        return f"weight @{symbol} is {type_}, expected a matrix"
    shape = weight.matrix_shape
    for role, value, size in (("input", op.x, shape[0]), ("result", op.result, shape[1])):
        value_shape = shape_of(value.type)
        if value_shape == () or (value_shape and value_shape[-1] >= 0 and value_shape[-1] != size):
            return f"the {role} is {value.type}, expected {size} as its last dimension for weight @{symbol} of {type_}"
    return None


def _wrong_elements(op: MatmulOp | MultiplyOp, weight: WeightOp) -> str | None:
    element, symbol = weight.tensor_type.element_type, weight.symbol
    if isinstance(op, MultiplyOp) or op.is_integer:
        return None if element == i8 else f"weight @{symbol} has elements {element}, expected i8 for integers"
    if not _is_float(element_type(op.x.type)):
        return f"multiplies {element_type(op.x.type)}, expected f16, f32, f64, ui8 or i8"
    if weight.affine is None and not _is_float(element):
        return f"weight @{symbol} has elements {element} and no #cim.affine that tells which floats they stand for"
    return None


def _wrong_tiles(op: Operation, weight: WeightOp) -> str | None:
    if not isinstance(op, MultiplyOp):
        return None
    symbol, tiles, (rows, columns) = weight.symbol, op.tiles.array, weight.matrix_shape
    if (tiles[:, 0] + tiles[:, 2] > rows).any() or (tiles[:, 1] + tiles[:, 3] > columns).any():
        return f"a tile reaches beyond weight @{symbol} of {rows}x{columns}"
    return None


def _is_float(element: Attribute) -> bool:
    dtype = numpy_element(element)
    return dtype is not None and dtype.kind == "f"
