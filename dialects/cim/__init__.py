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

from xdsl.ir import Dialect

from dialects.attributes.cim_attributes import AffineAttr, DataAttr, ProtoAttr, WeightFilesAttr
from dialects.attributes.structure import BlockDiagonalAttr, BlocksAttr, RectanglesAttr
from dialects.cim.constants import CONSTANTS, ConstantOp, NoneOp, ReadOp
from dialects.cim.digital import CONTROL, DigitalOp, YieldOp, wrong_bodies
from dialects.cim.products import MatmulOp, PermuteOp
from dialects.cim.weight import WeightOp, weight_op
from dialects.cim_types import ElementType, ValueType
from dialects.weights import WeightStore


def make_cim(store: WeightStore | None = None) -> Dialect:
    """The dialect for one context: a fresh one each time, since its weight store belongs to that context."""
    return Dialect(
        "cim",
        [WeightOp, ConstantOp, ReadOp, NoneOp, MatmulOp, PermuteOp, DigitalOp, YieldOp],
        [
            DataAttr,
            WeightFilesAttr,
            ProtoAttr,
            AffineAttr,
            BlockDiagonalAttr,
            RectanglesAttr,
            BlocksAttr,
            ElementType,
            ValueType,
        ],
        [WeightStore() if store is None else store],
    )


__all__ = [
    "CONSTANTS",
    "CONTROL",
    "ConstantOp",
    "DigitalOp",
    "MatmulOp",
    "NoneOp",
    "PermuteOp",
    "ReadOp",
    "WeightOp",
    "YieldOp",
    "make_cim",
    "weight_op",
    "wrong_bodies",
]
