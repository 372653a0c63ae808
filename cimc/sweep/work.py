"""What a worker of a sweep does: make a network, bring a network onto a chip. The rest only arranges that."""

import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from cimc.compiler import emit_program, schedule_network
from cimc.machine.machine import Machine
from cimc.measuring import measured_program
from cimc.pass_driver.pass_runner import PassRunner
from cimc.program.arrays.conversions import may_clip
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.report.report import report_of
from cimc.sweep.figures import Figure, figures_of, measured_figures
from cimc.sweep.identity import code_digest
from cimc.sweep.networks import load_network, prepare_network
from cimc.sweep.points import Point
from cimc.sweep.quality import Reading, quality_of
from cimc.sweep.store import Outcome, write_outcome
from dialects.errors import UserError
from dialects.hardware import MODULE_KEY, ChipAttr
from dialects.history import note_sources

NETWORKS = "networks"


class UnfitWorker(Exception):
    """A worker that cannot take part in a sweep; the text says why."""


@dataclass(frozen=True)
class Job:
    """What all work of a sweep shares; paths are absolute, and the same for every worker."""

    model: Path
    folder: Path
    """The working folder."""
    code: str
    """The digest of the cimc that began the sweep."""
    reading: Reading | None = None
    """What every network is to read."""

    def network(self, key: str) -> Path:
        """Where the quantised network of that key is kept."""
        return self.folder / NETWORKS / key


def make_network(job: Job, point: Point) -> str | None:
    """Make the network of a point; why that failed, None if it did not."""
    _check_worker(job)
    try:
        prepare_network(job.model, point.options, job.network(point.network), job.reading)
    except Exception as error:
        return explained(error)
    return None


def run_point(job: Job, point: Point) -> Outcome:
    """Run a point whose network is made, and keep what became of it; a failure is a result, too."""
    _check_worker(job)
    start = time.perf_counter()
    figures: dict[str, Figure] = {}
    error = None
    try:
        figures = _figures(job, point)
    except Exception as failure:
        error = explained(failure)
    outcome = Outcome(point.key, figures, error, time.perf_counter() - start)
    write_outcome(job.folder, outcome)
    return outcome


def _figures(job: Job, point: Point) -> dict[str, Figure]:
    program, network = program_of(job, point), load_network(job.network(point.network))
    figures = {**figures_of(report_of(program, point.conditions)), **network.figures}
    if may_clip(program):
        assert program.measured is not None
        figures |= measured_figures(program.measured)
        if job.reading is not None:
            figures |= quality_of(job.reading, program, Machine(program, threads=1).run, ordered=True)
    return figures


def program_of(job: Job, point: Point) -> Program:
    """The program of a point whose network is made, with what was measured of it.

    Raises UserError if it cannot be compiled.
    """
    chip = ChipAttr.from_dict(point.chip)
    network = load_network(job.network(point.network))
    module = network.module.clone()
    module.attributes[MODULE_KEY] = chip
    note_sources(module, point.sources)
    schedule_network(PassRunner(network.ctx), module, point.options)
    program = emit_program(network.ctx, module, point.options)
    program.measured = network.distance
    if may_clip(program):  # and then it does not compute what its network does
        program.measured = measured_program(job.model, program, point.options, threads=1)
    return program


def _check_worker(job: Job) -> None:
    if code_digest() != job.code:
        raise UnfitWorker("a worker runs another cimc than this one: install the same version everywhere")
    if not job.folder.is_dir():
        raise UnfitWorker(f"a worker does not see {job.folder}: --out must be on a file system that all workers share")


def explained(error: Exception) -> str:
    """One line about a failure: a user's mistake in its own words, a bug of ours with its kind and place."""
    text = one_line(error)
    if isinstance(error, UserError | ProgramError):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{place}"
