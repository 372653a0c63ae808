"""Real exports of structured layers: what `expected.json` says is found, and the bits are those of the reference."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cimc.compiler import Compilation
from cimc.machine.check import compare, run_reference
from cimc.machine.inputs import random_inputs
from cimc.machine.machine import Machine
from cimc.report.report import report_of

Check = Callable[..., Compilation]

FOLDER = Path(__file__).parents[1] / "models"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
"""`kind` and `stored_weights` of each file."""
AT_MOST = {"dense_monarch_product_256x256_nb4.dyn.onnx"}
"""Files whose structure may be found in a cheaper form than the one that made it."""
PERMUTATIONS = {"monarch": 1, "blast": 0, "block_diagonal": 0}
"""Permutations that a product of each kind needs: between two factors of a Monarch product."""
BEFORE_BLOCKS = {"blockdiag_bmm_256x256_nb4_shuffle.dyn.onnx", "dense_permuted_blockdiag_256x256_nb4.ts.onnx"}
"""Files whose inputs come in another order than the blocks want them: one permutation more."""


def test_every_file_is_expected() -> None:
    assert sorted(EXPECTED) == sorted(file.name for file in FOLDER.glob("*.onnx"))


@pytest.mark.parametrize("name", EXPECTED)
def test_structure_and_bits(name: str, compiled: Check) -> None:
    expected = EXPECTED[name]
    report = report_of(compiled(FOLDER / name, chip="pcm-256", verify_each=True).program)
    assert {layer.kind for layer in report.layers} == {expected["kind"]}
    if name in AT_MOST:
        assert report.stored_weights <= expected["stored_weights"]
    else:
        assert report.stored_weights == expected["stored_weights"]
    products = len(report.layers) // 2 if expected["kind"] != "block_diagonal" else len(report.layers)
    assert report.permutations_executed == products * PERMUTATIONS[expected["kind"]] + (name in BEFORE_BLOCKS)


@pytest.mark.parametrize("name", [name for name, what in EXPECTED.items() if what["stored_weights"] == 8192])
def test_reference_engine(name: str, compiled: Check, tmp_path: Path) -> None:
    program = compiled(FOLDER / name, chip="pcm-256").program
    given = random_inputs(program.inputs)
    assert compare(
        Machine(program, "reference").run(given), run_reference(tmp_path / "reference.onnx", given)
    ).identical
