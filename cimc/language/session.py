"""A program that reads and writes text as tokens: its machine and its cache, kept from one step to the next."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.language.context import Context
from cimc.language.ports import ports_of
from cimc.language.sampling import Sampler, Sampling
from cimc.machine.machine import EngineName, Machine
from cimc.program.errors import ProgramError
from cimc.program.program import Program

PREFILL = 512
"""Tokens of a prompt that are read at once: their logits are 100 MB where there are 49,152 tokens to choose from."""
MAX_TOKENS = 256
"""Tokens that are written if nothing else is asked for."""


class Session(Context):
    """A language model that is ready to go on with what it has read.

    `batch` sequences are read side by side. Threads and engine are those of `Machine`; sessions may share a `machine`
    that there is already. Raises ProgramError if the program is no language model, or takes another number of
    sequences.
    """

    def __init__(
        self,
        program: Program,
        *,
        batch: int = 1,
        threads: int | None = None,
        engine: EngineName = "fast",
        spot_check: float = 0,
        seed: int = 0,
        machine: Machine | None = None,
    ) -> None:
        ports = ports_of(program)
        self.machine = machine or Machine(program, engine, threads=threads, spot_check=spot_check, seed=seed)
        super().__init__(ports, self.machine.run, batch)

    def generate(
        self,
        ids: Sequence[int] | NDArray[np.int64],
        *,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Collection[int] = (),
    ) -> Iterator[int]:
        """Reads `ids` and writes tokens, one at a time; ends before one of `stop`, or after `max_tokens`.

        The last token that is given out has not been read yet: to go on, begin the next `ids` with it.
        """
        sampling = Sampling(temperature, top_p, seed)
        for (token,) in self.generate_all([ids], max_tokens=max_tokens, sampling=sampling, stop=stop):
            if token is not None:
                yield token

    def generate_all(
        self,
        prompts: Sequence[Sequence[int] | NDArray[np.int64]],
        *,
        max_tokens: int = MAX_TOKENS,
        sampling: Sampling = Sampling(),
        stop: Collection[int] = (),
    ) -> Iterator[tuple[int | None, ...]]:
        """As `generate`, for as many sequences as the session has: a token of each, or None once it has ended.

        Prompts of different lengths are padded on the left. Every sequence is what it would be alone, as far as the
        network's arithmetic is the same in other places of an array.
        """
        sampler, open_ = Sampler(sampling, self.batch), np.ones(self.batch, np.bool_)
        logits = self.read(prompts)
        for step in range(max_tokens):
            tokens = sampler.choose(logits)
            open_ &= ~np.isin(tokens, list(stop))
            if not open_.any():
                return
            yield tuple(int(token) if goes_on else None for token, goes_on in zip(tokens, open_, strict=True))
            if step + 1 < max_tokens:
                logits = self.feed(tokens[:, np.newaxis])[:, -1]

    def read(self, prompts: Sequence[Sequence[int] | NDArray[np.int64]]) -> NDArray[np.float32]:
        """Feeds prompts, one for each sequence, padded on the left; the logits [batch, vocabulary] after them."""
        if any(isinstance(prompt, str) for prompt in prompts):
            raise ProgramError("the prompt is a text: expected its tokens, load_tokens(FOLDER).encode(text)")
        longest = max((len(prompt) for prompt in prompts), default=0)
        ids, mask = np.zeros((len(prompts), longest), np.int64), np.zeros((len(prompts), longest), np.bool_)
        for row, prompt in enumerate(prompts):
            first = longest - len(prompt)
            ids[row, first:], mask[row, first:] = prompt, True
        whole = not self.ports.cache or (self.ports.grouped and self.batch > 1)
        at_once = max(longest, 1) if whole else PREFILL
        starts = range(0, max(longest, 1), at_once)
        parts = [self.feed(ids[:, i : i + at_once], mask[:, i : i + at_once])[:, -1] for i in starts]
        return parts[-1]
