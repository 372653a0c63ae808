"""The `cim` dialect: what a network computes.

```mlir
cim.weight @mlp_fc = #cim.data<"h.0.mlp.c_fc.weight", "1b9c2f1e4d92d8c9"> : tensor<1024x4096xi8>
func.func @main(%x: tensor<?x1024xui8>) -> tensor<?x4096xf32> {
  %acc = cim.matmul %x, @mlp_fc : tensor<?x1024xui8> -> tensor<?x4096xi32>
  %y = cim.digital "Cast"(%acc) with {to = 1 : i64} : (tensor<?x4096xi32>) -> tensor<?x4096xf32>
  func.return %y : tensor<?x4096xf32>
}
```
A multiplication by a constant weight is `cim.matmul`; every other operator of ONNX is `cim.digital`, untouched.

Operations of which networks have many call `Operation.__init__`, which takes a third of the time that IRDL's takes to
find out how many operands and results there are.
"""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FlatSymbolRefAttr,
    NoneAttr,
    NoneType,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
)
from xdsl.interfaces import HasFolderInterface
from xdsl.ir import Attribute, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParamAttrConstraint,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.traits import ConstantLike, HasParent, IsTerminator, Pure, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from dialects.attributes.cim_attributes import AffineAttr, DataAttr, ProtoAttr
from dialects.attributes.structure import BlockDiagonalAttr, BlocksAttr, RectanglesAttr
from dialects.cim_types import ElementType, ValueType
from dialects.element_types import (
    UNKNOWN,
    Array,
    dense_array,
    element_type,
    i8,
    i32,
    inline_constant,
    tensor_type_of,
    ui8,
)
from dialects.operator_effects import OperatorEffects, draws, is_counted
from dialects.weights import WeightStore


@irdl_op_definition
class WeightOp(IRDLOperation):
    """A constant tensor under a symbol, stored once however many operations use it.

    ```mlir
    cim.weight @w = #cim.data<"h.0.w", "1b9c2f1e4d92d8c9"> : tensor<1024x4096xi8> as #cim.affine<@w_scale>
    cim.weight @tiny = dense<[[1, 0], [0, 1]]> : tensor<2x2xi8>
    ```
    """

    name = "cim.weight"
    sym_name = prop_def(SymbolNameConstraint())
    value = prop_def(DataAttr | DenseIntOrFPElementsAttr)
    type = opt_prop_def(TensorType)
    affine = opt_prop_def(AffineAttr)
    structure = opt_prop_def(BlockDiagonalAttr | BlocksAttr)
    traits = traits_def(SymbolOpInterface())
    assembly_format = (
        "$sym_name `=` $value (`:` $type^)? (`as` qualified($affine)^)? (`structure` $structure^)? attr-dict"
    )

    def __init__(
        self,
        name: str,
        value: DataAttr | DenseIntOrFPElementsAttr,
        kind: TensorType[Attribute],
        affine: AffineAttr | None = None,
        structure: BlockDiagonalAttr | BlocksAttr | None = None,
    ):
        stated = kind if isinstance(value, DataAttr) else None
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "value": value,
                "type": stated,
                "affine": affine,
                "structure": structure,
            }
        )

    def verify_(self) -> None:
        if isinstance(self.value, DataAttr) != (self.type is not None):
            raise VerifyException(f"weight @{self.symbol}: #cim.data needs a type, `dense` brings its own")
        shape = self.tensor_type.get_shape()
        if isinstance(self.structure, BlockDiagonalAttr) and shape != self.structure.data_shape:
            expected = "x".join(map(str, self.structure.data_shape))
            found = "x".join(map(str, shape))
            raise VerifyException(f"weight @{self.symbol} of {found} holds blocks of {expected}")
        if isinstance(self.structure, BlocksAttr):
            self._verify_blocks(self.structure, shape)
        if self.affine is not None and self.structure is None and len(shape) != 2:
            rank = len(shape)
            raise VerifyException(f"weight @{self.symbol} of rank {rank} has a scale per column, expected rank 2")

    def _verify_blocks(self, structure: BlocksAttr, shape: tuple[int, ...]) -> None:
        """Blocks down the diagonal end inside the matrix if the last one does."""
        row, column, rows, columns = structure.rectangles[-1].tolist()
        if len(shape) != 2 or row + rows > shape[0] or column + columns > shape[1]:
            found = "x".join(map(str, shape))
            raise VerifyException(
                f"weight @{self.symbol} of {found} has blocks up to row {row + rows}, column {column + columns}"
            )

    @property
    def symbol(self) -> str:
        """The name under which operations refer to the weight."""
        return self.sym_name.data

    @property
    def tensor_type(self) -> TensorType[Attribute]:
        """Shape and element type of the weight."""
        kind = self.value.type if isinstance(self.value, DenseIntOrFPElementsAttr) else self.type
        assert isa(kind, TensorType)
        return kind

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Shape [in, out] of the matrix that the weight is; what it stores may be less."""
        if isinstance(self.structure, BlockDiagonalAttr):
            return self.structure.matrix_shape
        rows, columns = self.tensor_type.get_shape()
        return rows, columns

    @property
    def kind(self) -> str:
        """`dense`, or what its blocks are part of."""
        return "dense" if self.structure is None else self.structure.kind.data

    def array(self, store: WeightStore) -> Array:
        """The bytes: a view of the store, not to be written to."""
        if isinstance(self.value, DenseIntOrFPElementsAttr):
            return dense_array(self.value)
        return store.get(self.value.key.data, self.value.digest.data)


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

    def __init__(self, weight: str, kind: Attribute):
        Operation.__init__(self, properties={"weight": SymbolRefAttr(weight)}, result_types=[kind])

    @property
    def symbol(self) -> str:
        """The symbol of its weight."""
        return self.weight.root_reference.data


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
        found, expected = element_type(self.result.type), element_type(self.x.type)
        if found != expected:
            raise VerifyException(f"permutation of {expected} gives {found}, expected {expected}")

    def fold(self) -> tuple[SSAValue] | None:
        """Its input, if the table stands in the IR and leaves every element where it is."""
        table = SymbolTable.lookup_symbol(self, self.table)
        if self.x.type != self.result.type or not isinstance(table, WeightOp):
            return None
        if not isa(self.x.type, TensorType) or not isinstance(table.value, DenseIntOrFPElementsAttr):
            return None
        identity = list(range(self.x.type.get_shape()[-1]))
        return (self.x,) if dense_array(table.value).tolist() == identity else None


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


@irdl_op_definition
class MatmulOp(IRDLOperation):
    """Multiplication by a constant weight `[in, out]`: `y[..., n] = sum over k of x[..., k] * w[k, n]`.

    ```mlir
    %y = cim.matmul %x, @w : tensor<?x1024xf32> -> tensor<?x4096xf32>
    %acc = cim.matmul %q, @w_int8 : tensor<?x1024xui8> -> tensor<?x4096xi32>
    ```
    With float `x` the weight stands for what its `#cim.affine` says. With integer `x` (uint8 or int8) the weight is
    int8, its integers are multiplied as they are, and the result is int32 with wrap-around.
    """

    name = "cim.matmul"
    x = operand_def()
    weight = prop_def(FlatSymbolRefAttr)
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = "$x `,` $weight attr-dict `:` type($x) `->` type($result)"

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
        factor, product = element_type(self.x.type), element_type(self.result.type)
        expected = i32 if self.is_integer else factor
        if product != expected:
            raise VerifyException(f"multiplication of {factor} gives {product}, expected {expected}")


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

    @property
    def is_random(self) -> bool:
        """Whether it draws random numbers, or may do so; its bodies may, too."""
        return self.is_standard and draws(self.op_type.data, self.inputs)

    def fold(self) -> tuple[SSAValue] | None:
        """Its input, where that is the result: an `Identity`, or a `Cast` to the type that it has."""
        if not self.is_a("Identity", "Cast") or len(self.inputs) != 1 or is_counted(self):
            return None
        (x,) = self.inputs
        known = self.is_a("Identity") or element_type(x.type) != UNKNOWN
        return (x,) if known and x.type == self.outputs[0].type else None


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a body of a control flow operator and names its outputs."""

    name = "cim.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator(), HasParent(DigitalOp), Pure())
    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


CONSTANTS = frozenset({ConstantOp, ReadOp, NoneOp})
"""The operations with the trait `ConstantLike`: to ask for a type is faster than for a trait."""


def make_cim(store: WeightStore | None = None) -> Dialect:
    """The dialect for one context: a fresh one each time, since its weight store belongs to that context."""
    return Dialect(
        "cim",
        [WeightOp, ConstantOp, ReadOp, NoneOp, MatmulOp, PermuteOp, DigitalOp, YieldOp],
        [DataAttr, ProtoAttr, AffineAttr, BlockDiagonalAttr, RectanglesAttr, BlocksAttr, ElementType, ValueType],
        [WeightStore() if store is None else store],
    )


def weight_op(
    name: str,
    array: Array,
    store: WeightStore,
    affine: AffineAttr | None = None,
    structure: BlockDiagonalAttr | BlocksAttr | None = None,
) -> WeightOp:
    """A `cim.weight` named `name` for `array`: small exact constants inline, all others in the store."""
    value: DataAttr | DenseIntOrFPElementsAttr | None = inline_constant(array)
    if value is None:
        key, digest = store.put(name, array)
        value = DataAttr(StringAttr(key), StringAttr(digest))
    return WeightOp(name, value, tensor_type_of(array), affine, structure)
