"""Work that never ends is ended: by its time limit, and by Ctrl-C at once."""

import signal
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import RunOptions

from cimc.machine.onnx_kernels import plain_session
from cimc.machine.stoppable import TooLong, allowed_seconds, stoppable, time_limit, wait_for_busy

Write = Callable[..., Path]
ENDLESS = """g (float[1] x) => (float[1] y) {
    most = Constant<value = int64 {9223372036854775807}>() go = Constant<value = bool {1}>()
    y = Loop<body = b (int64 i, bool c, float[1] s) => (bool d, float[1] t) { d = Identity(c) t = Abs(s) }>(most, go, x)
}"""


def wait_for(options: RunOptions) -> None:
    while not options.terminate:
        threading.Event().wait(0.001)


def none_left() -> bool:
    return wait_for_busy(30)


def test_results_and_errors() -> None:
    assert stoppable(lambda _: 3) == 3
    for error in (KeyError("a"), TimeoutError("of its own"), SystemExit(2)):
        with pytest.raises(type(error)) as raised:
            stoppable(lambda _, error=error: raises(error))
        assert raised.value is error


def raises(error: BaseException) -> None:
    raise error


def test_what_is_given_up_before_it_begins_is_busy() -> None:
    go_on = threading.Event()
    with pytest.raises(TooLong), time_limit(1e-9):
        stoppable(lambda _: go_on.wait(30))
    assert not wait_for_busy(0)
    go_on.set()
    assert none_left()


def test_the_context_is_the_callers() -> None:
    name = ContextVar("name", default="none")
    name.set("mine")
    with time_limit(60):
        assert stoppable(lambda _: (name.get(), allowed_seconds())) == ("mine", 60)
    assert allowed_seconds() is None


def test_one_thread_serves_many() -> None:
    assert none_left()
    threads = {stoppable(lambda _: threading.get_ident()) for _ in range(20)}
    assert len(threads) <= 2


def test_time_limits() -> None:
    with time_limit(0.05), pytest.raises(TooLong) as raised:
        stoppable(wait_for)
    assert str(raised.value) == "it took longer than 0.05 s: allow more with --time-limit"
    assert none_left()


def test_work_inside_of_work_is_just_called() -> None:
    def outer(options: RunOptions) -> bool:
        inside = stoppable(lambda inner: inner is options and threading.current_thread())
        return inside is threading.current_thread()

    assert stoppable(outer)


def interrupted(work: Callable[[RunOptions], object]) -> None:
    """Run `work`, and press Ctrl-C when it has begun."""
    begun = threading.Event()

    def begin(options: RunOptions) -> object:
        begun.set()
        return work(options)

    def press() -> None:
        begun.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        stoppable(begin)


def test_interruptions() -> None:
    interrupted(wait_for)
    assert none_left()


def test_loops_of_onnx_runtime(onnx_file: Write) -> None:
    session = plain_session(onnx_file(ENDLESS))
    with time_limit(0.05), pytest.raises(TooLong):
        session.run(["y"], {"x": np.ones(1, np.float32)})
    interrupted(lambda _: session.run(["y"], {"x": np.ones(1, np.float32)}))
    assert none_left()
