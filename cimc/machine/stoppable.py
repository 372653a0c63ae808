"""Work in native code that Ctrl-C and a time limit end: Python handles signals only between its own instructions."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from typing import TypeVar

from onnxruntime import RunOptions

from cimc.program.errors import ProgramError

LONGEST_WAIT = 0.2
"""Seconds after which signals are looked for."""
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

    `work` is called in a thread of its own, while this one waits where signals reach it. It must hand its options to
    all runs of ONNX Runtime and give up where it sees their `terminate`: what is stopped may go on until it does, but
    nobody waits for it (the interpreter does when it exits, but not our commands, which know it by the thread's name).
    Stoppable work inside of stoppable work is just called.
    """
    inside, seconds = _current.get(), _seconds.get()
    if inside is not None:
        return work(inside)
    options = RunOptions()
    outcome: Future[Result] = Future()

    def run() -> None:
        _current.set(options)
        try:
            outcome.set_result(work(options))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), name="stoppable work")
    try:
        thread.start()
        _wait(thread, seconds)
        if thread.is_alive():
            raise TooLong(f"it took longer than {seconds:g} s: allow more with --time-limit")
    finally:
        options.terminate = True
    return outcome.result()


def _wait(thread: threading.Thread, seconds: float | None) -> None:
    """Until the thread ends, for so many seconds at most; a signal that comes just before a wait is seen after it."""
    end = math.inf if seconds is None else time.monotonic() + seconds
    while thread.is_alive() and (left := end - time.monotonic()) > 0:
        thread.join(min(left, LONGEST_WAIT))
