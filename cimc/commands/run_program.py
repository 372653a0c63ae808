"""`cim-run prog.cim`: execute a program, and check its outputs against ONNX Runtime bit for bit."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cimc.commands.shared import (
    USERS_FAULT,
    Arguments,
    progress_bar,
    run_command,
    say,
    say_written,
    standard_output_for,
    telling_of_loops,
)
from cimc.file_checks import check_names, check_readable, check_writable
from cimc.files.whole_file import whole_file
from cimc.options.values import (
    dimension,
    natural,
    output_file,
    percentage,
    positive,
    probability,
    seconds,
    share,
    workers,
)
from cimc.program.errors import ProgramError, naming
from dialects.errors import UserError

if TYPE_CHECKING:
    import numpy.typing as npt

    from cimc.machine.machine import Machine
    from cimc.program.program import Program

    Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]

DIFFERENT, NOT_COMPARED = 1, 2
"""Exit codes of a check, those of diff."""
SHOWN = 12
"""Outputs that are named one by one."""


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(prog="cim-run", description="Execute a program instruction by instruction.")
    add = parser.add_argument
    add("program", type=Path, help="a .cim file")
    add("--inputs", type=Path, metavar="X.npz", help="one array for each input (default: made-up numbers)")
    add("--outputs", type=output_file, metavar="Y.npz", help="where to write the outputs, - for standard output")
    add("--check", type=Path, metavar="REF.onnx", help="run this network in ONNX Runtime too, and compare every bit")
    add("--as-is", action="store_true", help="with --check: run the network untouched, saturating products and all")
    add("--engine", choices=("fast", "reference"), default="fast", help="how to execute (default: fast)")
    add("--threads", type=workers, metavar="N", help="of the fast engine (default: $CIMC_THREADS, or all cores)")
    add(
        "--spot-check",
        type=percentage,
        metavar="P",
        help="run P %% of the MULTIPLY records in the reference engine too",
    )
    add(
        "--time-limit",
        type=seconds,
        metavar="SECONDS",
        help="longest time the program may run, or each of its steps, and the network of --check (default: any)",
    )
    add("--profile", action="store_true", help="print where the time went, of a second run or of the last step")
    add("--dim", type=dimension, action="append", default=[], metavar="NAME=VALUE", help="size in made-up inputs")
    add("--seed", type=natural, default=0, metavar="N", help="of all that is random (default: 0)")
    _add_text(parser)
    return parser


def _add_text(parser: argparse.ArgumentParser) -> None:
    """The options of language models; those without a default are None if they are not given."""
    add = parser.add_argument_group("text, if the program is a language model").add_argument
    add("--generate", metavar="PROMPT", help="let it answer, or go on; - for a prompt from standard input")
    add("--tokenizer", metavar="FOLDER", help="its Hugging Face folder, or bytes if its tokens are bytes")
    add("--no-template", action="store_true", help="give it the prompt as it is, without the folder's chat template")
    add("--max-tokens", type=positive, default=256, metavar="N", help="longest answer (default: %(default)s)")
    add("--temperature", type=share, default=0.0, metavar="T", help="draw tokens (default: 0, take the likeliest)")
    add("--top-p", type=probability, default=1.0, metavar="P", help="draw from the likeliest, together P (default: 1)")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code: 0, or 1 for an error. With --check, those of diff: 1 a difference, 2 an error."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.spot_check and arguments.engine == "reference":
        parser.error("argument --spot-check: the reference engine is not checked by itself, expected --engine fast")
    if arguments.as_is and arguments.check is None:
        parser.error("argument --as-is: there is nothing to check, expected --check REF.onnx")
    if arguments.generate is not None:
        _check_generate(parser, arguments)
    elif arguments.tokenizer is not None:
        parser.error("argument --tokenizer: there is nothing to write, expected --generate PROMPT")
    trouble = USERS_FAULT if arguments.check is None else NOT_COMPARED
    return run_command(lambda: _run_within_limit(arguments), trouble)


def _check_generate(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Writing text has no inputs and outputs of one run."""
    if arguments.tokenizer is None:
        parser.error("argument --generate: how its tokens are written is not known, expected --tokenizer FOLDER")
    for name in ("inputs", "outputs", "dim"):
        if getattr(arguments, name):
            parser.error(f"argument --{name}: not allowed with argument --generate")


def _run_within_limit(arguments: argparse.Namespace) -> int:
    from cimc.machine.stoppable import time_limit

    with time_limit(arguments.time_limit):
        if arguments.generate is None:
            with standard_output_for(arguments.outputs):
                return _run(arguments)
        from cimc.commands.generation import generate

        return generate(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from cimc.machine.fast.engine import default_threads
    from cimc.machine.inputs import check_inputs
    from cimc.machine.machine import Machine
    from cimc.machine.profile import profile_lines
    from cimc.program.program import Program

    check_names((arguments.program, arguments.inputs), (arguments.outputs,), networks=(arguments.check,))
    check_readable(arguments.inputs, arguments.check)
    check_writable(arguments.outputs)
    with progress_bar("running") as bar, telling_of_loops(bar) as step:
        step("loading")
        program = Program.load(arguments.program)
        inputs = _inputs(program, arguments)
        threads = arguments.threads or default_threads()
        with naming(arguments.program):
            machine = Machine(
                program,
                arguments.engine,
                keep=arguments.profile,
                threads=threads,
                spot_check=arguments.spot_check or 0,
                seed=arguments.seed,
            )
        step(f"executing {len(program.instructions):,} records")
        check_inputs(program.inputs, inputs, program.source.initializers)
        # what is wrong from here on is wrong with the program
        with naming(arguments.program):
            if arguments.profile:
                inputs, _ = _executed(machine, inputs, arguments)
            start = time.perf_counter()
            inputs, outputs = _executed(machine, inputs, arguments)
            seconds = time.perf_counter() - start
    say(f"ran {len(program.instructions):,} records in {seconds:.2f} s ({arguments.engine} engine)")
    _print_outputs(outputs)
    _print_clipping(machine, inputs, outputs)
    if arguments.spot_check:
        say(str(machine.engine))
    if arguments.profile:
        say(*profile_lines(machine))
    if arguments.outputs is not None:
        _save(arguments.outputs, outputs)
        say_written(arguments.outputs)
    return 0 if arguments.check is None else _check(arguments, inputs, outputs)


def _executed(machine: "Machine", inputs: "Arrays", arguments: argparse.Namespace) -> tuple["Arrays", "Arrays"]:
    """The inputs and the outputs: made-up inputs get longer where the program does not run on shorter ones."""
    from cimc.machine.inputs import random_inputs
    from cimc.machine.stoppable import TooLong
    from cimc.program.open_sizes import longer_inputs

    try:
        return inputs, machine.run(inputs)
    except TooLong:
        raise
    except ProgramError:
        dims = dict(arguments.dim)
        values = () if arguments.inputs is not None else machine.program.inputs
        for size, longer, open_ in longer_inputs(values, dims):
            inputs = random_inputs(longer, arguments.seed, open_ | dims)
            try:
                outputs = machine.run(inputs)
            except TooLong:
                raise
            except ProgramError:
                continue
            say(f"inputs: made longer, {size} in the last dimension, as the program does not run on less")
            return inputs, outputs
        raise


def _print_outputs(outputs: "Arrays") -> None:
    """A line for each output, but not for hundreds of them: a large network may return its keys and values."""
    from cimc.program.one_line import one_line

    for name, array in list(outputs.items())[:SHOWN]:
        say(f"  {one_line(name)}: {array.dtype}{list(array.shape)}")
    if len(outputs) > SHOWN:
        say(f"  and {len(outputs) - SHOWN} more outputs")


def _print_clipping(machine: "Machine", inputs: "Arrays", outputs: "Arrays") -> None:
    """If conversions clipped, how many, and what the outputs would be if none did: one more run tells."""
    from cimc.machine.clipping import clipping_lines
    from cimc.machine.machine import Machine

    if any(machine.clipped.values()):
        ideal = Machine(machine.program, keep=False, ideal=True).run(inputs)
        say(*clipping_lines(machine, outputs, ideal))


def _inputs(program: "Program", arguments: argparse.Namespace) -> "Arrays":
    from cimc.machine.inputs import random_inputs, read_inputs

    if arguments.inputs is not None:
        return read_inputs(arguments.inputs)
    say(f"inputs: made up (seed {arguments.seed}); give your own with --inputs x.npz")
    return random_inputs(program.inputs, arguments.seed, dict(arguments.dim))


def _save(path: Path, outputs: "Arrays") -> None:
    from cimc.machine.inputs import write_arrays

    with whole_file(path, UserError) as new:
        write_arrays(new, outputs)


def _check(arguments: argparse.Namespace, inputs: "Arrays", outputs: "Arrays") -> int:
    from cimc.machine.check import compare, run_reference
    from cimc.original import run_original

    expected, rewritten = (
        (run_reference(arguments.check, inputs), "") if arguments.as_is else run_original(arguments.check, inputs)
    )
    if rewritten:
        say(f"checked against the exact form of {arguments.check}: {rewritten}")
    comparison = compare(outputs, expected)
    say(str(comparison))
    if comparison.nothing:
        return NOT_COMPARED
    return 0 if comparison.identical else DIFFERENT


if __name__ == "__main__":
    sys.exit(main())
