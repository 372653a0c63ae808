"""Training of examples/monarch_lm: every route of its script runs, and pulled weights end as Monarch layers."""

import argparse
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

SMALL = ("--width", "32", "--layers", "1", "--heads", "2", "--steps", "40", "--batch", "4")
FOLDER = Path(__file__).parents[2] / "examples" / "monarch_lm"


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("train")


@pytest.fixture
def compare(train: ModuleType) -> ModuleType:
    return importlib.import_module("compare")


@pytest.fixture
def text() -> Tensor:
    return torch.frombuffer(bytearray((FOLDER / "validation_excerpt.txt").read_bytes()), dtype=torch.uint8).long()


def arguments(train: ModuleType, *options: str) -> argparse.Namespace:
    return train.parse_arguments(["out.pt", *SMALL, *options])


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
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = train.trained(text, arguments(train, *options))
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
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        arguments(train, *options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--pull", "0.5"]])
def test_sizes_that_blocks_cannot_share(options: list[str], train: ModuleType, text: Tensor) -> None:
    asked = arguments(train, "--blocks", "5", *options)
    with pytest.raises(ValueError, match="32 inputs and 32 outputs cannot be dealt out evenly to 5 blocks"):
        train.trained(text, asked)


def test_comparison_tells_means_spreads_and_who_is_ahead(
    compare: ModuleType, text: Tensor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = {"Monarch": [*SMALL, "--blocks", "4", "--pull", "0.3"], "dense": [*SMALL, "--blocks", "1"]}
    monkeypatch.setattr(compare, "SIDES", sides)
    compare.compare(text, text[:1025], 2, [0, 1])
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert [row[:3] for row in rows[1:]] == [
        ["| Monarch", "6,912", "0"],
        ["| dense", "20,480", "0"],
        ["| Monarch", "6,912", "1"],
        ["| dense", "20,480", "1"],
    ]
    assert re.fullmatch(r"Monarch: [\d.]+ on average, seeds within [\d.]+", lines[-3])
    assert re.fullmatch(r"dense: [\d.]+ on average, seeds within [\d.]+", lines[-2])


@pytest.mark.parametrize(
    ("monarch", "dense", "verdict"),
    [
        ([1.80, 1.81], [1.83, 1.84], "Monarch is ahead by 0.0300, more than seeds are apart"),
        ([1.80, 1.85], [1.83, 1.84], "Monarch is ahead by 0.0100, not more than seeds are apart"),
        ([1.83, 1.84], [1.80, 1.81], "Monarch is behind by 0.0300, more than seeds are apart"),
    ],
)
def test_verdict_of_a_comparison(compare: ModuleType, monarch: list[float], dense: list[float], verdict: str) -> None:
    assert compare.verdict({"Monarch": monarch, "dense": dense}) == verdict
