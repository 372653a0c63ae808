"""What all commands do alike: one-line errors, exit codes, progress bars."""

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from cimc.completion import propose
from cimc.files.reasons import reason
from cimc.files.whole_file import is_stdout
from cimc.installed import ShowVersion
from cimc.program.errors import ProgramError
from cimc.program.one_line import brief, one_line, printable
from dialects.errors import ListError, UserError

USERS_FAULT = 1
FIGURES_FROM = 14
"""The column in which the figures of a summary begin."""
GRACE = 0.5
"""Seconds that native code has to end by itself."""


def run_command(work: Callable[[], int], trouble: int = USERS_FAULT) -> int:
    """The exit code of `work`; a user's mistake is one line on standard error and `trouble`, never a traceback.

    Does not return if native code that was stopped goes on: that ends with the process.
    """
    code = _exit_code(work, trouble)
    if _goes_on():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _goes_on() -> bool:
    """Whether stoppable work (cimc/machine/stoppable.py, dialects/semantics/onnx_runtime.py) does not heed its stop.

    ONNX Runtime heeds it between two nodes, but a node may take minutes.
    """
    end = time.monotonic() + GRACE
    try:
        while (busy := _is_busy()) and time.monotonic() < end:
            time.sleep(0.005)
    except KeyboardInterrupt:  # a second time: there is no patience left
        return True
    return busy


def _is_busy() -> bool:
    return any(thread.name == "stoppable work" for thread in threading.enumerate())


def _exit_code(work: Callable[[], int], trouble: int) -> int:
    for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # numpy is not loaded yet; on small matrices more threads only spin
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # names of nodes may have letters that the terminal lacks
    try:
        code = work()
        sys.stdout.flush()
        return code
    except ListError as error:
        print(f"cimc: error: {one_line(error)}", file=sys.stderr)
    except (UserError, ProgramError) as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")
    except OSError as error:
        if error.filename is None:
            sys.stdout = open(os.devnull, "w")
        fail(f"{error.filename or 'standard output'}: {reason(error)}")
    except KeyboardInterrupt:
        fail("interrupted")
    except MemoryError as error:
        fail(f"not enough memory: {error}")
    return trouble


def fail(message: str) -> int:
    """Print `cimc: error: <message>` as one line, which is never long."""
    print(brief(f"cimc: error: {message}"), file=sys.stderr)
    return USERS_FAULT


def say(*lines: str, file: TextIO | None = None) -> None:
    """Print lines, to standard output if not said otherwise; names in them may hold what a terminal would obey."""
    for line in lines:
        print(printable(line), file=file)


def say_written(*files: Path | None, remark: str = "") -> None:
    """Print `written: FILE` for each file; what went to standard output is there already."""
    say(*(f"written: {path}{remark}" for path in files if path is not None and not is_stdout(path)))


@contextlib.contextmanager
def standard_output_for(*files: Path | None, also: bool = False) -> Generator[None]:
    """Inside, all that is said goes to standard error, if standard output is for one of the files, or `also` taken."""
    if also or any(path is not None and is_stdout(path) for path in files):
        with contextlib.redirect_stdout(sys.stderr):
            yield
    else:
        yield


def say_folded(*lines: str, indent: int = FIGURES_FROM) -> None:
    """Print lines that begin with the name of a figure; on a terminal, what is too long goes on below its beginning."""
    if not sys.stdout.isatty():
        say(*lines)
        return
    import shutil
    import textwrap

    width, blanks = shutil.get_terminal_size().columns, " " * indent
    for line in lines:
        say(*textwrap.wrap(printable(line), width, subsequent_indent=blanks, break_on_hyphens=False))


class Arguments(argparse.ArgumentParser):
    """A parser of command lines with `--version`, whose messages are short lines, too."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description)
        self.add_argument("--version", action=ShowVersion, help="print the version and exit")

    def parse_args(self, *given: Any, **named: Any) -> Any:
        propose(self)
        return super().parse_args(*given, **named)

    def error(self, message: str) -> NoReturn:
        super().error(brief(message))


def make_folder(path: Path) -> None:
    """The folder, made if it is not there; UserError if it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made: {reason(error)}") from error


@contextlib.contextmanager
def progress_bar(title: str) -> Generator[Callable[[str], None]]:
    """A function to call with the name of each step: a spinner with the time on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda step: bar.update(task, description=f"{title}: {step}")


@contextlib.contextmanager
def telling_of_loops(step: Callable[[str], None]) -> Generator[Callable[[str], None]]:
    """`step`, which says between its own words that the machine's loops are being compiled."""
    from cimc.machine.fast.compilation import compilation_told

    last = ""

    def remembered(text: str) -> None:
        nonlocal last
        last = text
        step(text)

    with compilation_told(lambda begins: step("compiling the machine's loops, once" if begins else last)):
        yield remembered


@contextlib.contextmanager
def counting_bar(title: str) -> Generator[Callable[[str, int, int | None], None]]:
    """A function to call with a title, and how many of how many are done; None where that is not known yet.

    A bar with the time that is left on a terminal, nothing in a pipe.
    """
    if not sys.stderr.isatty():
        yield lambda title, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as TimeLeftColumn

    counts = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeLeftColumn())
    with Progress(TextColumn("{task.description}"), *counts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda title, done, total: bar.update(task, description=title, total=total, completed=done)
