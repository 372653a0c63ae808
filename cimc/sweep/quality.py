"""What the networks of a sweep make of a text: perplexity and bits per byte, as figures of its points."""

import math
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cimc.language.context import Run
from cimc.language.ports import Signature, ports_of
from cimc.language.quality.evaluation import PROGRAM, Plan, Text, check_text, evaluate, window_for
from cimc.language.quality.texts import read_text
from cimc.language.tokens import BYTES, load_tokens
from cimc.machine.check import Reference
from cimc.program.errors import naming
from cimc.reference_writer import data_of, reference_file
from cimc.sweep.identity import digest
from dialects.errors import UserError
from dialects.semantics.outlined import OutlinedModel

Figures = dict[str, int | float | None]
PERPLEXITY, BITS_PER_BYTE = "quality.perplexity", "quality.bits_per_byte"


@dataclass(frozen=True)
class Reading:
    """What every network of a sweep reads, the table `quality` of a grid; as `cim-eval` takes it."""

    text: Path
    tokenizer: str
    """A folder, or "bytes"."""
    window: int | None = None
    stride: int | None = None
    windows: int | None = None

    def absolute(self) -> "Reading":
        """The same for workers in other folders."""
        tokenizer = self.tokenizer if self.tokenizer == BYTES else str(Path(self.tokenizer).absolute())
        return replace(self, text=self.text.absolute(), tokenizer=tokenizer)

    def tokens(self) -> tuple[Text, int | None]:
        """The text as tokens, and how many of them networks for that tokenizer read at most, if it says so.

        Raises UserError, naming the file, if one of them cannot be read.
        """
        tokens = load_tokens(self.tokenizer)
        return read_text(self.text, tokens), tokens.longest

    def digest(self) -> str:
        """Of all that figures depend on; raises UserError as `tokens` does."""
        text, longest = self.tokens()
        return digest(text.ids.tolist(), text.ends.tolist(), longest, self.window, self.stride, self.windows)


def quality_of(reading: Reading, network: Signature, run: Run, *, ordered: bool = False) -> Figures:
    """The figures of a network with these inputs and outputs; see `evaluate` for `ordered`.

    Raises ProgramError if it is no language model, or the text is too short for it; UserError as `Reading.tokens` does.
    """
    ports, (text, longest) = ports_of(network), reading.tokens()
    window = reading.window or window_for(ports, longest)
    if reading.stride is not None and reading.stride > window:
        raise UserError(f"quality: stride {reading.stride}: expected at most the {window} tokens of a window")
    plan = Plan(window, reading.stride, reading.windows)
    with naming(reading.text):
        check_text(text, ports, plan)
    score = evaluate({PROGRAM: run}, ports, text, plan, ordered=ordered).scores[PROGRAM]
    return {PERPLEXITY: _finite(score.perplexity), BITS_PER_BYTE: _finite(score.bits_per_byte)}


@contextmanager
def running(model: OutlinedModel, folder: Path) -> Generator[Run]:
    """What runs a network of any size in ONNX Runtime; its files are in `folder` for as long as that takes.

    Raises ProgramError if ONNX Runtime cannot load it.
    """
    file = folder / f".running.{os.getpid()}.onnx"
    try:
        with reference_file(file) as write:
            write(model)
        yield Reference(file).run
    finally:
        for path in (file, data_of(file)):
            path.unlink(missing_ok=True)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
