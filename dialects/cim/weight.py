"""Weights under symbols: stored once however many operations use them."""

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    StringAttr,
    SymbolNameConstraint,
    TensorType,
)
from xdsl.ir import Attribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    traits_def,
)
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from dialects.attributes.cim_attributes import AffineAttr, DataAttr
from dialects.attributes.structure import DENSE, BlockDiagonalAttr, BlocksAttr
from dialects.element_types import (
    Array,
    dense_array,
    inline_constant,
    tensor_type_of,
)
from dialects.weights import Remake, WeightStore, digest_of


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
        tensor_type: TensorType[Attribute],
        affine: AffineAttr | None = None,
        structure: BlockDiagonalAttr | BlocksAttr | None = None,
    ):
        stated = tensor_type if isinstance(value, DataAttr) else None
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
            stored = "x".join(map(str, shape))
            raise VerifyException(f"weight @{self.symbol} of {stored} holds blocks of {expected}")
        if isinstance(self.structure, BlocksAttr):
            self._verify_blocks(self.structure, shape)
        if self.affine is not None and self.structure is None and len(shape) != 2:
            rank = len(shape)
            raise VerifyException(f"weight @{self.symbol} of rank {rank} has a scale per column, expected rank 2")

    def _verify_blocks(self, structure: BlocksAttr, shape: tuple[int, ...]) -> None:
        rows, columns = structure.shape
        if len(shape) != 2 or rows > shape[0] or columns > shape[1]:
            stored = "x".join(map(str, shape))
            raise VerifyException(f"weight @{self.symbol} of {stored} has blocks up to row {rows}, column {columns}")

    @property
    def symbol(self) -> str:
        """The name under which operations refer to the weight."""
        return self.sym_name.data

    @property
    def tensor_type(self) -> TensorType[Attribute]:
        """Shape and element type of the weight."""
        type_ = self.value.type if isinstance(self.value, DenseIntOrFPElementsAttr) else self.type
        assert isa(type_, TensorType)
        return type_

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
        return DENSE if self.structure is None else self.structure.kind.data

    def array(self, store: WeightStore) -> Array:
        """The bytes: a view of the store, not to be written to."""
        if isinstance(self.value, DenseIntOrFPElementsAttr):
            return dense_array(self.value)
        return store.get(self.value.key.data, self.value.digest.data)

    @property
    def digest(self) -> str:
        """What `digest_of` makes of its array."""
        if isinstance(self.value, DenseIntOrFPElementsAttr):
            return digest_of(dense_array(self.value))
        return self.value.digest.data

    def again(self, store: WeightStore) -> Remake | None:
        """What gives the same bytes once more, without keeping them in memory; None if that is not known."""
        if isinstance(self.value, DenseIntOrFPElementsAttr):
            return None
        return store.again(self.value.key.data, self.value.digest.data)


def weight_op(
    name: str,
    array: Array,
    store: WeightStore,
    affine: AffineAttr | None = None,
    structure: BlockDiagonalAttr | BlocksAttr | None = None,
    again: Remake | None = None,
    digest: str | None = None,
) -> WeightOp:
    """A `cim.weight` named `name` for `array`: small exact constants inline, all others in the store.

    The store need not keep what `again` makes once more. `digest` is that of `array`, where it is known.
    """
    value: DataAttr | DenseIntOrFPElementsAttr | None = inline_constant(array)
    if value is None:
        key, digest = store.put(name, array, again, digest)
        value = DataAttr(StringAttr(key), StringAttr(digest))
    return WeightOp(name, value, tensor_type_of(array), affine, structure)
