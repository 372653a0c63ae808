"""One layer of the paper's networks as ONNX, decoding one token: for what is not a multiplication by weights."""

from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from cimc.paper.shapes import Step

Array = npt.NDArray[Any]

HEAD = 64
"""Elements of a head in all three networks."""


def layer_model(steps: tuple[Step, ...], context: int, monarch: bool) -> ModelProto:
    """A layer [1, n] -> [1, n] of steps as in `cimc.paper.shapes`, with generated weights.

    A step with several weights begins an attention over `context` keys and values, which are inputs; the last step of
    an attention or of a feed forward network ends with an addition of what came in, and a normalisation.
    """
    writer = _Writer(monarch)
    ((width, _), *_), *_ = steps
    value = "x"
    position = 0
    while position < len(steps):
        entry, step = value, steps[position]
        shape, *others = step
        if others:
            query = writer.attention_inputs(value, step)
            position += 1
            if query is None:  # cross attention: the query is a step of its own
                query = writer.linear(value, *steps[position][0])
                position += 1
            value = writer.attend(query, width, context)
        else:
            value = writer.node("Gelu", [writer.linear(value, *shape)])
            position += 1
        value = writer.linear(value, *steps[position][0])
        position += 1
        scale, bias = (writer.constant(np.ones(width, np.float32)) for _ in range(2))
        value = writer.node("LayerNormalization", [writer.node("Add", [value, entry]), scale, bias], axis=-1)
    return writer.model(value, width)


class _Writer:
    def __init__(self, monarch: bool) -> None:
        self.monarch = monarch
        self.random = np.random.default_rng(0)
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.inputs: list[ValueInfoProto] = []
        self.outputs: list[str] = []

    def node(self, op_type: str, inputs: list[str], **attributes: int | list[int]) -> str:
        name = f"v{len(self.nodes)}"
        made = helper.make_node(op_type, inputs, [name], name=f"{op_type}_{len(self.nodes)}")
        made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(made)
        return name

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weights(self, *shape: int) -> str:
        return self.constant(self.random.standard_normal(shape, np.float32) / np.float32(isqrt(shape[-2])))

    def linear(self, value: str, rows: int, columns: int) -> str:
        """A multiplication by weights and an addition of a bias; the Monarch form is padded to a square."""
        if self.monarch:
            product = self._monarch(value, rows, columns)
        else:
            product = self.node("MatMul", [value, self.weights(rows, columns)])
        return self.node("Add", [product, self.constant(np.ones(columns, np.float32))])

    def _monarch(self, value: str, rows: int, columns: int) -> str:
        side = max(rows, columns)
        b = isqrt(side)
        if rows < side:
            value = self.node("Pad", [value, self._integers(0, 0, 0, side - rows)])
        for _ in range(2):  # both factors: blocks, then the other order of their outputs
            blocks = self.node("Transpose", [self._reshaped(value, 1, b, b)], perm=[1, 0, 2])
            product = self.node("MatMul", [blocks, self.weights(b, b, b)])
            value = self._reshaped(self.node("Transpose", [product], perm=[1, 2, 0]), 1, side)
        if columns < side:
            value = self.node("Slice", [value, self._integers(0), self._integers(columns), self._integers(1)])
        return value

    def attention_inputs(self, value: str, step: Step) -> str | None:
        """The products of a step with several weights; the query, if there is one among them.

        Without one it is cross attention: keys and values come from what the encoder said, which is an input.
        """
        source = value if len(step) == 3 else self._input("encoded", 1, step[0][0])
        products = [self.linear(source, *shape) for shape in step]
        self.outputs += products[-2:]  # they join the cache
        return products[0] if len(products) == 3 else None

    def attend(self, query: str, width: int, context: int) -> str:
        """Attention of a query [1, width] over a cache of `context` keys and values."""
        heads = width // HEAD
        keys, values = (self._input("cache", heads, *shape) for shape in ((HEAD, context), (context, HEAD)))
        scaled = self.node("Mul", [query, self.constant(np.array(HEAD**-0.5, np.float32))])
        scores = self.node("MatMul", [self._reshaped(scaled, heads, 1, HEAD), keys])
        mixed = self.node("MatMul", [self.node("Softmax", [scores], axis=-1), values])
        return self._reshaped(mixed, 1, width)

    def model(self, result: str, width: int) -> ModelProto:
        value = helper.make_tensor_value_info
        outputs = [value(name, TensorProto.FLOAT, [1, width]) for name in [result, *self.outputs]]
        inputs = [value("x", TensorProto.FLOAT, [1, width]), *self.inputs]
        graph = helper.make_graph(self.nodes, "layer", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)

    def _input(self, role: str, *shape: int) -> str:
        name = f"{role}{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        return name

    def _reshaped(self, value: str, *shape: int) -> str:
        return self.node("Reshape", [value, self._integers(*shape)])

    def _integers(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))
