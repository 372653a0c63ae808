"""The `array` dialect: where a multiplication's weights lie, and when everything runs.

```mlir
%q, %scale = array.kernel 0 start_ps 0 duration_ps 1200 work <[[0, 0, 0, 700], [1, 0, 700, 500]]> {
  %s = cim.digital "Abs"(%x) : (tensor<?x256xf32>) -> tensor<?x256xf32>
  %b = cim.digital "Cast"(%s) with {to = 2 : i64} : (tensor<?x256xf32>) -> tensor<?x256xui8>
  array.yield %b, %s : tensor<?x256xui8>, tensor<?x256xf32>
} : tensor<?x256xui8>, tensor<?x256xf32>
%acc = array.stage 0 start_ps 1200 duration_ps 512000 {
  %in = array.transfer %q "into arrays" start_ps 0 duration_ps 5000 : tensor<?x256xui8>
  %sums = array.multiply %in, @q_proj tiles <[[0, 0, 256, 256], [0, 256, 256, 128]]> at <[[12, 0, 0], [13, 0, 0]]>
    groups <[[0, 0, 170, 8, 0, 255, 5000], [0, 170, 86, 8, 0, 255, 250000], [1, 0, 256, 8, 0, 255, 5000]]>
    : tensor<?x256xui8> -> tensor<?x384xi32>
  %out = array.transfer %sums "out of arrays" start_ps 507000 duration_ps 5000 : tensor<?x384xi32>
  array.yield %out : tensor<?x384xi32>
} : tensor<?x384xi32>
%y = array.permute %acc, @order start_ps 513200 duration_ps 5000 : tensor<?x384xi32> -> tensor<?x384xi32>
```
One `array.multiply` stands for a whole weight: each pass writes its decisions into it as one more table. A scheduled
network is a row of kernels, stages and permutations; each starts so many picoseconds after the start of the run, and
what is inside of a kernel or a stage counts from the start of that.
"""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import I64, FlatSymbolRefAttr, IntegerAttr, StringAttr, SymbolRefAttr, i64
from xdsl.ir import Attribute, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_attr_definition,
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

from dialects.attributes.tables import Table, TableData
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
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
WORK = ("operator", "unit", "start_ps", "duration_ps")
"""Columns of `work`: a unit works on the kernel's `cim.digital` of that number; digital units are numbered from 0,
attention units follow; `start_ps` counts from the kernel's start."""
INTO_ARRAYS, OUT_OF_ARRAYS = "into arrays", "out of arrays"


@irdl_attr_definition
class TableAttr(TableData):
    """A table of what lies or runs where and when: a row for each tile, place, row group, addition or piece of work."""

    name = "array.table"


@irdl_op_definition
class MultiplyOp(IRDLOperation):
    """Multiplication of integers by a weight that lies in arrays: `y[..., n] = sum over k of x[..., k] * w[k, n]`.

    ```mlir
    %y = array.multiply %x, @w tiles <[[0, 0, 4, 4], [4, 0, 2, 4]]> at <[[0, 0, 0], [1, 2, 0]]>
      : tensor<?x6xui8> -> tensor<?x4xi32>
    ```
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


def _times(start_ps: int, duration_ps: int, number: int | None = None) -> dict[str, Attribute | None]:
    """The properties of what is scheduled, and numbered perhaps."""
    numbers = {"number": number, "start_ps": start_ps, "duration_ps": duration_ps}
    return {name: None if value is None else IntegerAttr(value, i64) for name, value in numbers.items()}


def _verify_times(what: str, *numbers: IntegerAttr[I64]) -> None:
    if any(number.value.data < 0 for number in numbers):
        raise VerifyException(f"{what} has a negative number, start or duration")


@irdl_op_definition
class StageOp(IRDLOperation):
    """Multiplications that run at the same time, from `start_ps` after the start of the run on.

    First the inputs move into the arrays, last the results move out of them, both within the duration; then the digital
    operators before the next stage begin.

    ```mlir
    %a = array.stage 7 start_ps 90000 duration_ps 512000 {
      %in = array.transfer %q "into arrays" start_ps 0 duration_ps 5000 : tensor<?x4xui8>
      %sums = array.multiply %in, @w tiles <[[0, 0, 4, 4]]> at <[[0, 0, 0]]> groups <[[0, 0, 4, 4, 0, 12, 5000]]>
        : tensor<?x4xui8> -> tensor<?x4xi32>
      %out = array.transfer %sums "out of arrays" start_ps 507000 duration_ps 5000 : tensor<?x4xi32>
      array.yield %out : tensor<?x4xi32>
    } : tensor<?x4xi32>
    ```
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
        super().__init__(properties=_times(start_ps, duration_ps, number), regions=[body], result_types=[result_types])

    @property
    def yielded(self) -> Sequence[SSAValue]:
        """The values inside that the results are."""
        return _end(self.body).values

    def verify_(self) -> None:
        _verify_times("a stage", self.number, self.start_ps, self.duration_ps)
        *members, last = self.body.block.ops
        ins = [op for op in members if isinstance(op, TransferOp) and op.is_inward]
        multiplies = [op for op in members if isinstance(op, MultiplyOp)]
        outs = [op for op in members if isinstance(op, TransferOp) and not op.is_inward]
        if not isinstance(last, YieldOp) or members != [*ins, *multiplies, *outs]:
            raise VerifyException(
                "a stage holds transfers into arrays, array.multiply and transfers out of arrays, in this order, "
                "and ends with array.yield"
            )
        if not {op.x.owner for op in multiplies} <= set(ins):
            raise VerifyException("a stage multiplies what it did not move into arrays")
        if [op.x.owner for op in outs] != multiplies or [value.owner for value in last.values] != outs:
            raise VerifyException("a stage yields the results of its multiplications, each once and in their order")
        _verify_results("a stage", last, self)


@irdl_op_definition
class TransferOp(IRDLOperation):
    """A vector moves into arrays, or a result out of them, `start_ps` after the start of the stage.

    Its direction is `"into arrays"` or `"out of arrays"`; the example of `StageOp` has both.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "array.transfer"
    x = operand_def(T)
    direction = prop_def(StringAttr)
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    result = result_def(T)
    traits = traits_def(Pure(), HasParent(StageOp))
    assembly_format = "$x $direction `start_ps` $start_ps `duration_ps` $duration_ps attr-dict `:` type($result)"

    def __init__(self, x: SSAValue, direction: str, start_ps: int, duration_ps: int):
        properties = {"direction": StringAttr(direction)} | _times(start_ps, duration_ps)
        super().__init__(operands=[x], properties=properties, result_types=[x.type])

    @property
    def is_inward(self) -> bool:
        return self.direction.data == INTO_ARRAYS

    def verify_(self) -> None:
        _verify_times("a transfer", self.start_ps, self.duration_ps)
        if self.direction.data not in (INTO_ARRAYS, OUT_OF_ARRAYS):
            raise VerifyException(f"a transfer {self.direction.data!r}: expected {INTO_ARRAYS!r} or {OUT_OF_ARRAYS!r}")


@irdl_op_definition
class KernelOp(IRDLOperation):
    """Digital operators between two stages, from `start_ps` after the start of the run on.

    `work` says for each operator that takes time which units work on it and when. Constants that no other kernel reads
    stand in the kernel, others before it; a kernel that only yields constants runs first of all.

    ```mlir
    %y = array.kernel 3 start_ps 362000 duration_ps 12000 work <[[0, 0, 0, 2000], [1, 0, 2000, 10000]]> {
      %float = cim.digital "Cast"(%sums) with {to = 1 : i64} : (tensor<?x2xi32>) -> tensor<?x2xf32>
      %soft = cim.digital "Softmax"(%float) : (tensor<?x2xf32>) -> tensor<?x2xf32>
      array.yield %soft : tensor<?x2xf32>
    } : tensor<?x2xf32>
    ```
    """

    name = "array.kernel"
    number = prop_def(IntegerAttr[I64])
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    work = opt_prop_def(TableAttr)
    body = region_def("single_block")
    results_ = var_result_def()
    traits = traits_def()
    assembly_format = (
        "$number `start_ps` $start_ps `duration_ps` $duration_ps (`work` $work^)? $body attr-dict `:` type($results_)"
    )

    def __init__(
        self,
        number: int,
        start_ps: int,
        duration_ps: int,
        work: Table,
        body: Region,
        result_types: Sequence[Attribute],
    ):
        properties = _times(start_ps, duration_ps, number) | {"work": TableAttr.of(work) if len(work) else None}
        super().__init__(properties=properties, regions=[body], result_types=[result_types])

    @property
    def operators(self) -> list[DigitalOp]:
        """The digital operators, in the order in which `work` counts them."""
        return [op for op in self.body.block.ops if isinstance(op, DigitalOp)]

    @property
    def yielded(self) -> Sequence[SSAValue]:
        """The values, most of them made inside, that the results are."""
        return _end(self.body).values

    def verify_(self) -> None:
        _verify_times("a kernel", self.number, self.start_ps, self.duration_ps)
        *members, last = self.body.block.ops
        if not isinstance(last, YieldOp) or not all(isinstance(op, _IN_KERNELS) for op in members):
            raise VerifyException("a kernel holds cim.digital and constants and ends with array.yield")
        if not last.values:
            raise VerifyException("a kernel yields nothing, expected what others need of it")
        _verify_results("a kernel", last, self)
        if self.work is not None:
            self._verify_work(self.work)

    def _verify_work(self, work: TableAttr) -> None:
        if work.data.columns != len(WORK) or (work.array < 0).any():
            raise VerifyException(f"work of a kernel has no rows of {', '.join(WORK)}")
        operator, last = int(work.array[:, 0].max()), len(self.operators) - 1
        if operator > last:
            raise VerifyException(f"work on operator {operator} of a kernel, expected one of 0 to {last}")
        if (work.array[:, 2] + work.array[:, 3]).max() > self.duration_ps.value.data:
            raise VerifyException("work of a kernel ends after the kernel")


_IN_KERNELS = DigitalOp | ConstantOp | ReadOp | NoneOp


@irdl_op_definition
class PermuteOp(IRDLOperation):
    """A `cim.permute` that is scheduled: `y[..., i] = x[..., table[i]]`, from `start_ps` after the start of the run on.

    `%y = array.permute %x, @table start_ps 1200 duration_ps 5000 : tensor<?x4xf32> -> tensor<?x4xf32>`
    """

    name = "array.permute"
    x = operand_def()
    table = prop_def(FlatSymbolRefAttr)
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $table `start_ps` $start_ps `duration_ps` $duration_ps attr-dict `:` type($x) `->` type($result)"
    )

    def __init__(self, x: SSAValue, table: str, start_ps: int, duration_ps: int, result_type: Attribute):
        properties = {"table": SymbolRefAttr(table)} | _times(start_ps, duration_ps)
        super().__init__(operands=[x], properties=properties, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of the weight that is its table."""
        return self.table.root_reference.data

    def verify_(self) -> None:
        _verify_times("a permutation", self.start_ps, self.duration_ps)
        given, gives = element_type(self.x.type), element_type(self.result.type)
        if gives != given:
            raise VerifyException(f"permutation of {given} gives {gives}, expected {given}")


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a stage or a kernel and names what it computed."""

    name = "array.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator(), HasParent(StageOp, KernelOp))
    assembly_format = "$values `:` type($values) attr-dict"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


def _end(body: Region) -> YieldOp:
    last = body.block.last_op
    assert isinstance(last, YieldOp)
    return last


def _verify_results(what: str, end: YieldOp, op: Operation) -> None:
    if [value.type for value in end.values] != [result.type for result in op.results]:
        raise VerifyException(f"{what} yields other types than it has results")


ArrayDialect = Dialect("array", [MultiplyOp, StageOp, TransferOp, KernelOp, PermuteOp, YieldOp], [TableAttr])
