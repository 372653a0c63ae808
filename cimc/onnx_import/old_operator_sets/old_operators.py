"""Operators of operator sets 7 to 10 that are written otherwise in 11, one adapter each.

ONNX Runtime also runs operators that ONNX had on trial before operator set 10 (`Affine`, `Crop`, `ImageScaler` ...).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from dialects.element_types import Array
from dialects.errors import UserError
from dialects.semantics.graph_names import GraphNames

_LOWEST, _HIGHEST = (float(v) for v in (np.finfo(np.float32).min, np.finfo(np.float32).max))


@dataclass
class Rewriter:
    """Writes the nodes that stand for one old node."""

    file: Path
    opset: int
    elements: dict[str, int]
    """ONNX element types of values by name, as far as they are known."""
    names: GraphNames
    node: NodeProto = field(default_factory=NodeProto)
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])

    def begin(self, node: NodeProto) -> None:
        """Go on with `node`; what is written from here on stands for it."""
        self.node, self.nodes = node, []

    def attribute(self, name: str, *default: Any) -> Any:
        """An attribute of the node; without a default, KeyError if it is missing."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                value = helper.get_attribute_value(attribute)
                return value.decode(errors="replace") if isinstance(value, bytes) else value
        if not default:
            raise KeyError(name)
        return default[0]

    def input(self, index: int) -> str:
        """The name of an input of the node, "" if it is left out."""
        return self.node.input[index] if index < len(self.node.input) else ""

    def op(self, op_type: str, inputs: Sequence[str], outputs: Sequence[str] = (), **settings: Any) -> str:
        """Write a node; the name of its first output, a new one if none is given."""
        name = self.node.name if outputs else self.names.node(f"{self.node.name} {op_type}")
        outputs = outputs or [self.names.fresh(f"{self.node.output[0]} {op_type}")]
        self.nodes.append(helper.make_node(op_type, list(inputs), list(outputs), name=name, **settings))
        return outputs[0]

    def constant(self, array: Array) -> str:
        """Write a constant."""
        return self.op("Constant", [], value=numpy_helper.from_array(array))

    def integers(self, values: Sequence[int]) -> str:
        """Write a constant of int64 numbers."""
        return self.constant(np.array(values, np.int64))

    def real(self, value: float | list[Any], like: str) -> str:
        """Write a constant of the type of the value `like`."""
        element = self.elements.get(like, TensorProto.FLOAT)
        with np.errstate(over="ignore"):  # the largest float32 is infinity in float16, as in ONNX Runtime
            return self.constant(np.array(value, np.float32).astype(helper.tensor_dtype_to_np_dtype(element)))

    def refuse(self, reason: str) -> UserError:
        """The error that says why the node cannot be lifted."""
        return UserError(f"{self.file}: node {self.node.name!r} ({self.node.op_type}) {reason}")

    def keep(self, op_type: str = "", without: Sequence[str] = ()) -> NodeProto:
        """Write the node itself, as `op_type` if given, without some of its attributes."""
        node = NodeProto.FromString(self.node.SerializeToString())
        kept = [attribute for attribute in node.attribute if attribute.name not in without]
        del node.attribute[:]
        node.attribute.extend(kept)
        node.op_type = op_type or node.op_type
        self.nodes.append(node)
        return node


def _clip(new: Rewriter) -> None:
    x = new.input(0)
    limits = [new.real(new.attribute(*pair), x) for pair in (("min", _LOWEST), ("max", _HIGHEST))]
    new.op("Clip", [x, *limits], new.node.output)


def _pad(new: Rewriter) -> None:
    x, mode = new.input(0), new.attribute("mode", "constant")
    pads, value = new.integers(new.attribute("pads")), new.real(new.attribute("value", 0.0), x)
    new.op("Pad", [x, pads, value] if mode == "constant" else [x, pads], new.node.output, mode=mode)


def _slice(new: Rewriter) -> None:
    if new.opset >= 10:
        new.keep()
        return
    parts = [new.integers(new.attribute(name)) for name in ("starts", "ends")]
    axes = new.attribute("axes", None)
    new.op("Slice", [new.input(0), *parts, *([] if axes is None else [new.integers(axes)])], new.node.output)


def _top_k(new: Rewriter) -> None:
    if new.opset >= 10:
        new.keep()
        return
    k = new.integers([new.attribute("k")])
    new.op("TopK", [new.input(0), k], new.node.output, axis=new.attribute("axis", -1))


def _dropout(new: Rewriter) -> None:
    """The mask was a number and became a truth value."""
    node = new.keep()
    if new.opset < 10 and len(node.output) > 1 and node.output[1]:
        mask, node.output[1] = node.output[1], new.names.fresh(f"{node.output[1]} as bool")
        node.name = new.names.node(f"{node.name} Dropout")
        new.op("Cast", [node.output[1]], [mask], to=new.elements.get(new.input(0), TensorProto.FLOAT))


def _batch_normalization(new: Rewriter) -> None:
    """`spatial = 0` has a scale, an offset, a mean and a variance for each position, as if each was a channel."""
    if new.attribute("spatial", 1):
        new.keep(without=["spatial"])
        return
    if any(new.node.output[1:]):
        raise new.refuse("has spatial = 0 and gives statistics: expected one output")
    x, flat = new.input(0), new.integers([-1])
    settings = {a.name: helper.get_attribute_value(a) for a in new.node.attribute if a.name != "spatial"}
    inputs = [new.op("Flatten", [x], axis=1), *(new.op("Reshape", [name, flat]) for name in new.node.input[1:])]
    y = new.op("BatchNormalization", inputs, **settings)
    new.op("Reshape", [y, new.op("Shape", [x])], new.node.output[:1])


def _resize(new: Rewriter) -> None:
    """`Upsample`, and `Resize` of 10: positions are those of `asymmetric`.

    Where a dimension grows, the nearest element is the one before; where it shrinks, the one after.
    """
    x, mode = new.input(0), new.attribute("mode", "nearest")
    known = new.attribute("scales", None) if new.node.op_type == "Upsample" and new.opset < 9 else None
    if known is None and not new.input(1):
        raise KeyError("scales")
    scales = new.input(1) if known is None else new.constant(np.array(known, np.float32))
    settings = {"mode": mode, "coordinate_transformation_mode": "asymmetric"}
    region = new.constant(np.zeros(0, np.float32))
    if mode != "nearest":
        new.op("Resize", [x, region, scales], new.node.output, **settings)
    elif known is not None and min(known, default=1) >= 1:
        new.op("Resize", [x, region, scales], new.node.output, nearest_mode="floor", **settings)
    else:
        unit = new.constant(np.ones(1, np.float32))
        grown = new.op("Resize", [x, region, new.op("Max", [scales, unit])], nearest_mode="floor", **settings)
        shrunk = new.op("Min", [scales, unit])
        new.op("Resize", [grown, region, shrunk], new.node.output, nearest_mode="ceil", **settings)


def _scatter(new: Rewriter) -> None:
    new.keep("ScatterElements")


def _mean_variance_normalization(new: Rewriter) -> None:
    if new.opset >= 9:
        new.keep()
        return
    if not new.attribute("normalize_variance", 1):
        axes = [0, 1, 2, 3] if new.attribute("across_channels", 0) else [0, 2, 3]
        mean = new.op("ReduceMean", [new.input(0)], axes=axes, keepdims=1)
        new.op("Sub", [new.input(0), mean], new.node.output)
        return
    axes = [0, 1, 2, 3] if new.attribute("across_channels", 0) else [0, 2, 3]
    new.op("MeanVarianceNormalization", [new.input(0)], new.node.output, axes=axes)


def _affine(new: Rewriter) -> None:
    x = new.input(0)
    scaled = new.op("Mul", [x, new.real(new.attribute("alpha", 1.0), x)])
    new.op("Add", [scaled, new.real(new.attribute("beta", 0.0), x)], new.node.output)


def _scale(new: Rewriter) -> None:
    x = new.input(0)
    new.op("Mul", [x, new.real(new.attribute("scale", 1.0), x)], new.node.output)


def _scaled_tanh(new: Rewriter) -> None:
    x = new.input(0)
    inner = new.op("Tanh", [new.op("Mul", [x, new.real(new.attribute("beta", 1.0), x)])])
    new.op("Mul", [inner, new.real(new.attribute("alpha", 1.0), x)], new.node.output)


def _parametric_softplus(new: Rewriter) -> None:
    x = new.input(0)
    inner = new.op("Softplus", [new.op("Mul", [x, new.real(new.attribute("beta", 1.0), x)])])
    new.op("Mul", [inner, new.real(new.attribute("alpha", 1.0), x)], new.node.output)


def _image_scaler(new: Rewriter) -> None:
    x = new.input(0)
    bias = new.real([[[value]] for value in new.attribute("bias", [])], x)
    scaled = new.op("Mul", [x, new.real(new.attribute("scale", 1.0), x)])
    new.op("Add", [scaled, bias], new.node.output)


def _crop(new: Rewriter) -> None:
    """`border` is left, top, right, bottom; `scale`, if given, is height and width of what is left."""
    left, top, right, bottom = new.attribute("border")
    size = new.attribute("scale", None)
    last = np.iinfo(np.int64).max
    ends = [-bottom or last, -right or last] if size is None else [top + size[0], left + size[1]]
    parts = (new.integers(values) for values in ([top, left], ends, [2, 3]))
    new.op("Slice", [new.input(0), *parts], new.node.output)


def _dynamic_slice(new: Rewriter) -> None:
    new.keep("Slice")


ADAPTERS: dict[str, Callable[[Rewriter], None]] = {
    "Affine": _affine,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Crop": _crop,
    "Dropout": _dropout,
    "DynamicSlice": _dynamic_slice,
    "ImageScaler": _image_scaler,
    "MeanVarianceNormalization": _mean_variance_normalization,
    "Pad": _pad,
    "ParametricSoftplus": _parametric_softplus,
    "Resize": _resize,
    "Scale": _scale,
    "ScaledTanh": _scaled_tanh,
    "Scatter": _scatter,
    "Slice": _slice,
    "TopK": _top_k,
    "Upsample": _resize,
}
