"""Gives the work of a sweep to Dask's workers, and takes back what became of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from distributed import Client, Future, KilledWorker, as_completed

from cimc.sweep.points import Point
from cimc.sweep.store import Outcome, write_outcome
from cimc.sweep.work import Job, UnfitWorker, explained, make_network, run_point
from dialects.errors import UserError


def run_points(client: Client, job: Job, missing: Sequence[Point], add: Callable[[Outcome], None]) -> None:
    """Run points, and call `add` with the outcome of each as it comes.

    Raises UserError if none of their networks can be made, or a worker cannot take part.
    """
    _Run(client, job, add).run(missing)


@dataclass(frozen=True)
class Task:
    """A network to make, and the points that can run then; or a point to run."""

    points: Sequence[Point]
    makes_network: bool
    alone: bool = False
    """Whether nothing else runs meanwhile, so that a worker that dies died of this."""


@dataclass(frozen=True)
class Failure:
    """Why a task came to nothing."""

    error: str
    killed: bool = False
    """Whether a worker died that had this task; it had others, too, perhaps."""


Result = Outcome | Failure | None
"""What became of a task; None for a network that is made."""


class _Run:
    """Networks first; the points of a network follow as soon as it is made, so both run side by side."""

    def __init__(self, client: Client, job: Job, add: Callable[[Outcome], None]):
        self.client, self.job, self.add = client, job, add
        self.tasks: dict[Future[Outcome | str | None], Task] = {}
        self.suspects: list[Task] = []
        self.networks = 0
        self.failures: list[str] = []

    def run(self, missing: Sequence[Point]) -> None:
        of_network: dict[str, list[Point]] = {}
        for point in missing:
            of_network.setdefault(point.network, []).append(point)
        self.networks = len(of_network)
        self._run_all(Task(points, makes_network=True) for points in of_network.values())
        while self.suspects:
            self._run_all([replace(self.suspects.pop(0), alone=True)])

    def _run_all(self, tasks: Iterable[Task]) -> None:
        """Run tasks and those that follow from them; who was near a worker that died becomes a suspect."""
        queue = as_completed([self._submit(task) for task in tasks])
        for future in queue:
            followers = self._done(self.tasks.pop(future), _result(future))
            queue.update([self._submit(task) for task in followers])

    def _submit(self, task: Task) -> Future[Outcome | str | None]:
        future: Future[Outcome | str | None] = self.client.submit(
            make_network if task.makes_network else run_point, self.job, task.points[0], pure=False
        )
        self.tasks[future] = task
        return future

    def _done(self, task: Task, result: Result) -> list[Task]:
        """Take note of what became of a task; the tasks that can run now."""
        if isinstance(result, Failure) and result.killed and not task.alone:
            self.suspects.append(task)
        elif isinstance(result, Failure) and task.makes_network:
            self._network_failed(task, result.error)
        elif isinstance(result, Failure):
            outcome = Outcome(task.points[0].key, error=result.error)
            write_outcome(self.job.folder, outcome)
            self.add(outcome)
        elif isinstance(result, Outcome):
            self.add(result)
        else:
            return [Task([point], makes_network=False) for point in task.points]
        return []

    def _network_failed(self, task: Task, error: str) -> None:
        """Its points fail; that is not kept, for it takes little to try again."""
        self.failures.append(error)
        if len(self.failures) == self.networks:
            raise UserError(self.failures[0])
        for point in task.points:
            self.add(Outcome(point.key, error=error))


def _result(future: Future[Outcome | str | None]) -> Result:
    """What became of a task; UserError if a worker cannot take part."""
    if future.cancelled():
        raise UserError("the connection to the scheduler is lost: the same command goes on from here")
    error = future.exception()
    if error is None:
        result = future.result()
        return Failure(result) if isinstance(result, str) else result
    if isinstance(error, KilledWorker):
        return Failure("the worker was killed that ran it: it may need more memory than there is", killed=True)
    assert isinstance(error, Exception)
    own = isinstance(error, UnfitWorker | UserError)
    reason = str(error) if own else f"a worker cannot run sweeps: {explained(error)}"
    raise UserError(reason) from error
