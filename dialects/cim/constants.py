"""Constants as values: small ones that stand in the IR, weights that are read, and the absent input."""

from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FlatSymbolRefAttr,
    NoneAttr,
    NoneType,
    SymbolRefAttr,
    TensorType,
)
from xdsl.interfaces import HasFolderInterface
from xdsl.ir import Attribute, Operation
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParamAttrConstraint,
    VarConstraint,
    irdl_op_definition,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import ConstantLike, Pure


@irdl_op_definition
class ConstantOp(IRDLOperation, HasFolderInterface):
    """A small constant: `%axes = cim.constant dense<-1> : tensor<1xi64>`."""

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "cim.constant"
    value = prop_def(ParamAttrConstraint(DenseIntOrFPElementsAttr, (T, AnyAttr())))
    result = result_def(T)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "$value attr-dict"

    def __init__(self, value: DenseIntOrFPElementsAttr):
        Operation.__init__(self, properties={"value": value}, result_types=[value.type])

    def fold(self) -> tuple[Attribute]:
        """What it is."""
        return (self.value,)


@irdl_op_definition
class ReadOp(IRDLOperation):
    """A weight as a value, for a digital operator: `%table = cim.read @embedding : tensor<30522x384xf32>`.

    A constant without a folder: no attribute has what it is, but the store.
    """

    name = "cim.read"
    weight = prop_def(FlatSymbolRefAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "$weight attr-dict `:` type($result)"

    def __init__(self, weight: str, result_type: Attribute):
        Operation.__init__(self, properties={"weight": SymbolRefAttr(weight)}, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of its weight."""
        return self.weight.root_reference.data


@irdl_op_definition
class NoneOp(IRDLOperation, HasFolderInterface):
    """The absent optional input of an ONNX operator: `%none = cim.none : none`."""

    name = "cim.none"
    result = result_def(NoneType)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "attr-dict `:` type($result)"

    def __init__(self) -> None:
        super().__init__(result_types=[NoneType()])

    def fold(self) -> tuple[Attribute]:
        """What it is."""
        return (NoneAttr(),)


CONSTANTS = frozenset({ConstantOp, ReadOp, NoneOp})
"""The operations with the trait `ConstantLike`: to ask for a type is faster than for a trait."""
