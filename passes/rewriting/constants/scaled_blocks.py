"""Dequantised blocks as integers that arrays hold, and what is left to do digitally: scales of rows, sums over pieces.

`y[b, n] = sum over k of x[b, k] * (q[b, k, n] - z[b, k, n]) * s[b, k, n]`. Arrays multiply by int8 numbers with a scale
per column. A scale that is one number for each row, times one for each column, is half one of the input. Blocks with a
scale for some rows each are cut into pieces of these rows, whose products are summed afterwards; those with one for
some columns of each row, into pieces of these columns, each with inputs of its own. Zero points become part of the
integers where these need no more bits for it (`zero_points`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dialects.element_types import Array
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.scale_groups import (
    Numbers,
    RowGroups,
    is_one_a_column,
    outer_product,
    proportional_columns,
    proportional_groups,
    row_groups,
)
from passes.rewriting.constants.zero_points import Moved, largest_span, moved


@dataclass(frozen=True)
class ScaledBlocks:
    """Pieces of int8 with a scale per column, and how vectors [blocks, in] meet them.

    `values` is int8 [pieces, rows, columns] and `scale` [pieces, columns], and so is `zero_point`, int32, where the
    integers have one yet. Zero points that are not whole leave an `offset` of that shape, which times the sum of a
    piece's inputs is to be subtracted from the product; these inputs are weighted by `row_zero` [pieces, rows] first,
    where that is there. A vector is multiplied by `factors` [blocks, parts, in], which gives `parts` vectors for each
    block; then it is brought in the order of `table` [places of a block] (-1 for zeros), if there is one; then zeros
    are put after each block, as many as are missing. The products of `groups` successive pieces are summed, and the
    first `columns` of a block stay.
    """

    values: Array
    scale: Array
    columns: int
    zero_point: Array | None = None
    offset: Array | None = None
    row_zero: Array | None = None
    groups: int = 1
    factors: Array | None = None
    table: Numbers | None = None


@dataclass(frozen=True)
class _Form:
    """How blocks are cut: `cut` makes [pieces, rows, columns] of an array of their shape; `scale` [pieces, columns]."""

    cut: Callable[[Array], Array]
    scale: Array
    factors: Array | None = None
    groups: RowGroups | None = None


def scaled_blocks(tensor: ConstantTensor) -> ScaledBlocks | None:
    """Integers [blocks, in, out] with their scales, as arrays take them; None where no such form has those integers.

    Of several forms it is that with the least to do digitally in which no column spans more than the bits of the
    integers allow; one in which some do only where there is no other.
    """
    assert tensor.scale is not None, f"{tensor.name} has no scale"
    if tensor.values.strides[1] == 0 and tensor.shape[1] > 1:
        return None  # one row, repeated: times a column of scales, it is a structure of the floats
    forms, span = list[_Form](), largest_span(tensor.values)
    for form in _forms(tensor):
        plan = _plan(tensor, form, span)
        if plan is not None:
            return plan
        forms.append(form)
    return next((plan for form in forms if (plan := _plan(tensor, form, None)) is not None), None)


def _forms(tensor: ConstantTensor) -> Iterator[_Form]:
    """Forms in which the scales of each piece are one a column, those with the least to do digitally first."""
    scale, zero = tensor.scale, tensor.zero_point
    assert scale is not None
    if is_one_a_column(scale):
        yield _Form(_whole, np.ascontiguousarray(scale[:, 0]))
    elif (factors := outer_product(scale)) is not None:
        yield _Form(_whole, factors[1], factors[0][:, None])
    for arrays in ([scale], [scale, zero]):
        if arrays[-1] is not None and not is_one_a_column(arrays[-1]):
            groups = row_groups([array for array in arrays if array is not None])
            if groups is not None:
                yield _Form(groups.cut, groups.firsts(scale), groups=groups)
    for array in (None, zero):
        multiples = proportional_groups(scale, array)
        if multiples is not None:
            groups, multiple = multiples
            yield _Form(groups.cut, groups.firsts(scale), multiple[:, None], groups)
    for size in dict.fromkeys(proportional_columns(scale, array) for array in (None, zero)):
        form = None if size is None else _in_columns(scale, size)
        if form is not None:
            yield form


def _whole(array: Array) -> Array:
    return array


def _in_columns(scale: Array, size: int) -> _Form | None:
    """Blocks cut every `size` columns, each piece with a factor for each row; the last one is filled up."""
    blocks, rows, out = scale.shape
    parts = -(-out // size)
    places = [min(place, out - 1) for place in range(parts * size)]

    def cut(array: Array) -> Array:
        pieces = array[:, :, places].reshape(blocks, rows, parts, size).swapaxes(1, 2)
        return pieces.reshape(blocks * parts, rows, size)

    product = outer_product(cut(scale))
    return None if product is None else _Form(cut, product[1], product[0].reshape(blocks, parts, rows))


def _plan(tensor: ConstantTensor, form: _Form, span: int | None) -> ScaledBlocks | None:
    """The blocks in a form; None where what is left of zero points cannot be subtracted, or a column spans more."""
    zero = None if tensor.zero_point is None else form.cut(tensor.zero_point)
    integers = moved(form.cut(tensor.values), zero, span)
    if integers is None:
        return None
    values, groups, table = np.ascontiguousarray(integers.values), 1, None
    if form.groups is not None:
        groups, places = len(form.groups.table), form.groups.table
        values = _filled(values, places < 0)
        table = None if form.groups.is_in_order else places.reshape(-1)
    zero_point, offset = _left(integers, form.scale)
    return ScaledBlocks(
        values, form.scale, tensor.shape[2], zero_point, offset, integers.row, groups, form.factors, table
    )


def _filled(values: Array, missing: Array) -> Array:
    """Pieces with zeros in places without a row, which come last: `tile-blocks` leaves them out."""
    if not missing.any():
        return values
    pieces = values.reshape(-1, *missing.shape, values.shape[2])
    return np.where(missing[:, :, None], np.int8(0), pieces).reshape(values.shape)


def _left(integers: Moved, scale: Array) -> tuple[Array | None, Array | None]:
    """Zero points and offsets: whole numbers of a column stay with the integers, others are subtracted digitally."""
    if integers.row is not None:
        return None, scale
    rest = integers.column
    if rest is None:
        return None, None
    if (rest == np.rint(rest)).all():
        return rest.astype(np.int32), None
    return None, rest.astype(scale.dtype) * scale
