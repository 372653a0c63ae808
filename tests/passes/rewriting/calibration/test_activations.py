"""Calibration inputs: whatever is wrong with their file is one line that names it."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import MatmulOp
from dialects.errors import UserError
from dialects.network import Network
from passes.rewriting.calibration.activations import activations, calibration_inputs


def test_damaged_archives(damaged_archives: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    for damage, content in damaged_archives.items():
        file.write_bytes(content)
        with pytest.raises(UserError) as error:
            calibration_inputs(str(file), ["x"])
        assert str(error.value).startswith(f"{file}: not an .npz file with calibration inputs: "), damage
        assert "\n" not in str(error.value), damage


def test_a_cache_may_be_empty_but_not_everything(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=np.ones((1, 2)), past=np.ones((1, 0, 4)), text=np.array(["nan"]))
    assert set(calibration_inputs(str(file), ["x", "past", "text"])) == {"x", "past", "text"}
    with pytest.raises(UserError) as error:
        calibration_inputs(str(file), ["past"])
    assert str(error.value) == f"{file}: array 'past' of shape [1, 0, 4] holds no vectors: expected at least one"
    assert calibration_inputs(str(file), []) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%x", "array 'x' of shape [0, 2] holds no vectors: expected at least one"),
        ("%none", "on these inputs node 'cim.matmul' multiplies no vectors: expected at least one"),
    ],
)
def test_multiplications_of_no_vectors(tmp_path: Path, text: str, message: str) -> None:
    """It is an input that is empty, or what the network makes of inputs that are not."""
    file = str(tmp_path / "x.npz")
    np.savez(file, x=np.ones((0 if text == "%x" else 3, 2), np.float32), more=np.ones((1, 2), np.float32))
    ctx = make_context()
    module = Parser(
        ctx,
        f"""
        cim.weight @w = dense<1.0> : tensor<2x2xf32>
        func.func @main(%x: tensor<?x2xf32> {{cim.name = "x"}}, %more: tensor<1x2xf32> {{cim.name = "more"}})
            -> tensor<?x2xf32> {{
          %zero = cim.constant dense<[0]> : tensor<1xi64>
          %none = cim.digital "Slice"(%x, %zero, %zero, %zero) : (tensor<?x2xf32>, tensor<1xi64>, tensor<1xi64>,
            tensor<1xi64>) -> tensor<?x2xf32>
          %y = cim.matmul {text}, @w : tensor<?x2xf32> -> tensor<?x2xf32>
          func.return %y : tensor<?x2xf32>
        }}""",
    ).parse_module()
    network = Network.of(ctx, module)
    (product,) = (op for op in network.body if isinstance(op, MatmulOp))
    with pytest.raises(UserError) as error:
        activations(network, [product.x], file)
    assert str(error.value) == f"{file}: {message}"
