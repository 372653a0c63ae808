"""Structure attributes: as text, as rectangles, and what they refuse."""

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import StringAttr
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from dialects.attributes.structure import (
    BLAST,
    BLOCK_DIAGONAL,
    MONARCH,
    REPEATED,
    SPARSE,
    BlockDiagonalAttr,
    BlocksAttr,
    RectanglesAttr,
)
from dialects.cim import make_cim


def parsed(text: str) -> BlockDiagonalAttr | BlocksAttr:
    ctx = Context()
    ctx.load_dialect(make_cim())
    found = Parser(ctx, text).parse_attribute()
    assert isinstance(found, BlockDiagonalAttr | BlocksAttr)
    return found


@pytest.mark.parametrize("kind", [BLOCK_DIAGONAL, MONARCH, BLAST, SPARSE])
def test_equal_blocks(kind: str) -> None:
    found = parsed(f'#cim.block_diagonal<2 blocks of 3x4, "{kind}">')
    assert found == BlockDiagonalAttr.of((2, 3, 4), kind)
    assert isinstance(found, BlockDiagonalAttr)
    assert found.data_shape == (2, 3, 4)
    assert found.matrix_shape == (6, 8)
    assert found.rectangles.tolist() == [[0, 0, 3, 4], [3, 4, 3, 4]]
    assert found.rectangles.dtype == np.int64
    assert found.order_symbol is None
    assert str(found) == f'#cim.block_diagonal<2 blocks of 3x4, "{kind}">'


@pytest.mark.parametrize(("symbol", "text"), [("order", "@order"), ("a/b 2", '@"a/b 2"')])
def test_order_of_columns(symbol: str, text: str) -> None:
    found = BlockDiagonalAttr.of((1, 1, 2), MONARCH, symbol)
    assert str(found) == f'#cim.block_diagonal<1 blocks of 1x2, "monarch", columns = {text}>'
    assert parsed(str(found)) == found
    assert found.order_symbol == symbol


@pytest.mark.parametrize("turn", [(0, 1, 2, 3), (1, 0, 3, 2)])
def test_blocks_in_strips(turn: tuple[int, ...]) -> None:
    """Those of one strip need not be equally long, nor stand in order."""
    blocks = np.array([(3, 0, 2, 1), (0, 2, 2, 2), (0, 0, 3, 2), (5, 1, 1, 3)])[:, turn]
    found = BlocksAttr(StringAttr(REPEATED), RectanglesAttr.of(blocks))
    assert found.shape == ((6, 4) if turn[0] == 0 else (4, 6))
    assert parsed(str(found)) == found


def test_blocks_of_different_shapes() -> None:
    found = parsed('#cim.blocks<"sparse", [rows 0 to 2, columns 0 to 1], [rows 4 to 4, columns 2 to 5]>')
    assert found.rectangles.tolist() == [[0, 0, 3, 2], [4, 2, 1, 4]]
    assert found.order_symbol is None
    assert str(found) == '#cim.blocks<"sparse", [rows 0 to 2, columns 0 to 1], [rows 4 to 4, columns 2 to 5]>'


UNKNOWN = (
    "structure of kind 'odd': expected one of block_diagonal, monarch, blast, sparse, repeated, banded, row_groups"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('block_diagonal<2 blocks of 2x2, "odd">', UNKNOWN),
        ('block_diagonal<0 blocks of 2x2, "blast">', "0 blocks of 2x2: expected at least 1 block, row and column"),
        ('block_diagonal<2 blocks of 2x?, "blast">', "2 blocks of 2x0: expected at least 1 block, row and column"),
        ('blocks<"odd", [rows 0 to 0, columns 0 to 0]>', UNKNOWN),
        (
            'blocks<"sparse", [rows 0 to 1, columns 0 to 1], [rows 1 to 1, columns 1 to 1]>',
            "block 1 is [1, 1, 1, 1]: expected blocks in strips, at least 1x1",
        ),
        (
            'blocks<"sparse", [rows 0 to 1, columns 0 to 1], [rows 1 to 2, columns 2 to 2], '
            "[rows 2 to 2, columns 1 to 1]>",
            "block 1 is [1, 2, 2, 1]: expected blocks in strips, at least 1x1",
        ),
        (
            'blocks<"sparse", [rows 0 to -1, columns 0 to 0]>',
            "block 0 is [0, 0, 0, 1]: expected blocks in strips, at least 1x1",
        ),
        (
            'blocks<"sparse", [rows -1 to 0, columns 0 to 0]>',
            "block 0 is [-1, 0, 2, 1]: expected blocks in strips, at least 1x1",
        ),
    ],
)  # fmt: skip
def test_what_is_no_structure(text: str, message: str) -> None:
    with pytest.raises(VerifyException) as error:
        parsed(f"#cim.{text}")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('block_diagonal<2 blocks of 2x2x2, "blast">', "expected rows and columns of a block, found 3 dimensions"),
        ('blocks<"sparse">', "expected a block, like `[rows 0 to 3, columns 0 to 3]`"),
        ('blocks<"sparse", [rows 0 to 3]>', "Expected ','"),
        ('blocks<"sparse", [0, 0, 1, 1]>', "Expected 'rows'"),
        ('block_diagonal<2 blocks of 2x2, "blast", rows = @p>', "Expected 'columns'"),
    ],
)
def test_what_does_not_parse(text: str, message: str) -> None:
    with pytest.raises(ParseError) as error:
        parsed(f"#cim.{text}")
    assert message in str(error.value)
