"""`cim-run --generate`: what a language model writes, as it writes it, and how fast that is, here and on the chip."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from cimc.commands.shared import progress_bar, say, telling_of_loops
from cimc.file_checks import check_readable
from cimc.language.checking import Check, Difference
from cimc.language.ports import Ports
from cimc.language.session import Session
from cimc.language.shown_text import Page
from cimc.language.speed import Stopwatch, chip_line
from cimc.language.tokens import TextStream, Tokens, load_tokens
from cimc.machine.check import Reference
from cimc.machine.fast.engine import default_threads
from cimc.machine.profile import profile_lines
from cimc.program.errors import naming
from cimc.program.program import Program
from dialects.errors import UserError

STDIN = "-"
"""The prompt that stands for what comes in."""


def generate(arguments: argparse.Namespace) -> int:
    """Writes text to standard output, and what is said of it to standard error; a check's result to the former."""
    check_readable(arguments.check)
    tokens = load_tokens(arguments.tokenizer)
    prompt = tokens.encode(_prompt(arguments.generate), chat=not arguments.no_template)
    if not prompt:
        raise UserError("the prompt is empty: expected some text")
    with ExitStack() as bar:
        step = bar.enter_context(telling_of_loops(bar.enter_context(progress_bar("writing"))))
        step("loading")
        program = Program.load(arguments.program)
        with naming(arguments.program):
            session = _session(program, arguments)
            most = _most_tokens(arguments, session.ports, tokens, len(prompt))
        check = _check(session, arguments)
        _say_if_slow(session)
        stopwatch = Stopwatch(session, check)
        step(f"reading {len(prompt):,} tokens")
        answer = session.generate(
            prompt,
            max_tokens=most,
            temperature=arguments.temperature,
            top_p=arguments.top_p,
            seed=arguments.seed,
            stop=tokens.stop,
        )
        with naming(arguments.program):
            difference = _write(stopwatch.timed(answer), tokens.stream(prompt), bar.close)
    if difference is not None:
        say(str(difference))
        return 1
    _say_what_was(arguments, session, stopwatch, most)
    if check is not None:
        say(str(check))
    return 0


def _prompt(text: str) -> str:
    """The prompt, or what comes in without the line break at its end."""
    if text != STDIN:
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UserError("standard input: not text, expected UTF-8") from error


def _session(program: Program, arguments: argparse.Namespace) -> Session:
    return Session(
        program,
        threads=arguments.threads or default_threads(),
        engine=arguments.engine,
        spot_check=arguments.spot_check or 0,
        seed=arguments.seed,
    )


def _most_tokens(arguments: argparse.Namespace, ports: Ports, tokens: Tokens, prompt: int) -> int:
    """How many tokens may be written; UserError if the tokenizer is another network's, or the prompt is too long."""
    if ports.vocabulary is not None and tokens.size > ports.vocabulary:
        raise UserError(
            f"{arguments.tokenizer}: the tokenizer has {tokens.size:,} tokens, {arguments.program} has logits for "
            f"{ports.vocabulary:,}: expected the tokenizer of the same model"
        )
    longest = min((length for length in (ports.longest, tokens.longest) if length is not None), default=None)
    if longest is None:
        return arguments.max_tokens
    if prompt > longest:
        raise UserError(f"the prompt has {prompt:,} tokens, the network takes {longest:,}: expected a shorter one")
    return min(arguments.max_tokens, longest - prompt + 1)  # the last one is not read


def _check(session: Session, arguments: argparse.Namespace) -> Check | None:
    if arguments.check is None:
        return None
    from cimc.original import load_original  # imports the importer of networks, which only a check needs

    reference, rewritten = (Reference(arguments.check), "") if arguments.as_is else load_original(arguments.check)
    if rewritten:
        say(f"checked against the exact form of {arguments.check}: {rewritten}", file=sys.stderr)
    return Check(session, reference.run)


def _say_if_slow(session: Session) -> None:
    if not session.ports.cache:
        say("the network has no cache: for each token everything before it is run anew", file=sys.stderr)


def _write(answer: Iterator[int], stream: TextStream, begin: Callable[[], None]) -> Difference | None:
    """Writes tokens as they come, after `begin`; a difference that a check found ends the text."""
    page = Page(_put)
    try:
        for token in answer:
            begin()
            page.add(stream.step(token))
        page.add(stream.end())
    except Difference as difference:
        return difference
    finally:
        begin()
        page.end()
    return None


def _put(text: str) -> None:
    print(text, end="", flush=True)


def _say_what_was(arguments: argparse.Namespace, session: Session, stopwatch: Stopwatch, most: int) -> None:
    """Speed, why the text ended if its end is not the network's, and what else was asked for."""
    if stopwatch.written == most:
        why = "--max-tokens" if most == arguments.max_tokens else "the network has positions for no more"
        say(f"ended after {most:,} tokens: {why}", file=sys.stderr)
    say(str(stopwatch), chip_line(session, stopwatch.prompt), file=sys.stderr)
    clipped, made = sum(session.machine.clipped.values()), sum(session.machine.conversions.values())
    if clipped:
        say(f"clipped: {clipped:,} of {made:,} conversions in the last step", file=sys.stderr)
    if arguments.spot_check:
        say(str(session.machine.engine), file=sys.stderr)
    if arguments.profile:
        say("the last step:", *profile_lines(session.machine), file=sys.stderr)
