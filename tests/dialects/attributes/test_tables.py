"""Tables as attributes: packed, hashed, printed and read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from xdsl.context import Context
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError

from dialects.array import ArrayDialect, TableAttr
from dialects.attributes.tables import PackedTable, Table


def parsed(text: str) -> TableAttr:
    ctx = Context()
    ctx.load_dialect(ArrayDialect)
    found = Parser(ctx, f"#array.table{text}").parse_attribute()
    assert isinstance(found, TableAttr)
    return found


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5)))
def test_numbers_survive_the_text(rows: Table) -> None:
    found = parsed(str(TableAttr.of(rows)).removeprefix("#array.table"))
    assert found == TableAttr.of(rows)
    assert np.array_equal(found.array, rows)


@given(st.permutations(range(4)))
def test_equal_tables_are_equal_however_they_lie_in_memory(order: list[int]) -> None:
    rows = np.arange(12).reshape(4, 3)[order]
    other = np.asfortranarray(rows.astype(np.int32))
    assert TableAttr.of(rows) == TableAttr.of(other)
    assert hash(TableAttr.of(rows)) == hash(TableAttr.of(other))
    assert TableAttr.of(rows) != TableAttr.of(rows + 1)


def test_shape_counts() -> None:
    assert PackedTable.of(np.zeros((2, 3), np.int64)) != PackedTable.of(np.zeros((3, 2), np.int64))


def test_tables_are_read_only() -> None:
    table = TableAttr.of(np.zeros((1, 2), np.int64)).array
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1


@pytest.mark.parametrize("text", ["<[]>", "<[[1, 2], [3]]>"])
def test_what_is_no_table(text: str) -> None:
    with pytest.raises(ParseError, match="expected a table of at least one row, all rows equally long"):
        parsed(text)


@pytest.mark.parametrize("text", ["<[[true]]>", "<[[1.5]]>", "<[1, 2]>", "[[1]]"])
def test_what_are_no_integers(text: str) -> None:
    with pytest.raises(ParseError):
        parsed(text)
