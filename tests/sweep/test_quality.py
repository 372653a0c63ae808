"""Quality as a figure of points: that of their programs, once for each network, and anew where a program is lossy."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest

from cimc.compiler import Options, compile_network
from cimc.language.context import Run
from cimc.language.ports import Signature, ports_of
from cimc.language.quality.evaluation import PROGRAM, Plan, evaluate
from cimc.language.quality.texts import text_of_bytes
from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError
from cimc.sweep import networks, work
from cimc.sweep.grid import Grid
from cimc.sweep.identity import code_digest
from cimc.sweep.pareto import front_of
from cimc.sweep.points import points_of
from cimc.sweep.quality import PERPLEXITY, Reading, quality_of, running
from cimc.sweep.run import Where, run_sweep
from cimc.sweep.shown.results import rows_of
from cimc.sweep.shown.text import front_table
from cimc.sweep.store import Row
from dialects.errors import UserError
from dialects.semantics.outlined import OutlinedModel

GridOf = Callable[[str], Grid]
Figures = dict[str, int | float | None]
TEXT = b"the cat sat on the mat"
GENERATOR = np.random.default_rng(0)
CONSTANTS = {
    "embedding": GENERATOR.standard_normal((256, 8)).astype(np.float32),
    "head": GENERATOR.standard_normal((8, 256)).astype(np.float32),
}
NETWORK = """g (int64[batch,tokens] input_ids) => (float[batch,tokens,256] logits) {
    x = Gather(embedding, input_ids)
    [follow] logits = MatMul(x, head)
}"""
GRID = """
chip = ["tiny-4"]
mapping = ["spread", "linear"]
QUALITY
[pareto]
minimize = ["latency_ns.parameter", "quality.perplexity"]
[quality]
text = "text.txt"
tokenizer = "bytes"
window = 8
"""


@pytest.fixture
def model(onnx_file: Callable[..., Path], tmp_path: Path) -> Path:
    """A network of bytes, and text.txt beside it."""
    (tmp_path / "text.txt").write_bytes(TEXT)
    return onnx_file(NETWORK, CONSTANTS)


def by_hand(model: Path, **options: Any) -> float:
    """The perplexity of the program."""
    program = compile_network(model, replace(Options(chip="tiny-4", measure=False), **options)).program
    text = text_of_bytes(TEXT)
    return (
        evaluate({PROGRAM: Machine(program).run}, ports_of(program), text, Plan(8), ordered=True)
        .scores[PROGRAM]
        .perplexity
    )


def test_quality_against_cost(
    model: Path, grid: GridOf, threads: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network is asked once, and a program that may clip is asked itself; what they say is what programs compute."""
    asked: dict[str, int] = {"networks": 0, "work": 0}

    def counted(module: ModuleType) -> Callable[..., Figures]:
        def ask(reading: Reading, signature: Signature, run: Run, ordered: bool = False) -> Figures:
            asked[module.__name__.rpartition(".")[2]] += 1
            return quality_of(reading, signature, run, ordered=ordered)

        return ask

    for module in (networks, work):
        monkeypatch.setattr(module, "quality_of", counted(module))
    own = grid(GRID.replace("QUALITY", 'lossy = [0, 1]\nactivations = ["token", "tensor"]'))
    sweep = run_sweep(model, own, tmp_path / "out", Options(), where=threads)
    rows = rows_of(sweep)
    assert asked == {"networks": 2, "work": 4}
    assert len(rows) == 8
    for row in rows:
        expected = by_hand(model, lossy=row["lossy"], activations=row["activations"], mapping=row["mapping"])
        assert row[PERPLEXITY] == expected, row
    assert len({row[PERPLEXITY] for row in rows}) >= 3
    front = front_of(rows, own.goals)
    titles = ["latency a token, arrays alone", "perplexity", "bits per byte"]
    assert front_table(sweep, front).head[-3:] == titles
    assert run_sweep(model, own, tmp_path / "out", Options(), where=threads).ran == 0
    (tmp_path / "text.txt").write_bytes(TEXT[::-1])
    assert run_sweep(model, own, tmp_path / "out", Options(), where=threads).ran == 8, "another text is another figure"


def test_everything_that_is_read_makes_a_difference(model: Path, tmp_path: Path) -> None:
    reading = Reading(tmp_path / "text.txt", "bytes", 8, 8, 2)
    others = [replace(reading, **{name: 1 if name != "window" else 9}) for name in ("window", "stride", "windows")]
    digests = {each.digest() for each in (reading, *others)}
    assert len(digests) == 4
    assert reading.digest() in digests
    (tmp_path / "text.txt").write_bytes(TEXT + b"!")
    assert reading.digest() not in digests


def test_paths_for_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Reading(Path("t"), "model").absolute() == Reading(tmp_path / "t", str(tmp_path / "model"))
    assert Reading(Path("t"), "bytes").absolute().tokenizer == "bytes"


def test_files_that_are_missing_are_found_out_first(model: Path, grid: GridOf, threads: Where, tmp_path: Path) -> None:
    (tmp_path / "text.txt").unlink()
    with pytest.raises(UserError, match=r"text\.txt: cannot be read: no such file or directory$"):
        run_sweep(model, grid(GRID.replace("QUALITY", "")), tmp_path / "out", Options(), where=threads)
    assert not (tmp_path / "out").exists()


def test_networks_that_cannot_read(model: Path, tmp_path: Path) -> None:
    """A stride beyond the window, a text that is too short."""
    reading = Reading(tmp_path / "text.txt", "bytes", 8)
    program = compile_network(model, Options(chip="tiny-4", measure=False)).program
    run = Machine(program).run
    with pytest.raises(UserError, match=r"^quality: stride 9: expected at most the 8 tokens of a window$"):
        quality_of(replace(reading, stride=9), program, run)
    (tmp_path / "text.txt").write_bytes(b"t")
    with pytest.raises(ProgramError, match=r"text\.txt: the text has 1 tokens, too few: expected at least 2$"):
        quality_of(reading, program, run)


def test_a_network_that_is_no_language_model(network: Path, grid: GridOf, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(TEXT)
    (tmp_path / "work").mkdir()
    (point,) = points_of(grid('chip = ["tiny-4"]'), "model", Options())
    job = work.Job(network, tmp_path / "work", code_digest(), Reading(tmp_path / "text.txt", "bytes"))
    error = work.make_network(job, point)
    assert error is not None
    assert error.startswith("no language model, ")
    assert not job.network(point.network).exists()


def test_networks_run_from_files_that_go_again(model: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with running(OutlinedModel(onnx.load_model_from_string(model.read_bytes()), {}), tmp_path / "here") as run:
        assert run({"input_ids": np.array([[1, 2]])})["logits"].shape == (1, 2, 256)
        assert list((tmp_path / "here").iterdir()) != []
    assert list((tmp_path / "here").iterdir()) == []


def test_perplexity_is_a_usual_goal_where_it_differs() -> None:
    def row(perplexity: float | None, monarch: int = 0) -> Row:
        figures: Row = {"latency_ns.total": 1, "energy_pj.total": 2, "arrays": 3, "measured.cosine": 1}
        return {**figures, "monarch": monarch, PERPLEXITY: perplexity}

    def last(*rows: Row) -> str:
        return str(front_of(rows, []).goals[-1])

    assert last(row(4.0), row(5.0, monarch=2)) == f"least {PERPLEXITY}"
    assert last(row(4.0), row(4.0, monarch=2)) == "greatest measured.cosine"
    assert last(row(4.0), row(4.0)) == "least arrays"
