"""Work in native code that Ctrl-C and a time limit end: Python handles signals only between its own instructions."""

import atexit
import contextlib
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextvars import ContextVar, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from onnxruntime import RunOptions

from cimc.program.errors import ProgramError

BUSY = "stoppable work"
"""What threads are called that work; our commands know them by it."""
LONGEST_WAIT = 0.2
"""Seconds after which signals are looked for: one that comes just before a wait does not end it."""
Result = TypeVar("Result")

_seconds: ContextVar[float | None] = ContextVar("_seconds", default=None)
_current: ContextVar[RunOptions | None] = ContextVar("_current", default=None)


class TooLong(ProgramError):
    """Work that did not end within its time limit."""


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Generator[None]:
    """In this block no stoppable work takes longer; None for as long as it wants."""
    before = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(before)


def allowed_seconds() -> float | None:
    """How long stoppable work may take here."""
    return _seconds.get()


def stoppable(work: Callable[[RunOptions], Result]) -> Result:
    """What `work` returns or raises; on Ctrl-C KeyboardInterrupt at once, after its time limit TooLong.

    `work` is called in another thread, while this one waits where signals reach it. It must hand its options to all
    runs of ONNX Runtime and give up where it sees their `terminate`: what is stopped may go on until it does; nobody
    waits for it before the interpreter exits. Stoppable work inside of stoppable work is just called.
    """
    inside, seconds = _current.get(), _seconds.get()
    if inside is not None:
        return work(inside)
    options = RunOptions()
    results: SimpleQueue[Result | _Failure] = SimpleQueue()

    def answer() -> None:
        _current.set(options)
        try:
            result: Result | _Failure = work(options)
        except BaseException as error:
            result = _Failure(error)
        results.put(result)

    try:
        _hand_over(partial(copy_context().run, answer))
        result = _wait(results, seconds)
    finally:
        options.terminate = True
    if isinstance(result, _Failure):
        raise result.error
    return result


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _wait(results: SimpleQueue[Result], seconds: float | None) -> Result:
    end = math.inf if seconds is None else time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with contextlib.suppress(Empty):
            return results.get(timeout=min(left, LONGEST_WAIT))
    raise TooLong(f"it took longer than {seconds:g} s: allow more with --time-limit")


class _Worker:
    """A thread that waits for jobs: to make one for each would take longer than many a small program."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.idle_name = self.thread.name
        self.thread.start()

    def hand_over(self, job: Callable[[], None]) -> None:
        """Has the thread do a job; it counts as busy from now on, not only once it has woken up."""
        self.thread.name = BUSY
        self.jobs.put(job)

    def _serve(self) -> None:
        while True:
            job = self.jobs.get()
            job()
            self.thread.name = self.idle_name
            del job
            _idle.append(self)


_idle: deque[_Worker] = deque()


def _hand_over(job: Callable[[], None]) -> None:
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.hand_over(job)


def wait_for_busy(seconds: float = math.inf) -> bool:
    """Waits until no work goes on, for so many seconds at most; whether none does."""
    end = time.monotonic() + seconds
    while (busy := any(thread.name == BUSY for thread in threading.enumerate())) and time.monotonic() < end:
        time.sleep(0.005)
    return not busy


os.register_at_fork(after_in_child=_idle.clear)  # threads do not come along
atexit.register(wait_for_busy)  # ONNX Runtime must not come back to an interpreter that is gone
