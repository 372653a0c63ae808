"""Training of examples/monarch_lm: every route of its script runs, and pulled weights end as Monarch layers."""

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

FOLDER = Path(__file__).parents[2] / "examples" / "monarch_lm"


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("train")


@pytest.fixture
def text() -> Tensor:
    return torch.frombuffer(bytearray((FOLDER / "validation_excerpt.txt").read_bytes()), dtype=torch.uint8).long()


def arguments(train: ModuleType, monkeypatch: pytest.MonkeyPatch, *options: str) -> argparse.Namespace:
    small = ("--width", "32", "--layers", "1", "--heads", "2", "--steps", "40", "--batch", "4", *options)
    monkeypatch.setattr(sys, "argv", ["train.py", "out.pt", *small])
    return train.parse_arguments()


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        (["--blocks", "1"], 12 * 32 * 32 + 32 * 256),
        (["--blocks", "4"], 4 * 2 * 32 * 8 + 2 * (32 + 128) * 8 + (32 + 256) * 8),
        (["--blocks", "4", "--pull", "0.5"], 4 * 2 * 32 * 8 + 2 * (32 + 128) * 8 + (32 + 256) * 8),
    ],
)
def test_every_route_learns(
    options: list[str],
    stored: int,
    train: ModuleType,
    text: Tensor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = train.trained(text, arguments(train, monkeypatch, *options))
    assert model.stored_weights() == stored
    bits = train.bits_per_byte(model, text)
    assert 1 < bits < 7, bits
    assert "step 40: " in capsys.readouterr().out


def test_nearest_product_is_followed_and_ends_as_factors(train: ModuleType) -> None:
    generator = torch.Generator().manual_seed(0)
    for inputs, outputs in ((32, 32), (32, 128), (128, 32)):
        weight = nn.Parameter(torch.randn(inputs, outputs, generator=generator))
        pull = train.Pull(weight, 4)
        pull.apply(1.0)
        with torch.no_grad():
            weight.add_(torch.randn(inputs, outputs, generator=generator), alpha=0.001)
        before = weight.detach().clone()
        pull.apply(0.0)
        assert pull.rank == 2
        # What the nearest matrices of rank 2 leave are the other singular values.
        left_over = np.linalg.svd(pull.slices(before).numpy(), compute_uv=False)[..., 2:]
        # A step of subspace iteration comes near the nearest ones, not to them.
        assert np.linalg.norm((weight.detach() - before).numpy()) <= 1.01 * np.linalg.norm(left_over)
        layer = sys.modules["model"].Monarch(inputs, outputs, 4)
        layer.first.data, layer.second.data = pull.factors()
        torch.testing.assert_close(layer.product(), weight, rtol=0, atol=1e-5)
        x = torch.randn(2, 3, inputs, generator=generator)
        torch.testing.assert_close(layer.eval()(x), x @ weight, rtol=0, atol=1e-4)


def test_shares_to_keep_multiply_to_nothing(train: ModuleType) -> None:
    assert train.keep_at(0, 10.0) == pytest.approx(0.9755, abs=1e-4)
    assert [train.keep_at(step, 10.0) for step in (9, 10, 500)] == [0, 0, 0]
    product = 1.0
    for step in range(5):
        product *= train.keep_at(step, 10.0)
    assert product == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pull", "1.5"], "--pull 1.5: expected a share of the steps between 0 and 1"),
        (["--pull", "0.5", "--blocks", "1"], "--pull with --blocks 1: there is nothing to pull dense layers onto"),
    ],
)
def test_what_cannot_be_pulled(
    options: list[str],
    message: str,
    train: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        arguments(train, monkeypatch, *options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--pull", "0.5"]])
def test_sizes_that_blocks_cannot_share(
    options: list[str], train: ModuleType, text: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = arguments(train, monkeypatch, "--blocks", "5", *options)
    with pytest.raises(ValueError, match="32 inputs and 32 outputs cannot be dealt out evenly to 5 blocks"):
        train.trained(text, asked)
