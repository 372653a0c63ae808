"""Multiplications by block-diagonal weights as ONNX nodes: all blocks in one batched product."""

from collections.abc import Sequence

from onnx import NodeProto, helper

from dialects.attributes.structure import BlockDiagonalAttr


def block_product_nodes(
    op_type: str, x: str, factors: Sequence[str], shapes: tuple[str, str], y: str, fresh: tuple[str, str], node: str
) -> list[NodeProto]:
    """`y = x W` for W stored as [blocks, rows, columns]: split the last axis, multiply block by block, join again.

    `op_type` is `MatMul` or `MatMulInteger`, `factors` its inputs after the first; `x` and `y` are names of values,
    `shapes` those of the shapes that `split_shape` and `joined_shape` give, `fresh` two names for what lies between.
    """
    split, product = fresh
    return [
        helper.make_node("Reshape", [x, shapes[0]], [split], name=f"{node} split"),
        helper.make_node(op_type, [split, *factors], [product], name=node),
        helper.make_node("Reshape", [product, shapes[1]], [y], name=f"{node} join"),
    ]


def split_shape(structure: BlockDiagonalAttr, leading: int) -> list[int]:
    """`[..., blocks * rows]` as `[..., blocks, 1, rows]`; 0 keeps a leading dimension as it is."""
    return [0] * leading + [structure.blocks.data, 1, structure.rows.data]


def joined_shape(structure: BlockDiagonalAttr, leading: int) -> list[int]:
    """`[..., blocks, 1, columns]` as `[..., blocks * columns]`."""
    return [0] * leading + [structure.blocks.data * structure.columns.data]
