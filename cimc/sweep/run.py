"""Runs a sweep: finds out which points are missing, has workers run them, and gathers what became of all."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

from cimc.compiler import Options
from cimc.options.conditions import DECODE, Conditions
from cimc.sweep.cluster import local_client, remote_client
from cimc.sweep.dispatch import run_points
from cimc.sweep.grid import Grid
from cimc.sweep.identity import code_digest, digest, model_digest
from cimc.sweep.pareto import check_groups, check_names
from cimc.sweep.points import Point, points_of
from cimc.sweep.store import Outcome, compact
from cimc.sweep.work import Job
from cimc.sweep.workplace import working_folder


@dataclass(frozen=True)
class Where:
    """Where the work is done: a cluster's scheduler, or so many processes on this machine."""

    scheduler: str | None = None
    processes: int | None = None
    """None for one a processor."""


@dataclass(frozen=True)
class Sweep:
    """What became of every point of a grid, in the order of the grid."""

    points: Sequence[Point]
    outcomes: Mapping[str, Outcome]
    """By key of a point."""
    ran: int
    """How many points ran this time; the others were finished before."""
    seconds: float
    job: Job | None = None
    """What its points were made with; None if there is nothing to make more of them with."""

    @property
    def failed(self) -> list[tuple[Point, str]]:
        """Points with their errors."""
        pairs = ((point, self.outcomes[point.key].error) for point in self.points)
        return [(point, error) for point, error in pairs if error is not None]


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: points of the grid, those of them that are finished, those of them that failed."""

    points: int
    finished: int
    failed: int


def run_sweep(
    model: Path,
    grid: Grid,
    out: Path,
    options: Options,
    *,
    conditions: Conditions = DECODE,
    where: Where = Where(),
    retry_failed: bool = False,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Sweep:
    """Run the points of `grid` that are not finished yet in the folder `out`, compiled with `options`.

    Raises UserError if the model, the folder or the cluster cannot be used; a point that fails is a result.
    """
    start = time.perf_counter()
    network = model_digest(model, options.dims or {})
    reading = None if grid.quality is None else grid.quality.absolute()
    if grid.quality is not None:
        network = digest(network, grid.quality.digest())
    points = points_of(grid, network, options, conditions)
    with working_folder(out) as folder:
        outcomes: dict[str, Outcome] = {}

        def report() -> None:
            progress(Progress(len(points), len(outcomes), sum(o.error is not None for o in outcomes.values())))

        def add(outcome: Outcome) -> None:
            if outcome.error is None:
                check_groups(grid.goals, outcome.figures)  # now, and not when all the work is done
            outcomes[outcome.key] = outcome
            report()

        report()
        for outcome in _finished(folder, points, retry_failed):
            add(outcome)
        job = Job(model.absolute(), folder.absolute(), code_digest(), reading)
        missing = list({p.key: p for p in points if p.key not in outcomes}.values())
        if missing:
            with _client(where, len(missing)) as client:
                run_points(client, job, missing, add)
        compact(folder)
    came_through = [outcome for outcome in outcomes.values() if outcome.error is None]
    if came_through:
        check_names(grid.goals, list(dict.fromkeys(name for outcome in came_through for name in outcome.figures)))
    return Sweep(points, outcomes, len(missing), time.perf_counter() - start, job)


def _finished(folder: Path, points: Sequence[Point], retry_failed: bool) -> list[Outcome]:
    """What earlier sweeps found out about these points."""
    known = compact(folder)
    outcomes = [known[key] for key in dict.fromkeys(point.key for point in points) if key in known]
    return [outcome for outcome in outcomes if outcome.error is None or not retry_failed]


def _client(where: Where, points: int) -> AbstractContextManager[Client]:
    if where.scheduler is not None:
        return remote_client(where.scheduler)
    return local_client(min(where.processes or os.cpu_count() or 1, points))
