"""Builds a Monarch product: two block-diagonal multiplications with a permutation between and one after them."""

import numpy as np
from xdsl.ir import SSAValue

from dialects.attributes.structure import MONARCH, BlockDiagonalAttr
from dialects.element_types import Array
from dialects.network import shape_of
from passes.rewriting.digital import DigitalBuilder


def monarch_product(builder: DigitalBuilder, x: SSAValue, w1: Array, w2: Array, columns: int, name: str) -> SSAValue:
    """`x` times the product of factors w1 [k, p, q] and w2 [l, r, s], its first `columns` outputs.

    Element m of the first factor's outputs goes to row m // l of block m % l of the second, whose output j of block b
    is output `j * l + b` of the product, as in `passes/detect_block_diagonal/analysis/monarch_products.py`.
    Where x is shorter than k*p, zeros follow it.
    """
    (ins, rows, _), (outs, depth, width) = w1.shape, w2.shape
    shape = shape_of(x.type)
    assert shape
    if ins * rows > shape[-1]:
        x = builder.pad_last(x, ins * rows - shape[-1])
    first = _factor(builder, x, w1, f"{name}.monarch1")
    middle = _interleaved(depth, outs)
    second = _factor(builder, builder.permute(first, middle, f"{name}.middle"), w2, f"{name}.monarch2")
    return builder.permute(second, _interleaved(outs, width)[:columns], f"{name}.outputs")


def _interleaved(rows: int, columns: int) -> Array:
    """0, 1, 2, ... written row by row into `[rows, columns]`, read column by column."""
    return np.arange(rows * columns, dtype=np.int64).reshape(rows, columns).T.reshape(-1)


def _factor(builder: DigitalBuilder, x: SSAValue, blocks: Array, name: str) -> SSAValue:
    blocks = np.ascontiguousarray(blocks)
    symbol = builder.weight(blocks, name, structure=BlockDiagonalAttr.of(blocks.shape, MONARCH))
    return builder.matmul(x, symbol, blocks.shape[0] * blocks.shape[2])
