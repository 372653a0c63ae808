"""How well networks predict a text: perplexity of a program, of its reference and of its original."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.language.context import Context, Run, Values
from cimc.language.ports import Ports
from cimc.language.quality.scores import Score, score_of, surprises_at
from cimc.language.quality.windows import Ids, Window, batches_of, ids_of, windows_of
from cimc.machine.check import compare
from cimc.program.errors import ProgramError

DEFAULT_WINDOW = 512
"""Tokens of a window where nothing else is said and the network can read as many."""
PROBED = 16
"""Tokens by which a network is asked whether it looks ahead."""
MOST_AHEAD = 0.25
"""Of the spread of logits, how far later tokens may move them. Scales of activations that are quantised for a whole
tensor move them a little; in a network that looks ahead, as encoders do, they are other logits."""

PROGRAM, REFERENCE, ORIGINAL = "program", "reference", "original"


@dataclass(frozen=True)
class Text:
    """A text as tokens `ids`; up to and with token i it has `ends[i]` bytes."""

    ids: Ids
    ends: NDArray[np.int64]

    def size(self, window: Window) -> int:
        """How many bytes the tokens spell that a window scores."""
        return int(self.ends[window.end - 1] - self.ends[window.scored - 1])


@dataclass(frozen=True)
class Plan:
    """Which windows are read, and how many of them at once; see `windows_of`."""

    window: int
    stride: int | None = None
    most: int | None = None
    batch: int = 1

    def windows(self, text: Text, ports: Ports) -> list[Window]:
        """The windows of a text. A network that takes a fixed number of tokens at once reads none that is shorter."""
        whole = ports.step not in (None, 1)
        return windows_of(len(text.ids), self.window, stride=self.stride, most=self.most, whole=whole)


@dataclass(frozen=True)
class Evaluation:
    """What networks make of a text."""

    windows: Sequence[Window]
    scores: Mapping[str, Score]
    """By name of a network."""
    difference: str = ""
    """Where the program and its reference differ first, and how; "" if they are identical."""


def window_for(ports: Ports, longest: int | None = None) -> int:
    """How long windows are if nobody says: what the network takes at once, or `DEFAULT_WINDOW` if it can read that.

    `longest` is what else is known of the longest text that it can read, in tokens.
    """
    if ports.step not in (None, 1):
        return max(2, ports.step)
    known = [length for length in (ports.longest, longest) if length is not None]
    return max(2, min([DEFAULT_WINDOW, *known]))


def evaluate(
    networks: Mapping[str, Run],
    ports: Ports,
    text: Text,
    plan: Plan,
    progress: Callable[[int, int], None] = lambda done, windows: None,
    *,
    ordered: bool = False,
) -> Evaluation:
    """Have all networks, which have the ports of the program, read the same windows of a text.

    If there are a `PROGRAM` and its `REFERENCE`, all that they give is compared bit for bit. `progress` is called with
    the number of windows that are done, and of all. `ordered` says that they are known not to look ahead; else the
    original is asked, or what there is in its place, see `check_order`.

    Raises ProgramError if there is nothing to predict, or a network is none that predicts the next token, or cannot
    be run.
    """
    check_text(text, ports, plan)
    windows = plan.windows(text, ports)
    readers = {name: _Reader(run, ports) for name, run in networks.items()}
    if not ordered:
        run = next(networks[name] for name in (ORIGINAL, *networks) if name in networks)
        check_order(run, ports, text.ids[: windows[0].length])
    surprises: dict[str, list[float]] = {name: [] for name in networks}
    difference, done = "", 0
    for batch in batches_of(windows, ports.batch or plan.batch):
        ids, outputs = ids_of(text.ids, batch), dict[str, Values]()
        for name, reader in readers.items():
            outputs[name] = reader.read(ids)
            surprises[name] += _surprises(outputs[name][ports.logits.name], ids, batch)
        if PROGRAM in outputs and REFERENCE in outputs and not difference:
            found = compare(outputs[PROGRAM], outputs[REFERENCE]).difference
            difference = found and f"in window {done + 1}{_others(batch)}, {found}"
        done += len(batch)
        progress(done, len(windows))
    size = sum(map(text.size, windows))
    return Evaluation(windows, {name: score_of(values, size) for name, values in surprises.items()}, difference)


def check_text(text: Text, ports: Ports, plan: Plan) -> None:
    """ProgramError for a text that is too short, or has tokens that the program does not know."""
    if not plan.windows(text, ports):
        least = plan.window if ports.step not in (None, 1) else 2
        raise ProgramError(f"the text has {len(text.ids)} tokens, too few: expected at least {least}")
    if not sum(map(text.size, plan.windows(text, ports))):
        raise ProgramError(
            f"the text has {len(text.ids)} tokens that spell no bytes: expected some text beside special tokens"
        )
    largest = int(text.ids.max())
    if ports.vocabulary is not None and largest >= ports.vocabulary:
        raise ProgramError(
            f"the text has token {largest}, and the program knows {ports.vocabulary}: expected the tokenizer of the "
            "model"
        )


def check_order(run: Run, ports: Ports, ids: Ids) -> None:
    """ProgramError if logits depend on tokens that come after them; a network with a cache cannot look ahead.

    `ids` are some tokens to try that on.
    """
    if ports.cache:
        return
    probe, reader = ids if ports.step is not None else ids[:PROBED], _Reader(run, ports)
    half = len(probe) // 2
    before = reader.read(probe[np.newaxis])[ports.logits.name][0, :half].astype(np.float64)
    changed = probe.copy()
    changed[half:] = (probe[-1] + 1) % before.shape[-1]
    after = reader.read(changed[np.newaxis])[ports.logits.name][0, :half].astype(np.float64)
    if np.linalg.norm(after - before) > MOST_AHEAD * np.linalg.norm(before - before.mean()):
        raise ProgramError(
            "the logits of a token depend on the tokens after it, as in encoders: perplexity means nothing there, "
            "expected a network that predicts the next token"
        )


def _surprises(logits: NDArray[Any], ids: Ids, windows: Sequence[Window]) -> list[float]:
    """At every token that these windows score, in their order."""
    surprises: list[float] = []
    for row, tokens, window in zip(logits, ids, windows, strict=False):
        first = window.scored - window.start
        surprises += surprises_at(row[first - 1 : -1], tokens[first:]).tolist()
    return surprises


def _others(batch: Sequence[Window]) -> str:
    return f" and the {len(batch) - 1} after it" if len(batch) > 1 else ""


class _Reader:
    """A network that reads windows; a context for each number of them."""

    def __init__(self, run: Run, ports: Ports) -> None:
        self.run, self.ports = run, ports
        self.contexts: dict[int, Context] = {}

    def read(self, ids: Ids) -> Values:
        """All outputs for windows [windows, length], the logits being those of all tokens."""
        if self.ports.batch is not None:  # the places that are left are filled, and not looked at
            ids = np.concatenate([ids, np.repeat(ids[-1:], self.ports.batch - len(ids), axis=0)])
        if len(ids) not in self.contexts:
            context = Context(self.ports, self.run, len(ids))
            self.contexts[len(ids)], self.ports = context, context.ports
        context = self.contexts[len(ids)]
        context.reset()
        logits = context.feed(ids)
        if logits.shape[1] != ids.shape[1]:
            raise ProgramError(
                f"output {self.ports.logits.name} has the logits of {logits.shape[1]} of {ids.shape[1]} tokens, and a "
                "score needs those of all: export the network with all logits"
            )
        return {**context.outputs, self.ports.logits.name: logits}
