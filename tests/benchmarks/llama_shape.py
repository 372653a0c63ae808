"""Writes a network of Llama 2's shape with made-up weights, layer by layer: `python llama_shape.py FOLDER LAYERS WIDTH
HIDDEN VOCABULARY HEADS`.

`FOLDER/model.onnx` takes ids, mask, positions and the keys and values of tokens before; the float16 weights of each
layer lie in a file of their own, so a network of seven billion takes the memory of one layer.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

PIECE = 1 << 24
"""Numbers that are made at a time."""
LONGEST = 4096
"""Positions that the network knows."""
LARGEST = 6.0 / 256


@dataclass(frozen=True)
class Shape:
    """Numbers of a network; `hidden` is the width of the feed-forward part."""

    layers: int
    width: int
    hidden: int
    vocabulary: int
    heads: int

    @property
    def head(self) -> int:
        """Width of a head."""
        return self.width // self.heads

    @property
    def weights(self) -> int:
        """Numbers in matrices, the table of the vocabulary included."""
        layer = 4 * self.width * self.width + 3 * self.width * self.hidden
        return self.layers * layer + 2 * self.vocabulary * self.width


@dataclass
class Writer:
    """Writes the nodes of a network in order, and weights into one file at a time."""

    folder: Path
    shape: Shape
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    initializers: list[TensorProto] = field(default_factory=list[TensorProto])
    inputs: list[ValueInfoProto] = field(default_factory=list[ValueInfoProto])
    outputs: list[ValueInfoProto] = field(default_factory=list[ValueInfoProto])
    place: str = ""

    def write(self) -> None:
        """The files of the network."""
        shape = self.shape
        for name, axes in (
            ("input_ids", ["batch", "sequence"]),
            ("attention_mask", ["batch", "total"]),
            ("position_ids", ["batch", "sequence"]),
        ):
            self.inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, axes))
        self.place = "embed_tokens"
        table = self.weight("model.embed_tokens.weight", shape.vocabulary, shape.width)
        x = self.node("Gather", [table, "input_ids"])
        self.angles()
        mask = self.mask()
        for layer in range(shape.layers):
            self.place = f"layer{layer}"
            x = self.layer(layer, x, mask)
        self.place = "lm_head"
        x = self.normalised(x, "model.norm")
        logits = self.product(x, "lm_head", shape.width, shape.vocabulary)
        self.node("Identity", [logits], "logits")
        self.outputs.insert(0, self.port("logits", ["batch", "sequence", shape.vocabulary]))
        graph = helper.make_graph(self.nodes, "llama", self.inputs, self.outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        (self.folder / "model.onnx").write_bytes(model.SerializeToString())

    def layer(self, number: int, x: str, mask: str) -> str:
        """One layer: attention with keys and values of before, and the gated feed-forward part."""
        shape, name = self.shape, f"model.layers.{number}"
        y = self.normalised(x, f"{name}.input_layernorm")
        query, key, value = (
            self.split(self.product(y, f"{name}.self_attn.{part}_proj", shape.width, shape.width)) for part in "qkv"
        )
        query, key = self.rotated(query), self.rotated(key)
        key, value = self.with_past(number, "key", key), self.with_past(number, "value", value)
        scores = self.node("MatMul", [query, self.node("Transpose", [key], perm=[0, 1, 3, 2])])
        scores = self.node("Mul", [scores, self.constant(np.array(shape.head**-0.5, np.float16))])
        weights = self.node("Softmax", [self.node("Add", [scores, mask])], axis=-1)
        joined = self.node("Transpose", [self.node("MatMul", [weights, value])], perm=[0, 2, 1, 3])
        joined = self.node("Reshape", [joined, self.constant(np.array([0, 0, shape.width]))])
        x = self.node("Add", [x, self.product(joined, f"{name}.self_attn.o_proj", shape.width, shape.width)])
        y = self.normalised(x, f"{name}.post_attention_layernorm")
        gate, up = (self.product(y, f"{name}.mlp.{part}_proj", shape.width, shape.hidden) for part in ("gate", "up"))
        y = self.node("Mul", [self.node("Mul", [gate, self.node("Sigmoid", [gate])]), up])
        return self.node("Add", [x, self.product(y, f"{name}.mlp.down_proj", shape.hidden, shape.width)])

    def angles(self) -> None:
        """`cos` and `sin` [batch, 1, sequence, head], by position."""
        half = np.arange(0, self.shape.head, 2) / self.shape.head
        angles = np.arange(LONGEST)[:, None] * 10000.0 ** -np.concatenate([half, half])
        for name, values in (("cos", np.cos(angles)), ("sin", np.sin(angles))):
            rows = self.node("Gather", [self.constant(values.astype(np.float16)), "position_ids"])
            self.node("Unsqueeze", [rows, self.constant(np.array([1]))], name)

    def mask(self) -> str:
        """What is added to scores [batch, 1, sequence, total]: much below 0 for tokens that are later, or masked."""
        total = self.node("Shape", ["attention_mask"], start=1, end=2)
        columns = self.node("Range", [self.scalar(0), self.node("Squeeze", [total]), self.scalar(1)])
        rows = self.node("Unsqueeze", ["position_ids", self.constant(np.array([2]))])
        earlier = self.node("LessOrEqual", [columns, rows])
        given = self.node("Cast", ["attention_mask"], to=TensorProto.BOOL)
        seen = self.node("And", [earlier, self.node("Unsqueeze", [given, self.constant(np.array([1]))])])
        nought, low = (self.constant(np.array(number, np.float16)) for number in (0, -60000))
        return self.node("Unsqueeze", [self.node("Where", [seen, nought, low]), self.constant(np.array([1]))])

    def with_past(self, layer: int, role: str, new: str) -> str:
        """All keys or values [batch, heads, total, head]: those of before, and the new ones."""
        past, present = f"past_key_values.{layer}.{role}", f"present.{layer}.{role}"
        sizes: list[str | int] = ["batch", self.shape.heads, "past", self.shape.head]
        self.inputs.append(self.port(past, sizes))
        self.outputs.append(self.port(present, [*sizes[:2], "total", sizes[3]]))
        return self.node("Concat", [past, new], present, axis=2)

    def split(self, x: str) -> str:
        """[batch, sequence, width] as [batch, heads, sequence, head]."""
        sizes = self.constant(np.array([0, 0, self.shape.heads, self.shape.head]))
        return self.node("Transpose", [self.node("Reshape", [x, sizes])], perm=[0, 2, 1, 3])

    def rotated(self, x: str) -> str:
        """Queries or keys turned by their positions."""
        half = self.shape.head // 2
        first, second, axis, end = (self.constant(np.array([n])) for n in (0, half, -1, self.shape.head))
        low = self.node("Slice", [x, first, second, axis])
        high = self.node("Slice", [x, second, end, axis])
        turned = self.node("Concat", [self.node("Neg", [high]), low], axis=-1)
        return self.node("Add", [self.node("Mul", [x, "cos"]), self.node("Mul", [turned, "sin"])])

    def normalised(self, x: str, name: str) -> str:
        """Root mean square normalisation with a weight for each column."""
        square = self.node("ReduceMean", [self.node("Mul", [x, x])], axes=[-1])
        length = self.node("Sqrt", [self.node("Add", [square, self.constant(np.array(1e-5, np.float16))])])
        scale = self.constant(np.ones(self.shape.width, np.float16), f"{name}.weight")
        return self.node("Mul", [self.node("Div", [x, length]), scale])

    def product(self, x: str, name: str, rows: int, columns: int) -> str:
        """`x` times a weight [rows, columns]."""
        return self.node("MatMul", [x, self.weight(f"{name}.weight", rows, columns)], node=f"/{name}/MatMul")

    def weight(self, name: str, rows: int, columns: int) -> str:
        """A float16 weight at the end of the file of this layer."""
        file, size = f"{self.place}.data", rows * columns
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT16, dims=[rows, columns])
        with (self.folder / file).open("ab") as stream:
            entries = {"location": file, "offset": str(stream.tell()), "length": str(2 * size)}
            for piece in numbers(len(self.initializers), size):
                stream.write(piece.data)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        self.initializers.append(tensor)
        return name

    def constant(self, array: NDArray[np.generic], name: str = "") -> str:
        """A small constant, in the model."""
        name = name or f"constant.{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def scalar(self, number: int) -> str:
        return self.constant(np.array(number, np.int64))

    def port(self, name: str, shape: Sequence[str | int]) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT16, shape)

    def node(self, op_type: str, inputs: list[str], output: str = "", node: str = "", **settings: Any) -> str:
        """A node, and its only output."""
        output = output or f"{op_type}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=node or f"/{output}", **settings))
        return output


def numbers(seed: int, count: int) -> Iterator[NDArray[np.float16]]:
    """`count` numbers like those of trained weights, piece by piece: 256 different ones, most of them near 0."""
    steps = np.linspace(-1, 1, 256)
    values = (LARGEST * steps * steps * np.sign(steps)).astype(np.float16)
    generator = np.random.default_rng(seed)
    for first in range(0, count, PIECE):
        yield values[generator.integers(0, 256, min(PIECE, count - first), np.uint8)]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    Writer(folder, Shape(*map(int, sys.argv[2:]))).write()
