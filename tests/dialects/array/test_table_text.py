"""Tables read aloud come back as they were, and what is wrong with them is said at its place."""

from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError

from cimc.universe import make_context
from dialects.array import MultiplyOp, TableAttr
from dialects.network import main_block

NUMBERS = st.integers(-(2**40), 2**40)


def multiply(tables: str) -> MultiplyOp:
    text = f"""func.func @main(%x: tensor<?x4xui8>) {{
      %y = array.multiply %x by @w {tables} : tensor<?x4xui8> -> tensor<?x4xi32>
      func.return
    }}"""
    op = main_block(Parser(make_context(), text, "m.mlir").parse_module()).first_op
    assert isinstance(op, MultiplyOp)
    return op


def rows(count: int, columns: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=count, max_size=count)


@given(
    st.integers(1, 3).flatmap(lambda n: st.tuples(rows(n, 4), rows(n, 3), rows(n, 7), rows(n, 5))), st.integers(0, 3)
)
def test_all_tables_come_back(tables: tuple[list[list[int]], ...], count: int) -> None:
    op = multiply("{ tile 0: rows 0 to 3, columns 0 to 3 }")
    names = ("tiles", "places", "groups", "adds")
    for name, table in list(zip(names, tables))[: count + 1]:
        op.properties[name] = TableAttr.of(np.array(table, np.int64))
    stream = StringIO()
    Printer(stream).print_op(op)
    text = stream.getvalue()
    again = multiply(text[text.index("{") : text.rindex("} :") + 1])
    assert again.properties == op.properties


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ("{ }", "expected a tile, like `tile 0: rows 0 to 3, columns 0 to 3`"),
        ("{ tile 1: rows 0 to 3, columns 0 to 3 }", "tile 1: expected tile 0, in order"),
        (
            "{ tile 0: rows 0 to 3, columns 0 to 1 in array 0 at row 0, column 0 tile 1: rows 0 to 3, columns 2 to 3 }",
            "expected a place for all tiles or for none, tile 1 differs",
        ),
        ("{ tile 0: rows 0 to 3, columns 0 to 3 in 0 }", "Expected 'array'"),
        (
            "copies 2 { tile 0 of copy 0: rows 0 to 3, columns 0 to 1 tile 1 of copy 1: rows 0 to 3, columns 2 to 3 }",
            "tiles of copies are not in order: expected one copy after the other, the tiles of each by first row",
        ),
        ("{ tile 0 of 1: rows 0 to 3, columns 0 to 3 }", "Expected 'copy'"),
        ("{ tile 0: rows 0 to 3 }", "Expected ','"),
        ("{ tile 0: rows 0 to 3, columns 0 to 3 convert rows 0 to 3 of tile 0 to 4 bits at 5, }", "Expected 'ps'"),
        ("{ tile 0: rows 0 to 3, columns 0 to 3 move }", "Expected '}' after a tile, a conversion or an addition"),
    ],
)
def test_what_is_wrong_is_said(tables: str, message: str) -> None:
    with pytest.raises(ParseError) as error:
        multiply(tables)
    assert message in error.value.msg
