"""The `array` dialect: where a multiplication's weights lie and when its tiles run.

```mlir
%acc = array.stage 7 start_ps 90000 duration_ps 512000 {
  %0 = array.multiply %q, @q_proj tiles [[0, 0, 256, 256], [0, 256, 256, 128]] at [[12, 0, 0], [13, 0, 0]]
         groups [[0, 0, 170, 8, 0, 255, 0], ...] : tensor<?x256xui8> -> tensor<?x384xi32>
  array.yield %0 : tensor<?x384xi32>
} : tensor<?x384xi32>
```
One `array.multiply` stands for a whole weight: each pass writes its decisions into it as one more table.
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import I64, FlatSymbolRefAttr, IntegerAttr, SymbolRefAttr, i64
from xdsl.ir import Attribute, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import HasParent, IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from dialects.attributes.tables import Table, TableAttr
from dialects.element_types import element_type, i8, i32, ui8

TILE = ("weight_row", "weight_column", "rows", "columns")
"""Columns of `tiles`: the rectangle of the weight that the tile holds."""
PLACE = ("array", "row", "column")
"""Columns of `at`: where the tile's first row and column lie."""
GROUP = ("tile", "first_row", "rows", "adc_bits", "adc_shift", "bound", "start_ps")
"""Columns of `groups`: rows [first_row, first_row + rows) of a tile are activated together and converted to `adc_bits`
bits without the `adc_shift` lowest; no sum of theirs exceeds `bound`; `start_ps` counts from the stage's start."""
ADDITION = ("first_column", "columns", "unit", "start_ps")
"""Columns of `adds`: a digital unit adds two partial sums of columns [first_column, first_column + columns)."""


@irdl_op_definition
class MultiplyOp(IRDLOperation):
    """Multiplication of integers by a weight that lies in arrays: `y[..., n] = sum over k of x[..., k] * w[k, n]`.

    `tiles` come from `tile-blocks`, `at` from `place-tiles`, `groups` and `adds` (where tiles of the same columns lie
    apart) from `schedule-arrays`; each row of `at` belongs to the row of `tiles` with the same number. What lies
    outside the tiles is zero. Equal starts in one array mean one activation: rows and ADCs are used together.
    """

    name = "array.multiply"
    x = operand_def()
    weight = prop_def(FlatSymbolRefAttr)
    tiles = prop_def(TableAttr)
    places = opt_prop_def(TableAttr)
    groups = opt_prop_def(TableAttr)
    adds = opt_prop_def(TableAttr)
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $weight `tiles` $tiles (`at` $places^)? (`groups` $groups^)? (`adds` $adds^)? attr-dict "
        "`:` type($x) `->` type($result)"
    )

    def __init__(self, x: SSAValue, weight: str, tiles: Table, result_type: Attribute):
        properties = {"weight": SymbolRefAttr(weight), "tiles": TableAttr.of(tiles)}
        Operation.__init__(self, operands=[x], properties=properties, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of its weight."""
        return self.weight.root_reference.data

    def verify_(self) -> None:
        for what, table, columns in (
            ("tiles", self.tiles, TILE),
            ("at", self.places, PLACE),
            ("groups", self.groups, GROUP),
            ("adds", self.adds, ADDITION),
        ):
            if table is not None and table.data.columns != len(columns):
                raise VerifyException(
                    f"{what} has {table.data.columns} columns, expected {len(columns)}: {', '.join(columns)}"
                )
        if self.places is not None and len(self.places.array) != len(self.tiles.array):
            raise VerifyException(f"{len(self.places.array)} places for {len(self.tiles.array)} tiles")
        if (self.tiles.array[:, :2] < 0).any() or (self.tiles.array[:, 2:] < 1).any():
            raise VerifyException("a tile starts before its weight or is empty")
        if self.places is not None and (self.places.array < 0).any():
            raise VerifyException("a place has a negative number")
        if self.groups is not None:
            self._verify_groups(self.groups.array)
        if self.adds is not None and ((self.adds.array < 0).any() or (self.adds.array[:, 1] < 1).any()):
            raise VerifyException("an addition has a negative number or no columns")
        if element_type(self.x.type) not in (ui8, i8) or element_type(self.result.type) != i32:
            found = f"{element_type(self.x.type)} to {element_type(self.result.type)}"
            raise VerifyException(f"arrays multiply ui8 or i8 to i32, found {found}")

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


@irdl_op_definition
class StageOp(IRDLOperation):
    """Multiplications that run at the same time, from `start_ps` after the start of the run on.

    First the inputs move into the arrays, last the results move out of them, both within the duration; then the digital
    operators before the next stage begin.

    `array.stage 7 start_ps 90000 duration_ps 512000 { ... array.yield %acc : tensor<?x4xi32> } : tensor<?x4xi32>`
    """

    name = "array.stage"
    number = prop_def(IntegerAttr[I64])
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    body = region_def("single_block")
    results_ = var_result_def()
    traits = traits_def()
    assembly_format = "$number `start_ps` $start_ps `duration_ps` $duration_ps $body attr-dict `:` type($results_)"

    def __init__(self, number: int, start_ps: int, duration_ps: int, body: Region, result_types: Sequence[Attribute]):
        numbers = {"number": number, "start_ps": start_ps, "duration_ps": duration_ps}
        super().__init__(
            properties={name: IntegerAttr(value, i64) for name, value in numbers.items()},
            regions=[body],
            result_types=[result_types],
        )

    def verify_(self) -> None:
        if any(number.value.data < 0 for number in (self.number, self.start_ps, self.duration_ps)):
            raise VerifyException("a stage has a negative number, start or duration")
        *members, last = self.body.block.ops
        if not isinstance(last, YieldOp) or not all(isinstance(op, MultiplyOp) for op in members):
            raise VerifyException("a stage holds array.multiply and ends with array.yield")
        if [value.owner for value in last.values] != members:
            raise VerifyException("a stage yields the results of its multiplications, each once and in their order")
        if [value.type for value in last.values] != [result.type for result in self.results]:
            raise VerifyException("a stage yields other types than it has results")


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a stage and names what it computed."""

    name = "array.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator(), HasParent(StageOp))
    assembly_format = "$values `:` type($values) attr-dict"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


ArrayDialect = Dialect("array", [MultiplyOp, StageOp, YieldOp], [TableAttr])
