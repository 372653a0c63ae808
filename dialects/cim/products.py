"""Multiplications by constant weights, and the permutations between them."""

from xdsl.dialects.builtin import (
    I64,
    DenseIntOrFPElementsAttr,
    FlatSymbolRefAttr,
    IntegerAttr,
    SymbolRefAttr,
    TensorType,
)
from xdsl.interfaces import HasFolderInterface
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
from xdsl.traits import Pure, SymbolTable
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from dialects.chip.formats import FEWEST_INPUT_BITS, MOST_INPUT_BITS
from dialects.cim.weight import WeightOp
from dialects.element_types import (
    dense_array,
    element_type,
    i8,
    i32,
    ui8,
)


@irdl_op_definition
class PermuteOp(IRDLOperation, HasFolderInterface):
    """A gather of the last axis: `y[..., i] = x[..., table[i]]`, `@table` an int64 weight of rank 1.

    `%y = cim.permute %x, @table : tensor<?x1024xf32> -> tensor<?x1024xf32>`
    """

    name = "cim.permute"
    x = operand_def()
    table = prop_def(FlatSymbolRefAttr)
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = "$x `,` $table attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, table: str, result_type: Attribute):
        super().__init__(operands=[x], properties={"table": SymbolRefAttr(table)}, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of the weight that is its table."""
        return self.table.root_reference.data

    def verify_(self) -> None:
        element, expected = element_type(self.result.type), element_type(self.x.type)
        if element != expected:
            raise VerifyException(f"permutation of {expected} gives {element}, expected {expected}")

    def fold(self) -> tuple[SSAValue] | None:
        """Its input, if the table stands in the IR and leaves every element where it is."""
        if self.x.type != self.result.type or not isa(self.x.type, TensorType) or not self.x.type.get_shape():
            return None
        table = SymbolTable.lookup_symbol(self, self.table)
        if not isinstance(table, WeightOp) or not isinstance(table.value, DenseIntOrFPElementsAttr):
            return None
        identity = list(range(self.x.type.get_shape()[-1]))
        return (self.x,) if dense_array(table.value).tolist() == identity else None


@irdl_op_definition
class MatmulOp(IRDLOperation):
    """Multiplication by a constant weight `[in, out]`: `y[..., n] = sum over k of x[..., k] * w[k, n]`.

    ```mlir
    %y = cim.matmul %x, @w : tensor<?x1024xf32> -> tensor<?x4096xf32>
    %acc = cim.matmul %q, @w_int8 : tensor<?x1024xui8> -> tensor<?x4096xi32>
    %few = cim.matmul %q of 4 bits, @w_int8 : tensor<?x1024xui8> -> tensor<?x4096xi32>
    ```
    With float `x` the weight stands for what its `#cim.affine` says. With integer `x` (uint8 or int8) the weight is
    int8, its integers are multiplied as they are, and the result is int32 with wrap-around. Uint8 inputs of 4 bits lie
    below 2^4.
    """

    name = "cim.matmul"
    x = operand_def()
    input_bits = opt_prop_def(IntegerAttr[I64])
    weight = prop_def(FlatSymbolRefAttr)
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = "$x (`of` $input_bits^ `bits`)? `,` $weight attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, weight: str, result_type: Attribute):
        properties = {"weight": SymbolRefAttr(weight)}
        Operation.__init__(self, operands=[x], properties=properties, result_types=[result_type])

    @property
    def symbol(self) -> str:
        """The symbol of its weight."""
        return self.weight.root_reference.data

    @property
    def is_integer(self) -> bool:
        """Whether it multiplies integers (after `quantize` all of them do)."""
        return element_type(self.x.type) in (ui8, i8)

    def verify_(self) -> None:
        verify_input_bits(self.input_bits, self.x)
        factor, product = element_type(self.x.type), element_type(self.result.type)
        expected = i32 if self.is_integer else factor
        if product != expected:
            raise VerifyException(f"multiplication of {factor} gives {product}, expected {expected}")


def verify_input_bits(input_bits: IntegerAttr[I64] | None, x: SSAValue) -> None:
    """VerifyException unless the inputs `x` of a multiplication, if it says their bits, can be of so many."""
    if input_bits is None:
        return
    bits, element = input_bits.value.data, element_type(x.type)
    if element != ui8:
        raise VerifyException(f"inputs of {bits} bits are {element}, expected ui8")
    if not FEWEST_INPUT_BITS <= bits <= MOST_INPUT_BITS:
        raise VerifyException(f"inputs of {bits} bits: expected {FEWEST_INPUT_BITS} to {MOST_INPUT_BITS}")
