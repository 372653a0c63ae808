"""`cim-eval prog.cim --text FILE`: how well a program predicts a text, beside its reference and its original."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import Arguments, counting_bar, run_command, say, say_written, standard_output_for
from cimc.file_checks import check_names, check_readable, check_writable
from cimc.files.whole_file import whole_file
from cimc.options.values import natural, output_file, positive, workers
from cimc.program.errors import naming
from dialects.errors import UserError

if TYPE_CHECKING:
    from cimc.language.context import Run
    from cimc.language.ports import Ports
    from cimc.language.quality.evaluation import Plan, Text
    from cimc.language.quality.quality import Quality
    from cimc.language.tokens import Tokens
    from cimc.program.program import Program

Bar = Callable[[str, int, int | None], None]


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(
        prog="cim-eval", description="Measure how well a program that is a language model predicts a text."
    )
    add = parser.add_argument
    add("program", type=Path, help="a .cim file")
    add("--text", type=Path, metavar="FILE", help="a text to predict: gives perplexity and bits per byte")
    add("--tasks", type=_names, metavar="NAME,...", help="tasks of lm-evaluation-harness, where it is installed")
    add("--tokenizer", metavar="FOLDER", help="folder with tokenizer.json, or bytes (default: that of the original)")
    add("--reference", type=Path, metavar="REF.onnx", help="run the program's reference too, and compare every bit")
    add("--original", type=Path, metavar="MODEL.onnx", help="what the program was made of (default: as it says)")
    add("--no-original", action="store_true", help="do not run the original")
    window = parser.add_argument_group("with --text")
    add = window.add_argument
    add("--window", type=positive, metavar="N", help="tokens that are read at once (default: 512, or the longest)")
    add("--stride", type=positive, metavar="N", help="tokens from window to window (default: no overlap)")
    add("--windows", type=positive, metavar="K", help="the first K windows only (default: all of the text)")
    add("--batch", type=positive, default=1, metavar="N", help="windows that are read side by side (default: 1)")
    save = "write the inputs that read the windows side by side, for calibration, and measure nothing"
    add("--save-inputs", type=output_file, metavar="X.npz", help=save)
    tasks = parser.add_argument_group("with --tasks")
    add = tasks.add_argument
    add("--limit", type=positive, metavar="N", help="the first N questions of each task only")
    add("--shots", type=natural, metavar="N", help="examples before each question (default: as the task says)")
    add("--task-folder", type=Path, metavar="DIR", help="folder with task files of your own")
    run = parser.add_argument_group("how to run")
    add = run.add_argument
    add("--json", type=output_file, metavar="FIGURES.json", help="write the figures, - to standard output")
    add("--engine", choices=("fast", "reference"), default="fast", help="how to execute (default: fast)")
    add("--threads", type=workers, metavar="N", help="of the fast engine (default: $CIMC_THREADS, or all cores)")
    return parser


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r}: expected names of tasks with commas between them")
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code: 0, or 1 for an error or a program that differs from its reference."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.text is None and arguments.tasks is None:
        parser.error("there is nothing to do: expected --text FILE, --tasks NAME,..., or both")
    if arguments.window == 1:
        parser.error("argument --window: 1: expected at least 2, the first token is only context")
    if arguments.original is not None and arguments.no_original:
        parser.error("argument --no-original: not allowed with argument --original")
    if arguments.save_inputs is not None:
        _check_alone(parser, arguments)
        return run_command(lambda: _save_inputs(arguments))
    return run_command(lambda: _evaluate_and_print(arguments))


def _check_alone(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Leave for what says nothing of inputs to be saved."""
    if arguments.text is None:
        parser.error("argument --save-inputs: expected --text FILE, the text that the inputs are of")
    for name in ("tasks", "reference", "json"):
        if getattr(arguments, name) is not None:
            parser.error(f"argument --{name}: not allowed with argument --save-inputs, which measures nothing")


def _save_inputs(arguments: argparse.Namespace) -> int:
    import numpy as np

    from cimc.language.ports import ports_of
    from cimc.language.quality.saved_inputs import inputs_for
    from cimc.machine.machine import Machine
    from cimc.program.program import Program

    check_names((arguments.program, arguments.text), (arguments.save_inputs,))
    check_readable(arguments.text)
    check_writable(arguments.save_inputs)
    program = Program.load(arguments.program)
    with naming(arguments.program):
        ports = ports_of(program)
    tokens = _tokens(arguments, _files(arguments, program)[0].get("original"))
    text, plan = _text_and_plan(arguments, ports, tokens)
    with naming(arguments.text):
        inputs = inputs_for(lambda values: Machine(program).run(values), ports, text, plan)
    with whole_file(arguments.save_inputs, UserError) as new, new.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **inputs)
    windows, window = inputs[ports.ids.name].shape
    say(f"{arguments.text}: {windows:,} windows of {window:,} tokens as the inputs of {arguments.program}")
    say_written(arguments.save_inputs)
    return 0


def _evaluate_and_print(arguments: argparse.Namespace) -> int:
    with standard_output_for(arguments.json):
        return _evaluate(arguments)


def _evaluate(arguments: argparse.Namespace) -> int:
    from cimc.language.ports import ports_of
    from cimc.language.quality.evaluation import ORIGINAL
    from cimc.language.quality.quality import Quality
    from cimc.program.program import Program
    from cimc.report.texts.table import print_table

    inputs, networks = (arguments.program, arguments.text), (arguments.reference, arguments.original)
    check_names(inputs, (arguments.json,), networks=networks)
    check_readable(arguments.text, *networks)
    check_writable(arguments.json)
    if arguments.tasks is not None:
        _check_harness()
    with counting_bar("loading") as bar:
        program = Program.load(arguments.program)
        with naming(arguments.program):
            ports = ports_of(program)
        files, missing = _files(arguments, program)
        tokens = _tokens(arguments, files.get(ORIGINAL))
        runs, rewritten = _runs(arguments, program, files)
        quality = Quality(files, rewritten)
        if arguments.text is not None:
            quality = _read(arguments, quality, ports, runs, tokens, bar)
        if arguments.tasks is not None:
            quality = _ask(arguments, quality, ports, runs, tokens, bar)
    if quality.evaluation is not None:
        say(quality.text_line())
        print_table(quality.text_table())
    if quality.tasks:
        print_table(quality.tasks_table())
    if missing:
        say(f"not measured: the original: {missing}")
    if arguments.json is not None:
        with whole_file(arguments.json, UserError) as new:
            new.write_text(json.dumps(quality.to_json(), indent=2) + "\n", encoding="utf-8")
        say_written(arguments.json)
    if quality.evaluation is not None and quality.evaluation.difference:
        say(f"check: {quality.evaluation.difference}")
    return 0 if quality.identical else 1


def _check_harness() -> None:
    """UserError if lm-evaluation-harness is not there, before the work."""
    from importlib.util import find_spec

    if find_spec("lm_eval") is None:
        raise UserError("--tasks needs lm-evaluation-harness, which is not installed: pip install lm-eval")
    os.environ.setdefault("TQDM_DISABLE", "1")  # it has bars of its own, in pipes as well


def _files(arguments: argparse.Namespace, program: "Program") -> tuple[dict[str, Path], str]:
    """The files of all networks by name, and why the original is not among them."""
    from cimc.language.quality.evaluation import ORIGINAL, PROGRAM, REFERENCE
    from cimc.original import original_of

    files = {PROGRAM: arguments.program}
    if arguments.reference is not None:
        files[REFERENCE] = arguments.reference
    original, missing = arguments.original, ""
    if original is None and not arguments.no_original:
        original, missing = original_of(program.source, (Path(), arguments.program.parent))
    if original is not None:
        files[ORIGINAL] = original
    return files, missing and f"{missing}: give it with --original"


def _tokens(arguments: argparse.Namespace, original: Path | None) -> "Tokens":
    """The tokenizer that is given, or the one that lies where the original or the program does."""
    from cimc.language.token_files import TOKENIZER
    from cimc.language.tokens import load_tokens

    if arguments.tokenizer is not None:
        return load_tokens(arguments.tokenizer)
    for folder in (Path() if original is None else original.parent, arguments.program.parent):
        if (folder / TOKENIZER).is_file():
            return load_tokens(folder)
    raise UserError(
        f"no {TOKENIZER} lies beside the program or its original: expected --tokenizer FOLDER, or bytes for a network "
        "of bytes"
    )


def _runs(arguments: argparse.Namespace, program: "Program", files: Mapping[str, Path]) -> tuple[dict[str, "Run"], str]:
    """What runs each network, by name; and what had to be rewritten in the original."""
    from cimc.language.quality.evaluation import ORIGINAL, PROGRAM, REFERENCE
    from cimc.machine.check import Reference
    from cimc.machine.fast.engine import default_threads
    from cimc.machine.machine import Machine
    from cimc.original import load_original

    with naming(files[PROGRAM]):
        machine = Machine(program, arguments.engine, threads=arguments.threads or default_threads())
    runs: dict[str, Run] = {PROGRAM: machine.run}
    rewritten = ""
    if REFERENCE in files:
        runs[REFERENCE] = Reference(files[REFERENCE]).run
    if ORIGINAL in files:
        network, rewritten = load_original(files[ORIGINAL])
        runs[ORIGINAL] = network.run
    return runs, rewritten


def _read(
    arguments: argparse.Namespace,
    quality: "Quality",
    ports: "Ports",
    runs: Mapping[str, "Run"],
    tokens: "Tokens",
    bar: Bar,
) -> "Quality":
    """With what the networks make of the text."""
    from cimc.language.quality.evaluation import check_text, evaluate

    text, plan = _text_and_plan(arguments, ports, tokens)
    with naming(arguments.text):
        check_text(text, ports, plan)
    evaluation = evaluate(runs, ports, text, plan, partial(bar, "windows"))
    stride = plan.stride or plan.window
    return replace(quality, text=arguments.text, window=plan.window, stride=stride, evaluation=evaluation)


def _text_and_plan(arguments: argparse.Namespace, ports: "Ports", tokens: "Tokens") -> tuple["Text", "Plan"]:
    """The text that is to be read, and which windows of it."""
    from cimc.language.quality.evaluation import Plan, window_for
    from cimc.language.quality.texts import read_text

    text = read_text(arguments.text, tokens)
    window = arguments.window or window_for(ports, tokens.longest)
    stride = arguments.stride or window
    if stride > window:
        raise UserError(f"--stride {stride}: expected at most the {window} tokens of a window")
    return text, Plan(window, stride, arguments.windows, arguments.batch)


def _ask(
    arguments: argparse.Namespace,
    quality: "Quality",
    ports: "Ports",
    runs: Mapping[str, "Run"],
    tokens: "Tokens",
    bar: Bar,
) -> "Quality":
    """With what the networks answer in tasks."""
    from cimc.language.answers import Answers
    from cimc.language.quality.harness import Tasks, run_tasks

    tasks = Tasks(arguments.tasks, arguments.limit, arguments.shots, arguments.task_folder)
    figures = {
        name: run_tasks(Answers(ports, run, tokens), tasks, partial(bar, f"questions to the {name}"))
        for name, run in runs.items()
    }
    return replace(quality, tasks=figures)


if __name__ == "__main__":
    sys.exit(main())
