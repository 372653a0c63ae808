"""Control flow whose bodies multiply by weights that lie in arrays."""

from collections.abc import Sequence

from xdsl.dialects.builtin import I64, ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.utils.exceptions import VerifyException

from dialects.cim import CONTROL, ConstantOp, NoneOp, ReadOp, wrong_bodies

_SCHEDULED = ("array.kernel", "array.stage", "array.permute", "array.control")
"""What a body is a row of, beside constants."""


@irdl_op_definition
class ControlOp(IRDLOperation):
    """An `If`, `Loop` or `Scan` of ONNX that is scheduled: each body is a row of kernels, stages and permutations.

    ```mlir
    %last, %all = array.control "Scan"(%first, %xs) with {num_scan_inputs = 1 : i64}
        bodies ["body"] start_ps 2000 duration_ps 5000 {
    ^bb0(%state: tensor<4xf32>, %x: tensor<4xf32>):
      %next = array.kernel 0 start_ps 2000 duration_ps 5000 {
        %sum = cim.digital "Add"(%state, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        array.yield %sum : tensor<4xf32>
      } : tensor<4xf32>
      array.yield %next, %next : tensor<4xf32>, tensor<4xf32>
    } : (tensor<4xf32>, tensor<?x4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>)
    ```
    Operands, settings, bodies and results are those of the `cim.digital`; bodies see the values outside them. Times are
    those of one iteration: it begins `start_ps` after the start of the run, like all else in bodies. Of an `If` each
    branch has a time of its own, one after the other, and a run takes one of them.
    """

    name = "array.control"
    op_type = prop_def(StringAttr)
    settings = opt_prop_def(DictionaryAttr)
    bodies = prop_def(ArrayAttr[StringAttr])
    start_ps = prop_def(IntegerAttr[I64])
    duration_ps = prop_def(IntegerAttr[I64])
    inputs = var_operand_def()
    outputs = var_result_def()
    graphs = var_region_def()
    traits = traits_def()
    assembly_format = (
        "$op_type `(` $inputs `)` (`with` $settings^)? `bodies` $bodies `start_ps` $start_ps `duration_ps` "
        "$duration_ps $graphs attr-dict-with-keyword `:` functional-type($inputs, $outputs)"
    )

    def __init__(
        self,
        op_type: StringAttr,
        inputs: Sequence[SSAValue],
        output_types: Sequence[Attribute],
        settings: DictionaryAttr | None,
        bodies: ArrayAttr[StringAttr],
        graphs: Sequence[Region],
    ):
        times = {"start_ps": IntegerAttr(0, i64), "duration_ps": IntegerAttr(0, i64)}
        properties = {"op_type": op_type, "settings": settings, "bodies": bodies, **times}
        super().__init__(operands=[inputs], result_types=[output_types], properties=properties, regions=[list(graphs)])

    def set_times(self, start_ps: int, duration_ps: int) -> None:
        """From when on, and how long, one iteration runs, or all branches after each other."""
        self.start_ps, self.duration_ps = IntegerAttr(start_ps, i64), IntegerAttr(duration_ps, i64)

    @property
    def setting(self) -> dict[str, Attribute]:
        """The node's ONNX attributes by name."""
        return {} if self.settings is None else dict(self.settings.data)

    @property
    def in_order(self) -> list[Block]:
        """The bodies as they follow each other in time: first that of a condition that is true."""
        named = sorted(zip((name.data for name in self.bodies), self.graphs), key=lambda pair: pair[0], reverse=True)
        return [graph.block for _, graph in named]

    def verify_(self) -> None:
        op_type = self.op_type.data
        if op_type not in CONTROL:
            raise VerifyException(f"{op_type} is no control flow: expected {', '.join(CONTROL)}")
        if len(self.bodies) != len(self.graphs):
            raise VerifyException(f"{op_type} has {len(self.graphs)} bodies and {len(self.bodies)} names for them")
        if self.start_ps.value.data < 0 or self.duration_ps.value.data < 0:
            raise VerifyException("control flow has a negative start or duration")
        for name, graph in zip(self.bodies, self.graphs):
            if len(graph.blocks) != 1 or graph.block.last_op is None or graph.block.last_op.name != "array.yield":
                raise VerifyException(f"body {name.data!r} of {op_type} does not end with array.yield")
            if not all(_is_scheduled(op) for op in list(graph.block.ops)[:-1]):
                raise VerifyException(
                    f"body {name.data!r} of {op_type} holds what is not scheduled: expected {', '.join(_SCHEDULED)} "
                    "and constants"
                )
        wrong = wrong_bodies(self, self.bodies)
        if wrong is not None:
            raise VerifyException(wrong)


def _is_scheduled(op: Operation) -> bool:
    return op.name in _SCHEDULED or isinstance(op, ConstantOp | ReadOp | NoneOp)
