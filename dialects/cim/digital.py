"""Every other operator of ONNX, with the bodies of control flow."""

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    NoneType,
    StringAttr,
)
from xdsl.interfaces import HasFolderInterface
from xdsl.ir import Attribute, Operation, Region, SSAValue
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
from xdsl.traits import HasParent, IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from dialects.element_types import (
    UNKNOWN,
    element_type,
    onnx_element,
)
from dialects.operator_effects import OperatorEffects, draws, is_counted

CONTROL: dict[str, tuple[str, ...]] = {"If": ("else_branch", "then_branch"), "Loop": ("body",), "Scan": ("body",)}
"""ONNX's control flow, with the names of its bodies: multiplications in them may lie in arrays."""


RUNTIME = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""


@irdl_op_definition
class DigitalOp(IRDLOperation, HasFolderInterface):
    """Any other ONNX operator, untouched: it runs on the chip's digital units.

    ```mlir
    %y = cim.digital "Softmax"(%x) with {axis = -1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %z = cim.digital "If"(%c) bodies ["then_branch", "else_branch"] {
      cim.yield %a : tensor<4xf32>
    } {
      cim.yield %b : tensor<4xf32>
    } : (tensor<i1>) -> tensor<4xf32>
    ```
    Graph attributes are regions, in the order of `bodies` (the attributes' names); they see the values outside them.
    """

    name = "cim.digital"
    op_type = prop_def(StringAttr)
    domain = opt_prop_def(StringAttr)
    settings = opt_prop_def(DictionaryAttr)
    bodies = opt_prop_def(ArrayAttr[StringAttr])
    inputs = var_operand_def()
    outputs = var_result_def()
    graphs = var_region_def()
    traits = traits_def(OperatorEffects())
    assembly_format = (
        "$op_type (`of` $domain^)? `(` $inputs `)` (`with` $settings^)? (`bodies` $bodies^)? $graphs "
        "attr-dict-with-keyword `:` functional-type($inputs, $outputs)"
    )

    def __init__(
        self,
        op_type: str,
        inputs: Sequence[SSAValue],
        output_types: Sequence[Attribute],
        settings: dict[str, Attribute] | None = None,
        *,
        domain: str = "",
        bodies: ArrayAttr[StringAttr] | None = None,
        graphs: Sequence[Region] = (),
    ):
        properties: dict[str, Attribute] = {"op_type": StringAttr(op_type)}
        if domain:
            properties["domain"] = StringAttr(domain)
        if settings:
            properties["settings"] = DictionaryAttr(settings)
        if bodies is not None:
            properties["bodies"] = bodies
        Operation.__init__(self, operands=inputs, result_types=output_types, properties=properties, regions=graphs)

    def verify_(self) -> None:
        names = () if self.bodies is None else self.bodies.data
        if len(names) != len(self.graphs):
            raise VerifyException(f"{self.op_type.data} has {len(self.graphs)} bodies and {len(names)} names for them")
        for name, graph in zip(names, self.graphs):
            if len(graph.blocks) != 1 or not isinstance(graph.block.last_op, YieldOp):
                raise VerifyException(f"body {name.data!r} of {self.op_type.data} does not end with cim.yield")

    @property
    def setting(self) -> dict[str, Attribute]:
        """The node's ONNX attributes by name."""
        return {} if self.settings is None else dict(self.settings.data)

    @property
    def is_standard(self) -> bool:
        """Whether the operator is one of ONNX's own (domain `""` or `ai.onnx`)."""
        return self.domain is None or self.domain.data in ("", "ai.onnx")

    def is_a(self, *op_types: str) -> bool:
        """Whether this is one of the named operators of ONNX itself."""
        return self.is_standard and self.op_type.data in op_types

    def is_runtimes(self, *op_types: str) -> bool:
        """Whether this is one of the named operators that ONNX Runtime adds to those of ONNX."""
        return self.domain is not None and self.domain.data == RUNTIME and self.op_type.data in op_types

    @property
    def is_random(self) -> bool:
        """Whether it draws random numbers, or may do so; its bodies may, too."""
        return self.is_standard and draws(self.op_type.data, self.inputs)

    @property
    def is_control(self) -> bool:
        """Whether multiplications in its bodies may lie in arrays: it is an `If`, `Loop` or `Scan` of tensors.

        All that goes in and out of its bodies has to be of a known type, for it travels between stages.
        """
        if self.bodies is None or not self.is_a(*CONTROL) or wrong_bodies(self, self.bodies) is not None:
            return False
        values: list[SSAValue] = [*self.operands, *self.results]
        for graph in self.graphs:
            end = graph.block.last_op
            values += [*graph.block.args, *(() if end is None else end.operands)]
        return all(isinstance(v.type, NoneType) or onnx_element(element_type(v.type)) for v in values)

    def fold(self) -> tuple[SSAValue] | None:
        """Its input, where that is the result: an `Identity`, or a `Cast` to the type that it has."""
        if not self.is_a("Identity", "Cast") or len(self.inputs) != 1 or is_counted(self):
            return None
        (x,) = self.inputs
        known = self.is_a("Identity") or element_type(x.type) != UNKNOWN
        return (x,) if known and self.result_types == (x.type,) else None


def wrong_bodies(op: Operation, names: ArrayAttr[StringAttr]) -> str | None:
    """What is wrong with the bodies of control flow: their names, or how many values they take and give."""
    type_ = op.properties["op_type"]
    assert isinstance(type_, StringAttr)
    op_type, given, made = type_.data, len(op.operands), len(op.results)
    expected = CONTROL[op_type]
    if tuple(sorted(name.data for name in names)) != expected:
        return f"{op_type} has {len(names)} bodies: expected {' and '.join(expected)}"
    takes, gives = {"If": (0, made), "Loop": (given, made + 1), "Scan": (given, made)}[op_type]
    for name, graph in zip(names, op.regions):
        end = graph.block.last_op
        ports = len(graph.block.args), 0 if end is None else len(end.operands)
        if ports != (takes, gives):
            return (
                f"body {name.data!r} of {op_type} takes {ports[0]} values and gives {ports[1]}: "
                f"expected {takes} and {gives}"
            )
    return None


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a body of a control flow operator and names its outputs."""

    name = "cim.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator(), HasParent(DigitalOp), Pure())
    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])
