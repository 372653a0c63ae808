"""Every module has its tests where its name says: `passes/tile_blocks.py` in
`tests/passes/test_tile_blocks.py`, and `cimc/sweep/grid.py` in `tests/sweep/test_grid.py`."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGES = ("cimc", "passes", "dialects")

AGAINST_THE_REFERENCE = "a compiled loop: tests/machine/test_engines.py runs it in whole programs, bit for bit"
BY_RUNNING_IT = "a command: tests/commands runs it, as users do"
EVERY_MESSAGE = (
    "a check of programs: tests/program/test_verifier.py has every message, each from one change to a good one"
)
WITH_TORCH = "it needs torch, in a process of its own: tests/export/test_worker.py runs it with many networks"
ELSEWHERE = {
    "cimc/clock/graph.py": "structures, without code",
    "cimc/clock/operator_steps.py": "a part of steps: tests/clock/test_steps.py builds them from whole programs",
    "cimc/commands/compile_model.py": BY_RUNNING_IT,
    "cimc/commands/generation.py": "cim-run --generate: tests/language/test_generation.py runs it, as users do",
    "cimc/commands/export_model.py": BY_RUNNING_IT,
    "cimc/commands/optimize.py": BY_RUNNING_IT,
    "cimc/commands/report_program.py": BY_RUNNING_IT,
    "cimc/commands/run_program.py": BY_RUNNING_IT,
    "cimc/commands/shared.py": "what commands share: tests/commands runs them, as users do",
    "cimc/optimizer/driver.py": "cim-opt: all of lit/ runs it",
    "cimc/export/models.py": WITH_TORCH,
    "cimc/export/network.py": WITH_TORCH,
    "cimc/export/tidy.py": WITH_TORCH,
    "cimc/machine/engine.py": "a protocol, without code",
    "cimc/machine/fast/bit_blocks.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/bit_counts.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/byte_packing.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/clipping.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/conversions.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/exact_execution.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/execution.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/products.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/transposing.py": AGAINST_THE_REFERENCE,
    "cimc/machine/fast/words.py": "types and sizes; tests/machine/fast/test_image.py looks where cells begin",
    "cimc/program/verification/checks.py": EVERY_MESSAGE,
    "cimc/program/verification/chips.py": EVERY_MESSAGE,
    "cimc/program/verification/formats.py": EVERY_MESSAGE,
    "cimc/program/verification/kernels.py": EVERY_MESSAGE,
    "cimc/program/verification/multiplications.py": EVERY_MESSAGE,
    "cimc/program/verification/order.py": EVERY_MESSAGE,
    "cimc/program/verification/records.py": EVERY_MESSAGE,
    "cimc/program/verification/tiles.py": EVERY_MESSAGE,
    "cimc/report/formulas.py": "texts: tests/report/test_report.py demands one for every figure",
    "cimc/sweep/dispatch.py": "talks to Dask: tests/sweep/test_run.py and test_cluster.py run it with real workers",
    "passes/analysis/stages/resources.py": "a structure, without code",
    "passes/breaches.py": "what breaks a rule: tests/passes/test_rules.py breaks each",
    "dialects/chip/costs.py": "groups of numbers, without code",
    "dialects/errors.py": "an exception, without code",
}
"""Modules without such a file, and where their tests are."""


def modules() -> list[str]:
    """All modules with something to test in them, by their path."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return sorted(str(file.relative_to(ROOT)) for file in files if not file.name.startswith("__"))


def mirror(module: str) -> Path:
    folder, name = Path(module).parent, Path(module).name
    return HERE / (folder.relative_to("cimc") if folder.parts[0] == "cimc" else folder) / f"test_{name}"


@pytest.mark.parametrize("module", modules())
def test_every_module_has_its_tests(module: str) -> None:
    file = mirror(module)
    assert file.exists() or module in ELSEWHERE, f"{module}: expected its tests in {file.relative_to(ROOT)}"


def test_exceptions_are_modules_without_such_a_file() -> None:
    assert set(ELSEWHERE) <= set(modules())
    assert [module for module in ELSEWHERE if mirror(module).exists()] == []
