"""What is scheduled: stages and kernels, the transfers and permutations that move vectors, each with its time."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import I64, FlatSymbolRefAttr, IntegerAttr, StringAttr, SymbolRefAttr, i64
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
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

from dialects.array.control import ControlOp
from dialects.array.multiply import MultiplyOp
from dialects.array.table_text import Work
from dialects.array.tables import WORK, TableAttr
from dialects.attributes.tables import Table
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.element_types import element_type
from dialects.operator_effects import CountsOperators

INTO_ARRAYS, OUT_OF_ARRAYS = "into arrays", "out of arrays"


def _times(start_ps: int, duration_ps: int, number: int | None = None) -> dict[str, Attribute | None]:
    """The properties of what is scheduled, and numbered perhaps."""
    numbers = {"number": number, "start_ps": start_ps, "duration_ps": duration_ps}
    return {name: None if value is None else IntegerAttr(value, i64) for name, value in numbers.items()}


def _link(link: int | None) -> dict[str, Attribute | None]:
    """The property of what moves on a link of that number; there is none where any number of vectors may move."""
    return {"link": None if link is None else IntegerAttr(link, i64)}


def _verify_times(subject: str, *numbers: IntegerAttr[I64] | None) -> None:
    if any(number is not None and number.value.data < 0 for number in numbers):
        raise VerifyException(f"{subject} has a negative number, start or duration")


@irdl_op_definition
class StageOp(IRDLOperation):
    """Multiplications that wait for equally many others, from `start_ps` after the start of the run on.

    Each input moves into the arrays, each result out of them, within the duration: from when the first one moves in
    until the last one is out. Meanwhile other stages and kernels may run.

    ```mlir
    %a = array.stage 7 start_ps 90000 duration_ps 512000 {
      %in = array.transfer %q "into arrays" start_ps 0 duration_ps 5000 : tensor<?x4xui8>
      %sums = array.multiply %in by @w {
        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
        convert rows 0 to 3 of tile 0 to 4 bits at 5000 ps, sums up to 12
      } : tensor<?x4xui8> -> tensor<?x4xi32>
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

    Its direction is `"into arrays"` or `"out of arrays"`; the example of `StageOp` has both. Where a chip has so many
    links, it says which one it is on: `start_ps 0 duration_ps 5000 on link 1`.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "array.transfer"
    x = operand_def(T)
    direction = prop_def(StringAttr)
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    link = opt_prop_def(IntegerAttr[I64])
    result = result_def(T)
    traits = traits_def(Pure(), HasParent(StageOp))
    assembly_format = (
        "$x $direction `start_ps` $start_ps `duration_ps` $duration_ps (`on` `link` $link^)? attr-dict "
        "`:` type($result)"
    )

    def __init__(self, x: SSAValue, direction: str, start_ps: int, duration_ps: int, link: int | None = None):
        properties = {"direction": StringAttr(direction)} | _times(start_ps, duration_ps) | _link(link)
        super().__init__(operands=[x], properties=properties, result_types=[x.type])

    @property
    def is_inward(self) -> bool:
        return self.direction.data == INTO_ARRAYS

    def verify_(self) -> None:
        _verify_times("a transfer", self.start_ps, self.duration_ps, self.link)
        if self.direction.data not in (INTO_ARRAYS, OUT_OF_ARRAYS):
            raise VerifyException(f"a transfer {self.direction.data!r}: expected {INTO_ARRAYS!r} or {OUT_OF_ARRAYS!r}")


@irdl_op_definition
class KernelOp(IRDLOperation):
    """Digital operators between two stages in order, from `start_ps` after the start of the run on.

    Its duration is from the start of the first operator to the end of the last. Each starts when what it reads is
    there, of the kernel's operands too, which need not all be there when the kernel starts. `work` says for each
    operator that takes time which units work on it and when. Constants that no other kernel reads stand in the kernel,
    others before it; a kernel that only yields constants runs first of all.

    ```mlir
    %y = array.kernel 3 start_ps 362000 duration_ps 12000 {
      %float = cim.digital "Cast"(%sums) with {to = 1 : i64} : (tensor<?x2xi32>) -> tensor<?x2xf32>
      %soft = cim.digital "Softmax"(%float) : (tensor<?x2xf32>) -> tensor<?x2xf32>
      array.yield %soft : tensor<?x2xf32>
    } work {
      operator 0 on unit 0 at 0 ps for 2000 ps
      operator 1 on unit 0 at 2000 ps for 10000 ps
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
    traits = traits_def(CountsOperators())
    custom_directives = (Work,)
    assembly_format = (
        "$number `start_ps` $start_ps `duration_ps` $duration_ps $body custom<Work>($work) attr-dict "
        "`:` type($results_)"
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
    link = opt_prop_def(IntegerAttr[I64])
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $table `start_ps` $start_ps `duration_ps` $duration_ps (`on` `link` $link^)? attr-dict "
        "`:` type($x) `->` type($result)"
    )

    def __init__(
        self,
        x: SSAValue,
        table: str,
        start_ps: int,
        duration_ps: int,
        result_type: Attribute,
        link: int | None = None,
    ):
        properties = {"table": SymbolRefAttr(table)} | _times(start_ps, duration_ps) | _link(link)
        super().__init__(operands=[x], properties=properties, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of the weight that is its table."""
        return self.table.root_reference.data

    def verify_(self) -> None:
        _verify_times("a permutation", self.start_ps, self.duration_ps, self.link)
        given, gives = element_type(self.x.type), element_type(self.result.type)
        if gives != given:
            raise VerifyException(f"permutation of {given} gives {gives}, expected {given}")


@irdl_op_definition
class LoadOp(IRDLOperation):
    """Weights are programmed into arrays, from `start_ps` after the start of the run on, and take the place of others.

    A chip with too few arrays holds one part of the weights (a load) at a time; each has numbers of arrays of its own.
    All before it is done when it starts, and all after it waits until it is done. `rows` is how many rows it programs
    of an array at most.

    `array.load 1 arrays 8 to 15 rows 256 start_ps 90000 duration_ps 25600000`
    """

    name = "array.load"
    load = prop_def(IntegerAttr[I64])
    first = prop_def(IntegerAttr[I64])
    last = prop_def(IntegerAttr[I64])
    rows = prop_def(IntegerAttr[I64])
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    traits = traits_def()
    assembly_format = (
        "$load `arrays` $first `to` $last `rows` $rows `start_ps` $start_ps `duration_ps` $duration_ps attr-dict"
    )

    def __init__(self, load: int, first: int, last: int, rows: int, start_ps: int, duration_ps: int):
        numbers = {"load": load, "first": first, "last": last, "rows": rows}
        properties = {name: IntegerAttr(value, i64) for name, value in numbers.items()}
        super().__init__(properties=properties | _times(start_ps, duration_ps))

    def verify_(self) -> None:
        _verify_times("a load", self.load, self.first, self.start_ps, self.duration_ps)
        if self.last.value.data < self.first.value.data or self.rows.value.data < 1:
            raise VerifyException("a load of no arrays, or of no rows")


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a stage, a kernel or a body of control flow and names what it computed."""

    name = "array.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator(), HasParent(StageOp, KernelOp, ControlOp))
    assembly_format = "$values `:` type($values) attr-dict"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


def _end(body: Region) -> YieldOp:
    last = body.block.last_op
    assert isinstance(last, YieldOp)
    return last


def _verify_results(subject: str, end: YieldOp, op: Operation) -> None:
    if [value.type for value in end.values] != [result.type for result in op.results]:
        raise VerifyException(f"{subject} yields other types than it has results")
