"""Networks and programs that never end: commands end all the same, by their time limit and by Ctrl-C."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cimc.commands import compile_model, optimize, report_program, run_program, shared

Write = Callable[..., Path]
Command = Callable[[Sequence[str]], int]
ENDLESS = """g (float[1] x) => (float[1] y) {
    most = Constant<value = int64 {9223372036854775807}>() go = Constant<value = bool {1}>()
    y = Loop<body = b (int64 i, bool c, float[1] s) => (bool d, float[1] t) { d = Identity(c) t = Abs(s) }>(most, go, x)
}"""


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file(ENDLESS)


@pytest.fixture
def program(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert compile_model.main([str(network), "-o", str(tmp_path / "p.cim"), "--time-limit", "0.05"]) == 0
    capsys.readouterr()
    return tmp_path / "p.cim"


def busy() -> bool:
    return any(thread.name == "stoppable work" for thread in threading.enumerate())


def press_when_busy() -> None:
    """Ctrl-C, as soon as something is running that was not before."""
    while busy():
        time.sleep(0.01)

    def press() -> None:
        while not busy():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press).start()


def test_the_distance_has_a_limit(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_model.main([str(network), "-o", str(tmp_path / "p.cim"), "--time-limit", "0.05"]) == 0
    printed = capsys.readouterr().out
    assert "  network       not measured: took longer than 0.05 s\n" in printed
    assert "digital operators are not counted: " in printed
    assert "it took longer than 0.05 s: allow more with --time-limit\n" in printed


def test_validation_has_a_limit(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(network), "-o", str(tmp_path / "p.cim"), "--verify-each", "--time-limit", "0.05"]
    assert compile_model.main(arguments) == 1
    expected = f"cimc: error: {network}: ONNX Runtime took longer than 0.05 s: allow more with --time-limit\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "p.cim").exists()


def test_runs_have_a_limit(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program.main([str(program), "--time-limit", "0.05"]) == 1
    expected = f"cimc: error: {program}: it took longer than 0.05 s: allow more with --time-limit\n"
    assert capsys.readouterr().err == expected


def test_ctrl_c(network: Path, program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands: list[tuple[Command, list[str]]] = [
        (compile_model.main, [str(network), "-o", str(tmp_path / "q.cim")]),
        (compile_model.main, [str(network), "-o", str(tmp_path / "q.cim"), "--verify-each"]),
        (optimize.main, [str(network), "-p", "fold-constants", "--verify-each"]),
        (run_program.main, [str(program)]),
        (report_program.main, [str(program)]),
    ]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for command, arguments in commands:
            press_when_busy()
            assert command(arguments) == 1
            assert capsys.readouterr().err == "cimc: error: interrupted\n"
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "q.cim").exists()


def test_what_does_not_heed_its_stop_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, codes = threading.Event(), list[int]()

    def work() -> int:
        threading.Thread(target=go_on.wait, name="stoppable work").start()
        return 3

    monkeypatch.setattr(shared, "GRACE", 0.01)
    monkeypatch.setattr(shared.os, "_exit", codes.append)
    try:
        assert shared.run_command(work) == 3
        assert codes == [3]
    finally:
        go_on.set()


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "soon"])
def test_limits_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (compile_model.main, run_program.main):
        with pytest.raises(SystemExit):
            command(["file", "--time-limit", text])
        assert f"{text!r}: expected a number of seconds above 0" in capsys.readouterr().err
