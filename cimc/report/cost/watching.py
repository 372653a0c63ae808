"""Models that tell what their nodes compute: shapes alone, which take no memory, or all values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from cimc.report.cost.body_runs import Shape

_SHAPE = "shape of "
"""What the names of added outputs begin with."""


def with_shapes(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """A model with one more output for each of these tensors: its shape. Run early, the tensor itself can go."""
    watched = ModelProto.FromString(model.SerializeToString())
    for number, name in enumerate(names):
        watched.graph.node.append(helper.make_node("Shape", [name], [f"{_SHAPE}{number}"], f"{_SHAPE}{number}"))
        watched.graph.output.append(helper.make_tensor_value_info(f"{_SHAPE}{number}", TensorProto.INT64, [None]))
    return watched


def with_outputs(model: ModelProto, names: Iterable[str]) -> ModelProto:
    """A model that gives these values as well, whatever they are: sequences have no shape."""
    watched = ModelProto.FromString(model.SerializeToString())
    watched.graph.output.extend(ValueInfoProto(name=name) for name in names)
    return watched


def shapes_in(outputs: Mapping[str, Any], names: Sequence[str]) -> dict[str, Shape]:
    """The shapes of these tensors, as far as they are among the outputs of a model `with_shapes`."""
    told = ((name, outputs.get(f"{_SHAPE}{number}")) for number, name in enumerate(names))
    return {name: tuple(shape.tolist()) for name, shape in told if shape is not None}
