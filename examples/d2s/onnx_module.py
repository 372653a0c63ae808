"""An ONNX network as a PyTorch module, so that gradients reach its weights, and back.

Enough operators for encoders and decoders as exporters write them; a network with others is refused by name, and
`OPERATORS` is the place to add them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

Attributes = dict[str, Any]
Operator = Callable[..., Any]


class OnnxModule(nn.Module):
    """The network of an ONNX file; called with its inputs by name, it gives its outputs by name.

    Every float weight with more than one element is a parameter, tables of embeddings excepted.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.proto = onnx.load(path)
        graph = self.proto.graph
        unknown = sorted({node.op_type for node in graph.node} - OPERATORS.keys())
        if unknown:
            raise SystemExit(f"{path}: operators {', '.join(unknown)} found, expected those of OPERATORS: add them")
        tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
        self.weights: dict[str, Tensor] = {}
        for tensor in graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            if value.is_floating_point() and value.numel() > 1 and tensor.name not in tables:
                value = nn.Parameter(value)
                self.register_parameter(f"p{len(self.weights)}", value)
            self.weights[tensor.name] = value
        self.attributes = [{a.name: helper.get_attribute_value(a) for a in node.attribute} for node in graph.node]

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Inputs and outputs are those of the file, of its shapes."""
        graph = self.proto.graph
        values: dict[str, Tensor | None] = {"": None, **self.weights, **inputs}
        for node, attributes in zip(graph.node, self.attributes, strict=True):
            values[node.output[0]] = OPERATORS[node.op_type](attributes, *(values[name] for name in node.input))
        return {output.name: value for output in graph.output if (value := values[output.name]) is not None}

    def save(self, path: Path) -> None:
        """Write the same network with the weights as they are now."""
        for tensor in self.proto.graph.initializer:
            value = self.weights[tensor.name]
            if isinstance(value, nn.Parameter):
                tensor.CopyFrom(numpy_helper.from_array(value.detach().numpy(), tensor.name))
        onnx.save(self.proto, path)


def _reshape(attributes: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    copies = not attributes.get("allowzero", 0)
    return x.reshape([x.shape[i] if size == 0 and copies else size for i, size in enumerate(shape.tolist())])


def _matmul(_: Attributes, a: Tensor, b: Tensor) -> Tensor:
    """Vectors by blocks, [..., k, 1, p] by [k, p, q], become k products of matrices: PyTorch repeats b otherwise."""
    if b.ndim != 3 or a.ndim < 4 or a.shape[-3:-1] != (len(b), 1):
        return a @ b
    vectors = a.reshape(-1, len(b), a.shape[-1]).transpose(0, 1)
    return (vectors @ b).transpose(0, 1).reshape([*a.shape[:-1], b.shape[-1]])


def _gather(attributes: Attributes, x: Tensor, indices: Tensor) -> Tensor:
    axis = attributes.get("axis", 0) % x.ndim
    indices = torch.where(indices < 0, indices + x.shape[axis], indices)
    return x.index_select(axis, indices.reshape(-1)).reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])


def _layer_norm(attributes: Attributes, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    axis = attributes.get("axis", -1) % x.ndim
    return F.layer_norm(x, x.shape[axis:], scale, bias, attributes.get("epsilon", 1e-5))


def _slice(
    _: Attributes, x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None
) -> Tensor:
    where = range(len(starts)) if axes is None else axes.tolist()
    by = [1] * len(starts) if steps is None else steps.tolist()
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(where, starts.tolist(), ends.tolist(), by, strict=True):
        if step < 0:
            raise SystemExit("Slice with a negative step found, expected a positive one")
        index[axis] = slice(*slice(start, end, step).indices(x.shape[axis]))  # without numbers beyond the ends
    return x[tuple(index)]


def _reduced(operator: Operator) -> Operator:
    def reduce(attributes: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        along = attributes.get("axes") if axes is None else axes.tolist()
        return operator(x, dim=along or list(range(x.ndim)), keepdim=bool(attributes.get("keepdims", 1)))

    return reduce


def _gemm(attributes: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.mT if attributes.get("transA", 0) else a
    b = b.mT if attributes.get("transB", 0) else b
    product = attributes.get("alpha", 1.0) * (a @ b)
    return product if c is None else product + attributes.get("beta", 1.0) * c


def _unsqueeze(_: Attributes, x: Tensor, axes: Tensor) -> Tensor:
    ndim = x.ndim + len(axes)
    for axis in sorted(axis % ndim for axis in axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def _divide(_: Attributes, a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _constant(attributes: Attributes) -> Tensor:
    ((name, value),) = attributes.items()
    if name != "value":
        return torch.tensor(value)
    return torch.from_numpy(numpy_helper.to_array(value).copy())


def _constant_of_shape(attributes: Attributes, shape: Tensor) -> Tensor:
    value = attributes.get("value")
    fill = torch.zeros(1) if value is None else torch.from_numpy(numpy_helper.to_array(value).copy())
    return fill.expand(shape.tolist())


def _type(number: int) -> torch.dtype:
    return torch.from_numpy(np.zeros(1, helper.tensor_dtype_to_np_dtype(number))).dtype


def _simple(operator: Operator) -> Operator:
    """An operator without attributes that PyTorch has as it is."""
    return lambda _, *inputs: operator(*inputs)


OPERATORS: dict[str, Operator] = {
    "Add": _simple(torch.add),
    "And": _simple(torch.logical_and),
    "Cast": lambda attributes, x: x.to(_type(attributes["to"])),
    "Clip": _simple(torch.clamp),
    "Concat": lambda attributes, *parts: torch.cat(parts, attributes["axis"]),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Cos": _simple(torch.cos),
    "Div": _divide,
    "Equal": _simple(torch.eq),
    "Erf": _simple(torch.erf),
    "Expand": lambda _, x, shape: x.expand(torch.broadcast_shapes(x.shape, shape.tolist())),
    "Gather": _gather,
    "GatherND": lambda _, x, indices: x[tuple(indices.unbind(-1))],
    "Gelu": lambda attributes, x: F.gelu(x, approximate=attributes.get("approximate", b"none").decode()),
    "Gemm": _gemm,
    "Greater": _simple(torch.gt),
    "Identity": _simple(lambda x: x),
    "LayerNormalization": _layer_norm,
    "Less": _simple(torch.lt),
    "LessOrEqual": _simple(torch.le),
    "MatMul": _matmul,
    "Max": _simple(torch.maximum),
    "Mul": _simple(torch.mul),
    "Neg": _simple(torch.neg),
    "Not": _simple(torch.logical_not),
    "Pow": _simple(torch.pow),
    "Range": lambda _, start, limit, delta: torch.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype),
    "Reciprocal": _simple(torch.reciprocal),
    "ReduceMean": _reduced(torch.mean),
    "ReduceSum": _reduced(torch.sum),
    "Relu": _simple(torch.relu),
    "Reshape": _reshape,
    "Shape": lambda attributes, x: torch.tensor(x.shape[attributes.get("start", 0) : attributes.get("end", None)]),
    "Sigmoid": _simple(torch.sigmoid),
    "Sin": _simple(torch.sin),
    "Slice": _slice,
    "Softmax": lambda attributes, x: torch.softmax(x, attributes.get("axis", -1)),
    "Sqrt": _simple(torch.sqrt),
    "Squeeze": lambda _, x, axes=None: x.squeeze() if axes is None else x.squeeze(axes.tolist()),
    "Sub": _simple(torch.sub),
    "Tanh": _simple(torch.tanh),
    "Transpose": lambda attributes, x: x.permute(attributes.get("perm", tuple(range(x.ndim))[::-1])),
    "Unsqueeze": _unsqueeze,
    "Where": _simple(torch.where),
}
"""Operators by name: functions of a node's attributes and inputs. Only operators with one output have a place here."""
