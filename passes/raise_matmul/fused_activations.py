"""What ONNX Runtime's `FusedConv` does to a sum: another tensor is added, and a function is applied."""

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import FloatAttr, StringAttr, f32
from xdsl.ir import Attribute, SSAValue

from dialects.attributes.onnx_attributes import reals
from dialects.cim import DigitalOp
from passes.rewriting.digital import DigitalBuilder

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "Relu": (),
    "Tanh": (),
    "Sigmoid": (),
    "LeakyRelu": ("alpha",),
    "Clip": ("min", "max"),
    "HardSigmoid": ("alpha", "beta"),
    "HardSwish": (),
}
"""The functions, and what the numbers in `activation_params` are called."""


def is_known(setting: Mapping[str, Attribute]) -> bool:
    """Whether the function that a node names is one that there is, with all its parameters."""
    name, parameters = _function(setting)
    return name in _PARAMETERS and len(parameters) == len(_PARAMETERS[name])


def activated(builder: DigitalBuilder, y: SSAValue, setting: Mapping[str, Attribute]) -> SSAValue:
    """The function that a node names, applied to `y` of float32."""
    name, parameters = _function(setting)
    if not name:
        return y
    if name == "Clip":
        low, high = (builder.constant(np.array(number, np.float32), "limit") for number in parameters)
        return builder.clip(y, low, high)
    if name == "HardSwish":  # ONNX has it from operator set 14 on
        return builder.elementwise("Mul", y, _float_operator(builder, "HardSigmoid", y, {"alpha": 1 / 6, "beta": 0.5}))
    return _float_operator(builder, name, y, dict(zip(_PARAMETERS[name], parameters)))


def _float_operator(builder: DigitalBuilder, name: str, y: SSAValue, numbers: Mapping[str, float]) -> SSAValue:
    named = {key: FloatAttr(number, f32) for key, number in numbers.items()}
    return builder.add(DigitalOp(name, [y], [y.type], dict[str, Attribute](named)))


def _function(setting: Mapping[str, Attribute]) -> tuple[str, Sequence[float]]:
    name = setting.get("activation")
    return name.data if isinstance(name, StringAttr) else "", reals(dict(setting), "activation_params") or []
