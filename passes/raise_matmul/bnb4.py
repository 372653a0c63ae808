"""`MatMulBnb4`: numbers of four bits from a table of floats, times the largest number of their block."""

from dataclasses import dataclass

import numpy as np
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp
from dialects.element_types import Array
from dialects.network import Network
from passes.rewriting.constants.constant_tensors import turned
from passes.rewriting.constants.constants import are_floats, constant_of
from passes.rewriting.digital import DigitalBuilder, check_vectors

_HALF_OF_FP4 = np.array([0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4])
_NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip
"""Of arXiv 2305.14314, appendix E."""
TABLES = (np.concatenate([_HALF_OF_FP4, -_HALF_OF_FP4]).astype(np.float32), np.array(_NF4, np.float32))
"""What the 16 codes stand for, by `quant_type`: FP4 and NF4."""


@dataclass(frozen=True)
class RaiseMatMulBnb4(RewritePattern):
    """`MatMulBnb4(A, B, absmax)`, B and absmax constant: A times B's transpose.

    The numbers are no integers of few bits, so the weight is one of floats, which `quantize` makes integers. Left alone
    is B as it is (`transB = 0`), of which ONNX Runtime 1.32 reads the wrong numbers.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("MatMulBnb4") or len(op.inputs) < 3 or not integer(op.setting, "transB", 1):
            return
        x, packed, largest = op.inputs[0], *(constant_of(value, self.network) for value in op.inputs[1:3])
        matrix = None if packed is None or largest is None else _matrix(op, packed, largest)
        if matrix is None or not are_floats(x, matrix):
            return
        check_vectors(x, matrix.shape[1], op)
        builder, name = DigitalBuilder(self.network, op), op.inputs[1].name_hint or "weight"
        rewriter.replace(op, (), [builder.matmul(x, builder.weight(turned(matrix), f"{name}.float"), len(matrix))])


def _matrix(op: DigitalOp, packed: Array, largest: Array) -> Array | None:
    """B [N, K]; None where attributes make no sense, or tensors have another size, which ONNX Runtime says."""
    rows, columns, block, type_ = (integer(op.setting, name, -1) for name in ("N", "K", "block_size", "quant_type"))
    count = rows * columns
    if min(rows, columns, block) < 1 or type_ not in range(len(TABLES)) or packed.dtype != np.uint8:
        return None
    if packed.size != -(-count // 2) or largest.size != -(-count // block) or largest.dtype.kind != "f":
        return None
    codes = np.stack([packed.reshape(-1) >> 4, packed.reshape(-1) & 15], axis=-1).reshape(-1)[:count]
    numbers = TABLES[type_].astype(largest.dtype)[codes] * np.repeat(largest.reshape(-1), block)[:count]
    return numbers.reshape(rows, columns)
