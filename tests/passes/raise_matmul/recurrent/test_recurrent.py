"""Recurrent operators with whatever inputs and settings they have: the numbers of ONNX Runtime's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from cimc.compiler import Compilation
from cimc.machine.machine import Machine

Array = NDArray[Any]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


class Dice:
    """A random node, with arrays that the network is given and constants."""

    def __init__(self, seed: int):
        dice = self.dice = np.random.default_rng(seed)
        self.op = ("LSTM", "GRU", "RNN")[seed % 3]
        self.hidden, inputs, batch, steps = (int(n) for n in dice.integers(1, 5, 4))
        direction = ("forward", "reverse", "bidirectional")[int(dice.integers(3))]
        self.directions = 1 + (direction == "bidirectional")
        self.names, self.given, self.constants = ["x"], dict[str, Array](), dict[str, Array]()
        self.given["x"] = self.floats(steps, batch, inputs)
        width = GATES[self.op] * self.hidden
        self.put("w", self.floats(self.directions, width, inputs), always=True)
        self.put("r", self.floats(self.directions, width, self.hidden), always=True)
        self.put("b", self.floats(self.directions, 2 * width))
        self.put("lengths", dice.integers(1, steps + 1, batch).astype(np.int32), is_given=True)
        self.put("h", self.floats(self.directions, batch, self.hidden), is_given=bool(dice.integers(2)))
        settings: dict[str, Any] = {"clip": 0.5} if dice.random() < 0.3 else {}
        if self.op == "LSTM":
            self.put("c", self.floats(self.directions, batch, self.hidden), is_given=bool(dice.integers(2)))
            self.put("p", self.floats(self.directions, 3 * self.hidden))
            settings["input_forget"] = int(dice.integers(2))
        if self.op == "GRU":
            settings["linear_before_reset"] = int(dice.integers(2))
        outputs = [
            name if dice.random() < 0.8 else "" for name in ("y", "last", "cell")[: 3 if self.op == "LSTM" else 2]
        ]
        self.node: NodeProto = helper.make_node(
            self.op, self.names, outputs if any(outputs) else ["y"], "/recurrent", hidden_size=self.hidden,
            direction=direction, **settings,
        )  # fmt: skip

    def floats(self, *shape: int) -> Array:
        return (self.dice.normal(size=shape) * 0.7).astype(np.float32)

    def put(self, name: str, array: Array, *, always: bool = False, is_given: bool = False) -> None:
        """Perhaps an input of the node."""
        if not always and self.dice.random() < 0.5:
            self.names.append("")
            return
        self.names.append(name)
        (self.given if is_given else self.constants)[name] = array


@pytest.mark.parametrize("seed", range(30))
def test_random_nodes(seed: int, recurrent: Callable[..., Any]) -> None:
    dice = Dice(seed)
    recurrent(dice.node, dice.given, dice.constants, opset=(11, 14, 17)[seed // 3 % 3]).check()


def test_a_whole_program(tmp_path: Path, compiled: Callable[..., Compilation]) -> None:
    """An `LSTM` in both directions: its weights in arrays, one step a time step, and the bits of the reference."""
    dice = np.random.default_rng(0)
    weights = {name: dice.normal(size=(2, 16, size)).astype(np.float32) / 3 for name, size in (("w", 3), ("r", 4))}
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y", "h"], "/lstm", hidden_size=4, direction="bidirectional")
    x = helper.make_tensor_value_info("x", 1, ["steps", "batch", 3])
    outputs = [helper.make_empty_tensor_value_info(name) for name in ("y", "h")]
    graph = helper.make_graph([node], "g", [x], outputs, [numpy_helper.from_array(a, n) for n, a in weights.items()])
    file = tmp_path / "lstm.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    inputs = {"x": dice.normal(size=(5, 2, 3)).astype(np.float32)}
    program = compiled(file, inputs, measure=False).program
    assert sorted((m.node, program.weights[m.weight].rows) for m in program.multiplications) == [
        *(("/lstm", 3) for _ in range(2)),
        *(("/lstm", 4) for _ in range(2)),
    ]
    assert [control.node for control in program.controls] == ["/lstm", "/lstm"]
    machine = Machine(program)
    assert machine.run(inputs)["y"].shape == (5, 2, 2, 4)
    assert machine.run({"x": inputs["x"][:2]})["y"].shape == (2, 2, 2, 4)
