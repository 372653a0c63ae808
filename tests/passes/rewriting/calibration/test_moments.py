"""Second moments of what weights multiply: those of the vectors, one run for many of them or one for each."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import MatmulOp
from dialects.errors import UserError
from dialects.network import Network
from passes.rewriting.calibration import moments
from passes.rewriting.calibration.moments import Vectors, second_moments

TEXT = """
cim.weight @w = dense<[[1.0, 2.0], [0.5, -1.0]]> : tensor<2x2xf32>
cim.weight @v = dense<[[1.0, -2.0], [0.25, 1.0]]> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32> {cim.name = "x"}) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  %r = cim.digital "Relu"(%y) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = cim.matmul %r, @v : tensor<?x2xf32> -> tensor<?x2xf32>
  func.return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}"""


def network() -> tuple[Network, list[MatmulOp]]:
    ctx = make_context()
    net = Network.of(ctx, Parser(ctx, TEXT).parse_module())
    return net, [op for op in net.ops if isinstance(op, MatmulOp)]


@pytest.mark.parametrize("together", [1, 1 << 30])
def test_moments(together: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "KEPT", together)
    x = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    net, (first, second) = network()
    wanted = {"w": Vectors([first.x], 2), "both": Vectors([first.x, second.x], 2), "parts": Vectors([second.x], 1, 2)}
    made = dict(second_moments(net, wanted, str(tmp_path / "x.npz")))
    r = np.maximum(x @ np.array([[1, 2], [0.5, -1]], np.float32), 0).astype(np.float64)
    assert np.allclose(made["w"], [x.T @ x / 7])
    assert np.allclose(made["both"], [(x.T @ x + r.T @ r) / 14])
    assert np.allclose(made["parts"][:, 0, 0], (r * r).mean(axis=0))
    assert made["parts"].shape == (2, 1, 1)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 2), np.float32), "array 'x' of shape [0, 2] holds no vectors: expected at least one"),
        (
            np.full((1, 2), 3e38, np.float32),
            "on these inputs node 'cim.matmul' multiplies inf, at [0, 0] of [1, 2]: expected numbers up to 1.70141e+38",
        ),
        (np.zeros((1, 3), np.float32), "the network does not run on these inputs: "),
    ],
)
def test_inputs_that_say_nothing(x: np.ndarray, message: str, tmp_path: Path) -> None:
    file = str(tmp_path / "x.npz")
    np.savez(file, x=x)
    net, (_, second) = network()
    with pytest.raises(UserError) as error:
        list(second_moments(net, {"v": Vectors([second.x], 2)}, file))
    assert str(error.value).startswith(f"{file}: {message}")
    assert "\n" not in str(error.value)
