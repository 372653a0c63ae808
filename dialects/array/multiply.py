"""The multiplication by a weight that lies in arrays."""

import numpy as np
from xdsl.dialects.builtin import I64, FlatSymbolRefAttr, IntegerAttr, SymbolRefAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from dialects.array.format import FormatAttr, InFormat
from dialects.array.table_text import Tables
from dialects.array.tables import ADDITION, GROUP, PLACE, TILE, TableAttr, copy_of_tiles
from dialects.attributes.tables import Table
from dialects.chip.formats import MOST_INPUT_BITS, CellFormat
from dialects.cim.products import verify_input_bits
from dialects.element_types import element_type, i8, i32, ui8
from dialects.hardware import ChipAttr


@irdl_op_definition
class MultiplyOp(IRDLOperation):
    """Multiplication of integers by a weight that lies in arrays: `y[..., n] = sum over k of x[..., k] * w[k, n]`.

    ```mlir
    %y = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 2, column 0
    } : tensor<?x6xui8> -> tensor<?x4xi32>
    ```
    Tiles come from `tile-blocks`, their places from `place-tiles`, row groups (`convert`) and additions of partial sums
    (`add`, where tiles of the same columns lie apart) from `schedule-arrays`, each a table of its own in generic form.
    What lies outside the tiles is zero. Equal starts in one array mean one activation: rows and ADCs are used together.

    `choose-formats` says in how many bits and in which encoding the weight stands in its arrays (`in`); without that
    it is 8 bits, and the chip's encoding. Unsigned inputs below 2^4 need fewer planes; without `of` they are of 8 bits.

    ```mlir
    %y = array.multiply %x of 4 bits by @w in 6 bits "offset" centred {
      tile 0: rows 0 to 3, columns 0 to 3
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    ```

    A weight may lie in the arrays several times (`copies`), to multiply several vectors at a time:
    vector t is multiplied by copy t modulo `copies`. Each copy has tiles of its own, with row groups and additions.

    ```mlir
    %y = array.multiply %x by @w copies 2 {
      tile 0 of copy 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      tile 1 of copy 1: rows 0 to 3, columns 0 to 3 in array 1 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    ```

    Where weights pass through the chip in parts, `load` says with which one this one comes (`array.load`).
    """

    name = "array.multiply"
    x = operand_def()
    input_bits = opt_prop_def(IntegerAttr[I64])
    weight = prop_def(FlatSymbolRefAttr)
    format = opt_prop_def(FormatAttr)
    load = opt_prop_def(IntegerAttr[I64])
    copies = opt_prop_def(IntegerAttr[I64])
    tiles = prop_def(TableAttr)
    places = opt_prop_def(TableAttr)
    groups = opt_prop_def(TableAttr)
    adds = opt_prop_def(TableAttr)
    result = result_def()
    traits = traits_def(Pure())
    custom_directives = (Tables, InFormat)
    assembly_format = (
        "$x (`of` $input_bits^ `bits`)? `by` $weight custom<InFormat>($format) (`load` $load^)? "
        "custom<Tables>($copies, $tiles, $places, $groups, $adds) "
        "attr-dict `:` type($x) `->` type($result)"
    )

    def __init__(self, x: SSAValue, weight: str, tiles: Table, result_type: Attribute):
        properties = {"weight": SymbolRefAttr(weight), "tiles": TableAttr.of(tiles)}
        Operation.__init__(self, operands=[x], properties=properties, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of its weight."""
        return self.weight.root_reference.data

    @property
    def bits_of_inputs(self) -> int:
        """Unsigned inputs lie below 2 to this power."""
        return MOST_INPUT_BITS if self.input_bits is None else self.input_bits.value.data

    @property
    def count_of_copies(self) -> int:
        """How often its weight lies in the arrays."""
        return 1 if self.copies is None else self.copies.value.data

    @property
    def copy_of_tiles(self) -> Table:
        """The copy of the weight that each tile is of."""
        tiles = self.tiles.array
        return np.zeros(len(tiles), np.int64) if self.copies is None else copy_of_tiles(tiles)

    @property
    def load_number(self) -> int | None:
        """Which part of the weights its weight comes into the chip with; None if all are there all the time."""
        return None if self.load is None else self.load.value.data

    def cells(self, chip: ChipAttr) -> CellFormat:
        """The format of its weight in arrays of this chip."""
        return CellFormat(chip.default_format) if self.format is None else self.format.data

    def planes(self, chip: ChipAttr) -> int:
        """In how many planes its inputs come into arrays of this chip."""
        return chip.planes(element_type(self.x.type) == i8, self.bits_of_inputs)

    def verify_(self) -> None:
        verify_input_bits(self.input_bits, self.x)
        for name, table, columns in (
            ("tiles", self.tiles, TILE),
            ("places", self.places, PLACE),
            ("groups", self.groups, GROUP),
            ("adds", self.adds, ADDITION),
        ):
            if table is not None and table.data.columns != len(columns):
                raise VerifyException(
                    f"{name} has {table.data.columns} columns, expected {len(columns)}: {', '.join(columns)}"
                )
        if self.places is not None and len(self.places.array) != len(self.tiles.array):
            raise VerifyException(f"{len(self.places.array)} places for {len(self.tiles.array)} tiles")
        if (self.tiles.array[:, :2] < 0).any() or (self.tiles.array[:, 2:] < 1).any():
            raise VerifyException("a tile starts before its weight or is empty")
        if self.places is not None and (self.places.array < 0).any():
            raise VerifyException("a place has a negative number")
        self._verify_copies()
        if self.load is not None and self.load.value.data < 0:
            raise VerifyException(f"load {self.load.value.data} of weights, expected a number from 0 on")
        if self.groups is not None:
            self._verify_groups(self.groups.array)
        if self.adds is not None and ((self.adds.array < 0).any() or (self.adds.array[:, 1] < 1).any()):
            raise VerifyException("an addition has a negative number or no columns")
        if element_type(self.x.type) not in (ui8, i8) or element_type(self.result.type) != i32:
            elements = f"{element_type(self.x.type)} to {element_type(self.result.type)}"
            raise VerifyException(f"arrays multiply ui8 or i8 to i32, found {elements}")

    def _verify_copies(self) -> None:
        copies = self.count_of_copies
        if self.copies is not None and copies < 2:
            raise VerifyException(f"a weight of {copies} copies, expected 2 or more")
        own = 1 + int(self.copy_of_tiles[-1]) if len(self.tiles.array) else copies
        if own != copies:
            raise VerifyException(f"tiles of {own} copies of the weight, expected those of {copies}")
        if self.adds is not None and (self.adds.array[:, 4] >= copies).any():
            raise VerifyException(f"an addition of copy {self.adds.array[:, 4].max()}, there are {copies}")

    def _verify_groups(self, groups: Table) -> None:
        tiles = self.tiles.array
        for tile, first, rows in groups[:, :3].tolist():
            if not 0 <= tile < len(tiles):
                raise VerifyException(f"a row group of tile {tile}, expected one of 0 to {len(tiles) - 1}")
            if first < 0 or rows < 1 or first + rows > tiles[tile, 2]:
                raise VerifyException(
                    f"a row group of rows {first} to {first + rows - 1}, tile {tile} has rows 0 to {tiles[tile, 2] - 1}"
                )
        if (groups[:, 3] < 1).any() or (groups[:, 4:] < 0).any():
            raise VerifyException("a row group needs at least 1 ADC bit; shift, bound and start may not be negative")
