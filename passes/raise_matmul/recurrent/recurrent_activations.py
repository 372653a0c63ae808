"""Activation functions of recurrent operators, by name, with the numbers that each takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import helper
from xdsl.ir import SSAValue

from dialects.attributes.onnx_attributes import to_ir
from dialects.cim import DigitalOp
from dialects.element_types import element_type, numpy_element
from passes.rewriting.digital import DigitalBuilder

_DEFAULTS: dict[str, tuple[float | None, float | None]] = {
    "affine": (0.0, 0.0),
    "elu": (1.0, None),
    "hardsigmoid": (0.2, 0.5),
    "leakyrelu": (0.01, None),
    "relu": (None, None),
    "scaledtanh": (0.0, 0.0),
    "sigmoid": (None, None),
    "softplus": (None, None),
    "softsign": (None, None),
    "tanh": (None, None),
    "thresholdedrelu": (0.0, None),
}
"""alpha and beta where a node names none, as ONNX Runtime has them; None for a function without it.

ONNX names none for `Affine` and `ScaledTanh`, and 1 for the alpha of `ThresholdedRelu`. Names are in lower case.
"""
_PLAIN = {"relu": "Relu", "sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign", "tanh": "Tanh"}
_WITH_SETTINGS = {
    "elu": "Elu",
    "hardsigmoid": "HardSigmoid",
    "leakyrelu": "LeakyRelu",
    "thresholdedrelu": "ThresholdedRelu",
}


@dataclass(frozen=True)
class Activation:
    """A function of each element."""

    name: str
    alpha: float
    beta: float

    def of(self, builder: DigitalBuilder, x: SSAValue) -> SSAValue:
        """What it makes of `x`."""
        if self.name in _PLAIN:
            return builder.op(_PLAIN[self.name], [x], x.type)
        if self.name in _WITH_SETTINGS:
            numbers = {"alpha": self.alpha} | ({"beta": self.beta} if self.name == "hardsigmoid" else {})
            settings = {name: to_ir(helper.make_attribute(name, value)) for name, value in numbers.items()}
            return builder.add(DigitalOp(_WITH_SETTINGS[self.name], [x], [x.type], settings))
        if self.name == "scaledtanh":
            turned = builder.op("Tanh", [_times(builder, x, self.beta)], x.type)
            return _times(builder, turned, self.alpha)
        return builder.elementwise("Add", _times(builder, x, self.alpha), float_number(builder, x, self.beta))


def activations(names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]) -> list[Activation] | None:
    """The functions of these names; numbers belong to those that take any, in order. None for an unknown name."""
    given = iter(alphas), iter(betas)
    made: list[Activation] = []
    for name in (name.lower() for name in names):
        if name not in _DEFAULTS:
            return None
        numbers = [0.0 if default is None else next(rest, default) for default, rest in zip(_DEFAULTS[name], given)]
        made.append(Activation(name, *numbers))
    return made


def float_number(builder: DigitalBuilder, like: SSAValue, value: float) -> SSAValue:
    """A constant with the elements of `like`."""
    dtype = numpy_element(element_type(like.type))
    assert dtype is not None
    return builder.constant(np.array(value, dtype), "number")


def _times(builder: DigitalBuilder, x: SSAValue, factor: float) -> SSAValue:
    return builder.elementwise("Mul", x, float_number(builder, x, factor))
