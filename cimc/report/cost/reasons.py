"""Why an operator that multiplies by a constant weight stays digital, as far as a program tells."""

from onnx import TensorProto

from cimc.report.cost.constant_products import ConstantProduct, Known, Origin

_RAISED = {
    "": frozenset({
        "Conv", "ConvInteger", "ConvTranspose", "Einsum", "GRU", "Gemm", "LSTM", "MatMul", "MatMulInteger",
        "QLinearConv", "QLinearMatMul", "RNN",
    }),
    "com.microsoft": frozenset({
        "Attention", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "FusedConv", "FusedGemm", "FusedMatMul",
        "MatMulBnb4", "MatMulIntegerToFloat", "MatMulNBits", "MoE", "QAttention", "QGemm", "QLinearConv", "QMoE",
    }),
}  # fmt: skip
"""Operators that passes have rules for, by domain."""
_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
_BYTES = {TensorProto.INT8, TensorProto.UINT8}
_INTEGER_PRODUCTS = {"MatMulInteger", "QLinearMatMul", "ConvInteger", "QLinearConv", "QGemm"}


def reason_of(product: ConstantProduct) -> str:
    """The first reason that applies, in a few words."""
    weights = list(product.weights.values())
    if product.around:
        return f"inside of {', '.join(dict.fromkeys(map(_body, product.around)))} that stays digital"
    domain = "" if product.node.domain == "ai.onnx" else product.node.domain
    if product.node.op_type not in _RAISED.get(domain, ()):
        return "no rule for this operator"
    if any(weight.origin is Origin.CHOSEN for weight in weights):
        return "the weight is chosen during the run"
    if any(weight.origin is Origin.COMPUTED for weight in weights):
        return "the weight is computed from constants during the run"
    return _of_form(product, weights[0])


def _of_form(product: ConstantProduct, weight: Known) -> str:
    known = _BYTES if product.node.op_type in _INTEGER_PRODUCTS else _FLOATS | _BYTES
    if weight.element not in known:
        return f"the weight has elements of type {TensorProto.DataType.Name(weight.element).lower()}"
    if product.node.op_type in _INTEGER_PRODUCTS and 0 in product.weights:
        return "the weight is the first factor"
    return "no rule for this form of the operator"


def _body(operator: str) -> str:
    return "a branch of an If" if operator == "If" else f"the body of a {operator}"
