"""Answers to what benchmarks ask of a language model: how likely is a text, and what comes next."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.language.context import Context, Run
from cimc.language.ports import Ports
from cimc.language.quality.evaluation import PROBED, check_order
from cimc.language.quality.scores import surprises_at
from cimc.language.sampling import Sampler, Sampling
from cimc.language.tokens import Tokens
from cimc.program.errors import ProgramError

READ_AT_ONCE = 512
"""Tokens whose logits are there at the same time; they take 100 MB where there are 49,152 tokens to choose from."""
LONGEST = 2048
"""Tokens that a network reads at most, where neither it nor its tokenizer says."""


class Answers:
    """A network that answers, one question at a time; `longest` is the most tokens that it can read.

    Raises ProgramError if the network is none that predicts the next token, or cannot be run.
    """

    def __init__(self, ports: Ports, run: Run, tokens: Tokens, longest: int | None = None) -> None:
        check_order(run, ports, np.arange(PROBED if ports.step is None else ports.step) % (ports.vocabulary or PROBED))
        self.context, self.tokens = Context(ports, run), tokens
        known = [length for length in (longest, ports.longest, tokens.longest) if length is not None]
        self.longest = min(known, default=LONGEST)
        self.last: tuple[list[int], NDArray[Any]] = ([], np.zeros((0, 0)))
        """What was read last, and the logits after it: answers of one token to a question are asked for in a row."""

    def likelihood(self, context: Sequence[int], continuation: Sequence[int]) -> tuple[float, bool]:
        """The logarithm of the probability that `continuation` follows, and whether it is the likeliest at each token.

        Of what is longer than the network can read, the beginning is dropped.
        """
        ids = [*context, *continuation][-self.longest - 1 :]
        if not context or len(continuation) > len(ids) - 1:
            raise ProgramError(
                f"{len(continuation)} tokens after {len(context)} are to be predicted: expected at least one before "
                f"them, and no more than the {self.longest} that the network can read"
            )
        chosen = np.array(ids[len(ids) - len(continuation) :])
        surprise, greedy, first = 0.0, True, 0
        for logits in self._known(ids[:-1]) if len(chosen) == 1 else self._logits(ids[:-1], len(chosen)):
            own = chosen[first : first + len(logits)]
            surprise += float(surprises_at(logits, own).sum())
            greedy &= bool((logits.argmax(axis=-1) == own).all())
            first += len(logits)
        return -surprise, greedy

    def write(self, prompt: Sequence[int], max_tokens: int, until: Sequence[str], sampling: Sampling) -> str:
        """The text that follows a prompt, up to the first text of `until`, a token that ends texts, or `max_tokens`."""
        room = max(1, self.longest - max_tokens)
        logits = list(self._logits(list(prompt)[-room:], 1))[-1][-1:]
        sampler, stream, text = Sampler(sampling, 1), self.tokens.stream(prompt), ""
        for number in range(max_tokens):
            token = int(sampler.choose(logits)[0])
            if token in self.tokens.stop:
                break
            text += stream.step(token)
            if any(end in text for end in until if end) or number + 1 == max_tokens:
                break
            logits = self.context.feed(np.array([[token]]))[:, -1]
        return _cut(text + stream.end(), until)

    def _known(self, ids: list[int]) -> list[NDArray[Any]]:
        """The logits [1, vocabulary] after the last token, from before if they are known."""
        if self.last[0] != ids:
            self.last = (ids, list(self._logits(ids, 1))[-1])
        return [self.last[1]]

    def _logits(self, ids: Sequence[int], last: int) -> Iterator[NDArray[Any]]:
        """Reads tokens; the logits [n, vocabulary] after each of the `last` ones, some at a time."""
        self.context.reset()
        at_once = READ_AT_ONCE if self.context.ports.cache else len(ids)
        for first in range(0, len(ids), at_once):
            part = ids[first : first + at_once]
            logits = self.context.feed(np.array([part], np.int64))[0]
            wanted = min(len(part), first + len(part) - (len(ids) - last))
            if len(logits) < wanted:
                raise ProgramError(
                    f"there are the logits of {len(logits)} of {len(part)} tokens, and a likelihood needs those of "
                    "all: export the network with all logits"
                )
            if wanted > 0:
                yield logits[len(logits) - wanted :]


def _cut(text: str, until: Sequence[str]) -> str:
    """What stands before the first of these texts."""
    for end in until:
        if end:
            text = text.partition(end)[0]
    return text
