"""Why operators stay digital."""

from typing import Any

import pytest
from onnx import TensorProto, helper

from cimc.report.cost.constant_products import ConstantProduct, Known, Origin
from cimc.report.cost.reasons import reason_of

FLOAT, BYTE, LONG = TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT64


def _reason(operator: str, weight: Known, operand: int = 1, around: tuple[str, ...] = (), **settings: Any) -> str:
    node = helper.make_node(operator, ["x", "w"], ["y"], **settings)
    return reason_of(ConstantProduct(0, 0, node, {operand: weight}, around=around))


@pytest.mark.parametrize(
    ("operator", "weight", "options", "reason"),
    [
        ("DeformConv", Known(Origin.STORED), {}, "no rule for this operator"),
        (
            "MatMul",
            Known(Origin.STORED),
            {"around": ("If", "Loop", "If")},
            "inside of a branch of an If, the body of a Loop that stays digital",
        ),
        ("MatMul", Known(Origin.STORED), {"domain": "own"}, "no rule for this operator"),
        ("MatMul", Known(Origin.CHOSEN), {}, "the weight is chosen during the run"),
        ("Gemm", Known(Origin.COMPUTED), {}, "the weight is computed from constants during the run"),
        ("MatMul", Known(Origin.STORED, (2, 2), 4, LONG), {}, "the weight has elements of type int64"),
        ("MatMul", Known(Origin.STORED, (2, 2, 2), 8, FLOAT), {}, "no rule for this form of the operator"),
        ("MatMulInteger", Known(Origin.STORED, (2, 2), 4, BYTE), {"operand": 0}, "the weight is the first factor"),
        ("MatMulInteger", Known(Origin.STORED, (2, 2), 4, BYTE), {}, "no rule for this form of the operator"),
        ("Conv", Known(Origin.STORED, (2, 2, 3), 12, FLOAT), {}, "no rule for this form of the operator"),
    ],
)
def test_reasons(operator: str, weight: Known, options: dict[str, Any], reason: str) -> None:
    assert _reason(operator, weight, **options) == reason
