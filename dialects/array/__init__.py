"""The `array` dialect: where a multiplication's weights lie, and when everything runs.

```mlir
%q, %scale = array.kernel 0 start_ps 0 duration_ps 1200 {
  %s = cim.digital "Abs"(%x) : (tensor<?x256xf32>) -> tensor<?x256xf32>
  %b = cim.digital "Cast"(%s) with {to = 2 : i64} : (tensor<?x256xf32>) -> tensor<?x256xui8>
  array.yield %b, %s : tensor<?x256xui8>, tensor<?x256xf32>
} work {
  operator 0 on unit 0 at 0 ps for 700 ps
  operator 1 on unit 0 at 700 ps for 500 ps
} : tensor<?x256xui8>, tensor<?x256xf32>
%acc = array.stage 0 start_ps 1200 duration_ps 512000 {
  %in = array.transfer %q "into arrays" start_ps 0 duration_ps 5000 : tensor<?x256xui8>
  %sums = array.multiply %in by @q_proj {
    tile 0: rows 0 to 255, columns 0 to 255 in array 12 at row 0, column 0
    tile 1: rows 0 to 255, columns 256 to 383 in array 13 at row 0, column 0
    convert rows 0 to 169 of tile 0 to 8 bits at 5000 ps, sums up to 255
    convert rows 170 to 255 of tile 0 to 8 bits at 250000 ps, sums up to 255
    convert rows 0 to 255 of tile 1 to 8 bits at 5000 ps, sums up to 255
  } : tensor<?x256xui8> -> tensor<?x384xi32>
  %out = array.transfer %sums "out of arrays" start_ps 507000 duration_ps 5000 : tensor<?x384xi32>
  array.yield %out : tensor<?x384xi32>
} : tensor<?x384xi32>
%y = array.permute %acc, @order start_ps 513200 duration_ps 5000 : tensor<?x384xi32> -> tensor<?x384xi32>
```
One `array.multiply` stands for a whole weight: each pass writes its decisions into it as one more table. A scheduled
network is a row of kernels, stages and permutations; each starts so many picoseconds after the start of the run, and
what is inside of a kernel or a stage counts from the start of that. Control flow whose bodies multiply is an
`array.control`, each of its bodies such a row. Where weights pass through the chip in parts, `array.load` says when one
comes.
"""

from xdsl.ir import Dialect

from dialects.array.control import ControlOp
from dialects.array.format import FormatAttr
from dialects.array.multiply import MultiplyOp
from dialects.array.scheduled import (
    INTO_ARRAYS,
    OUT_OF_ARRAYS,
    KernelOp,
    LoadOp,
    PermuteOp,
    StageOp,
    TransferOp,
    YieldOp,
)
from dialects.array.tables import ADDITION, GROUP, PLACE, TILE, WORK, TableAttr

ArrayDialect = Dialect(
    "array",
    [MultiplyOp, StageOp, TransferOp, KernelOp, PermuteOp, ControlOp, LoadOp, YieldOp],
    [TableAttr, FormatAttr],
)

__all__ = [
    "ADDITION",
    "GROUP",
    "INTO_ARRAYS",
    "OUT_OF_ARRAYS",
    "PLACE",
    "TILE",
    "WORK",
    "ArrayDialect",
    "ControlOp",
    "FormatAttr",
    "KernelOp",
    "LoadOp",
    "MultiplyOp",
    "PermuteOp",
    "StageOp",
    "TableAttr",
    "TransferOp",
    "YieldOp",
]
