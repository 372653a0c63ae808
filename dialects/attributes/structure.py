"""Structure of weights: which rectangles of a matrix are stored, all of it outside them being zero."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import FlatSymbolRefAttr, IntAttr, NoneType, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.attributes.tables import Table, TableData, parsed_range, range_text

BLOCK_DIAGONAL, MONARCH, BLAST, SPARSE = "block_diagonal", "monarch", "blast", "sparse"
"""What the blocks are part of: a matrix of their own, a Monarch product, a BLAST sum, an irregular sparse matrix."""
REPEATED, BANDED = "repeated", "banded"
"""A matrix of which many blocks are equal, and one whose nonzeros lie along its diagonal."""
ROW_GROUPS = "row_groups"
"""A dense matrix, groups of whose rows have scales of their own: their products come out one beside the other."""
DENSE = "dense"
"""What a weight without blocks is called."""
KINDS = (BLOCK_DIAGONAL, MONARCH, BLAST, SPARSE, REPEATED, BANDED, ROW_GROUPS)


def _verify_kind(kind: StringAttr) -> None:
    if kind.data not in KINDS:
        raise VerifyException(f"structure of kind {kind.data!r}: expected one of {', '.join(KINDS)}")


@irdl_attr_definition
class BlockDiagonalAttr(ParametrizedAttribute):
    """`blocks` equal blocks down the diagonal: the weight is stored as `[blocks, rows, columns]`.

    `#cim.block_diagonal<4 blocks of 64x32, "monarch">`, or with `, columns = @order` at the end: column j of the blocks
    is then column `order[j]` of the matrix (`@order` an int64 permutation).
    """

    name = "cim.block_diagonal"
    blocks: IntAttr
    rows: IntAttr
    columns: IntAttr
    kind: StringAttr
    order: FlatSymbolRefAttr | NoneType

    @staticmethod
    def of(shape: Sequence[int], kind: str, order: str | None = None) -> "BlockDiagonalAttr":
        """The structure of blocks stored as [blocks, rows, columns]."""
        symbol = NoneType() if order is None else SymbolRefAttr(order)
        blocks, rows, columns = (IntAttr(size) for size in shape)
        return BlockDiagonalAttr(blocks, rows, columns, StringAttr(kind), symbol)

    def verify(self) -> None:
        _verify_kind(self.kind)
        if min(self.data_shape) < 1:
            count, rows, columns = self.data_shape
            raise VerifyException(f"{count} blocks of {rows}x{columns}: expected at least 1 block, row and column")

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of the tensor that holds the blocks."""
        return self.blocks.data, self.rows.data, self.columns.data

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Shape [in, out] of the matrix."""
        return self.blocks.data * self.rows.data, self.blocks.data * self.columns.data

    @property
    def rectangles(self) -> Table:
        """(first row, first column, rows, columns) of each block, int64 [blocks, 4]."""
        count, rows, columns = self.data_shape
        number = np.arange(count)
        sizes = np.full(count, rows), np.full(count, columns)
        return np.stack([number * rows, number * columns, *sizes], axis=1).astype(np.int64)

    @property
    def order_symbol(self) -> str | None:
        return None if isinstance(self.order, NoneType) else self.order.root_reference.data

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            blocks = parser.parse_integer(allow_boolean=False, allow_negative=False)
            parser.parse_keyword("blocks")
            parser.parse_keyword("of")
            size = parser.parse_dimension_list()
            if len(size) != 2:
                parser.raise_error(f"expected rows and columns of a block, found {len(size)} dimensions")
            rows, columns = (max(length, 0) for length in size)
            parser.parse_punctuation(",")
            kind = StringAttr(parser.parse_str_literal())
            order: Attribute = NoneType()
            if parser.parse_optional_punctuation(",") is not None:
                parser.parse_keyword("columns")
                parser.parse_punctuation("=")
                order = SymbolRefAttr(parser.parse_symbol_name())
            return IntAttr(blocks), IntAttr(rows), IntAttr(columns), kind, order

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.blocks.data} blocks of ")
            printer.print_dimension_list((self.rows.data, self.columns.data))
            printer.print_string(", ")
            printer.print_string_literal(self.kind.data)
            if self.order_symbol is not None:
                printer.print_string(", columns = ")
                printer.print_symbol_name(self.order_symbol)


@irdl_attr_definition
class RectanglesAttr(TableData):
    """Rectangles of a matrix, a row (first row, first column, rows, columns) each."""

    name = "cim.rectangles"


@irdl_attr_definition
class BlocksAttr(ParametrizedAttribute):
    """Blocks of different shapes: the weight is stored as a matrix, whose nonzeros lie in these rectangles.

    `#cim.blocks<"block_diagonal", [rows 0 to 2, columns 0 to 1], [rows 3 to 3, columns 2 to 5]>`: in strips of rows or
    strips of columns, that is, blocks that have a row in common begin in the same row, or the same with columns.
    """

    name = "cim.blocks"
    kind: StringAttr
    table: RectanglesAttr

    def verify(self) -> None:
        _verify_kind(self.kind)
        if self.table.data.columns != 4:
            given = self.table.data.columns
            raise VerifyException(f"blocks of {given} numbers: expected first row, first column, rows and columns")
        empty = (self.rectangles[:, :2] < 0).any(axis=1) | (self.rectangles[:, 2:] < 1).any(axis=1)
        of_rows, of_columns = (_outside_of_strips(self.rectangles, along) for along in (0, 1))
        if empty.any() or (of_rows is not None and of_columns is not None):
            number = int(empty.argmax()) if empty.any() else of_rows
            given = self.rectangles[number].tolist()
            raise VerifyException(f"block {number} is {given}: expected blocks in strips, at least 1x1")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the smallest matrix that has these blocks."""
        last = self.rectangles[:, :2] + self.rectangles[:, 2:]
        return int(last[:, 0].max()), int(last[:, 1].max())

    @property
    def rectangles(self) -> Table:
        """(first row, first column, rows, columns) of each block, int64 [blocks, 4]."""
        return self.table.array

    @property
    def order_symbol(self) -> str | None:
        return None

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            kind = StringAttr(parser.parse_str_literal())
            blocks: list[list[int]] = []
            while parser.parse_optional_punctuation(",") is not None:
                with parser.in_square_brackets():
                    row, rows = parsed_range(parser, "rows")
                    parser.parse_punctuation(",")
                    column, columns = parsed_range(parser, "columns")
                blocks.append([row, column, rows, columns])
            if not blocks:
                parser.raise_error("expected a block, like `[rows 0 to 3, columns 0 to 3]`")
            return kind, RectanglesAttr.of(np.array(blocks, np.int64))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.kind.data)
            for row, column, rows, columns in self.rectangles.tolist():
                printer.print_string(f", [{range_text('rows', row, rows)}, {range_text('columns', column, columns)}]")


def _outside_of_strips(rectangles: Table, along: int) -> int | None:
    """The number of a block that lies on another, or not in a strip of rows (`along` 0) or columns (1); None if all do.

    Blocks of one strip begin in the same row, one beside the other, and end before the next strip begins.
    """
    across = 1 - along
    order = np.lexsort([rectangles[:, across], rectangles[:, along]])
    first, last = rectangles[order, :2], rectangles[order, :2] + rectangles[order, 2:]
    same = first[1:, along] == first[:-1, along]
    end = np.maximum.accumulate(last[:-1, along])
    wrong = np.where(same, first[1:, across] < last[:-1, across], first[1:, along] < end)
    return int(order[1:][wrong.argmax()]) if wrong.any() else None
