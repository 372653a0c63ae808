"""Runs the RUN lines of lit tests inside lit's own worker process, where imports are paid once and not once a command.

A line is run here if it is a pipeline of our commands, `filecheck` and `not` with plain redirections; any other line
goes to lit's internal shell, which starts a process for each command. `lit --param shell=1` sends all lines there.
As a script, `python in_process.py cim-opt ARGUMENTS` runs one command; that is what the shell starts.
"""

import contextlib
import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import lit.formats
import lit.Test
import lit.TestRunner
from lit.ShCommands import Command, GlobItem, Pipeline
from lit.ShUtil import ShParser

COMMANDS = {
    "cimc": "cimc.commands.compile_model",
    "cim-opt": "cimc.commands.optimize",
    "cim-run": "cimc.commands.run_program",
    "cim-objdump": "cimc.commands.dump_program",
    "cim-report": "cimc.commands.report_program",
    "filecheck": "filecheck.main",
}
CRASH = 134
"""The exit code of a command that raised, as of a process that was aborted: `not` does not make it a success."""
LAUNCH = f"{sys.executable} {__file__}"


def substitutions() -> list[tuple[str, str]]:
    """For lit's configuration: each command becomes this file as a script (inside a path its name is left alone)."""
    return [(rf"(?<![\w./-]){name}(?![\w./-])", f"{LAUNCH} {name}") for name in COMMANDS]


def call(name: str, arguments: list[str]) -> int:
    """Run one command as its process would, and return its exit code."""
    try:
        main = import_module(COMMANDS[name]).main
        return main(["filecheck", *arguments] if name == "filecheck" else arguments) or 0
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            return 1
        return stop.code or 0
    except BaseException:
        traceback.print_exc()
        return CRASH


class InProcess(lit.formats.ShTest):
    """The test format: lit's ShTest, with our commands run in this process."""

    def __init__(self) -> None:
        super().__init__(execute_external=False)

    def execute(self, test, litConfig):
        script = lit.TestRunner.parseIntegratedTestScript(test)
        if isinstance(script, lit.Test.Result) or litConfig.noExecute or "shell" in litConfig.params:
            return super().execute(test, litConfig)
        folder, base = lit.TestRunner.getTempPaths(test)
        lines = lit.TestRunner.applySubstitutions(
            script,
            lit.TestRunner.getDefaultSubstitutions(test, folder, base),
            recursion_limit=test.config.recursiveExpansionLimit,
        )
        lines = [re.sub(lit.TestRunner.kPdbgRegex, r"\2", line).strip() for line in lines]
        if any(re.match(r"(cd|export|unset|env|ulimit|umask)\b", line) for line in lines):
            return super().execute(test, litConfig)  # such a line changes what the next ones do
        Path(folder).mkdir(parents=True, exist_ok=True)
        log = ""
        for line in lines:
            step = run_line(line, Path(test.getExecPath()).parent)
            if step is None:
                output, errors, code, *_ = lit.TestRunner.executeScriptInternal(
                    test, litConfig, base, [line], os.path.dirname(test.getExecPath())
                )
                step = Step(code, output, errors)
            log += f"$ {line.replace(LAUNCH + ' ', '')}\n{step.output}{step.errors}"
            if step.code != 0:
                return lit.Test.Result(lit.Test.FAIL, f"{log}exit code {step.code}\n")
        return lit.Test.Result(lit.Test.PASS, log)


@dataclass
class Step:
    """What one command, or one line, did."""

    code: int
    output: str
    errors: str


class Kept(io.BytesIO):
    """Bytes that can still be read after a command closed them."""

    def close(self) -> None: ...


def run_line(line: str, folder: Path) -> Step | None:
    """Run a line in `folder`; None if it is more than a pipeline of commands we know."""
    pipeline = ShParser(line, pipefail=True).parse()
    if not isinstance(pipeline, Pipeline) or not all(map(is_ours, pipeline.commands)):
        return None
    code, piped, errors = 0, "", ""
    for command in pipeline.commands:
        step = run_command(command, piped, folder)
        code = step.code or code  # as with pipefail, the last failure counts
        piped, errors = step.output, errors + step.errors
    return Step(code, piped, errors)


def is_ours(command: Command) -> bool:
    arguments = command.args[1:] if command.args[0] == "not" else command.args
    return (
        not any(isinstance(argument, GlobItem) for argument in arguments)
        and arguments[:2] == [sys.executable, __file__]
        and arguments[2] in COMMANDS
        and all(operator in {(">",), ("<",), (">", 2), (">&", 2)} for operator, _ in command.redirects)
    )


def run_command(command: Command, piped: str, folder: Path) -> Step:
    """Run one command on the piped input; its redirected output is in the files and not in the step."""
    negated = command.args[0] == "not"
    name, *arguments = command.args[3:] if negated else command.args[2:]
    redirects = {"".join(map(str, operator)): folder / target for operator, target in command.redirects}
    source = redirects["<"].read_bytes() if "<" in redirects else piped.encode()
    output, errors = Kept(), Kept()
    with replaced(folder, name, arguments, source, output, output if ">&2" in redirects else errors):
        code = call(name, arguments)
    for operator, stream in ((">", output), (">2", errors)):
        if operator in redirects:
            redirects[operator].write_bytes(stream.getvalue())
            stream.seek(0)
            stream.truncate()
    if negated and code != CRASH:
        code = int(code == 0)
    return Step(code, output.getvalue().decode(), errors.getvalue().decode())


@contextlib.contextmanager
def replaced(
    folder: Path, name: str, arguments: list[str], source: bytes, output: Kept, errors: Kept
) -> Iterator[None]:
    """The process as the command would find it: streams, working directory, environment and arguments."""
    streams, argv, environment, cwd = (sys.stdin, sys.stdout, sys.stderr), sys.argv, dict(os.environ), os.getcwd()
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(raw, encoding="utf-8", write_through=True) for raw in (Kept(source), output, errors)
    )
    sys.argv = [name, *arguments]
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without an install
    code = call(sys.argv[1], sys.argv[2:])
    if code == CRASH:
        signal.raise_signal(signal.SIGABRT)
    sys.exit(code)
