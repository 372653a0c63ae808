"""A text as a network has read it so far: its cache, kept from one run to the next."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cimc.language.ports import CachePort, Ports, is_resolved, with_size
from cimc.machine.stoppable import TooLong
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line

Values: TypeAlias = Mapping[str, Any]
"""Arrays by the names of inputs or outputs. Those of the cache are only handed on."""
Run: TypeAlias = Callable[[Values], Values]
"""The outputs for inputs; a program's machine, or its reference in ONNX Runtime."""
MOST_HEADS = 256
"""How many heads are tried where a network does not say how many it has."""


class Context:
    """What a network has read, as many sequences side by side as `batch` says.

    `feed` appends tokens. Where the network has a cache, only the new ones are run; else everything is run anew.
    Raises ProgramError if the network takes another number of sequences.
    """

    def __init__(self, ports: Ports, run: Run, batch: int = 1) -> None:
        if ports.batch not in (None, batch):
            raise ProgramError(
                f"the network takes {ports.batch} sequences at once, found {batch}: give as many, or compile it "
                "with a symbolic batch"
            )
        self.run, self.batch = run, batch
        self.ports = ports if is_resolved(ports) else _resolved(ports, run, batch)
        self.outputs: Values = {}
        """All outputs of the last run."""
        self.reset()

    @property
    def length(self) -> int:
        """How many tokens every sequence has, padding included."""
        return self.mask.shape[1]

    def reset(self) -> None:
        """Forgets everything."""
        self.mask = np.zeros((self.batch, 0), np.bool_)
        """Which tokens count, [batch, length]."""
        self.ids = np.zeros((self.batch, 0), np.int64)
        """All tokens if there is no cache."""
        self.cache: dict[str, Any] = {
            port.past.name: np.zeros(port.sizes(self.batch, 0), np.dtype(port.past.dtype)) for port in self.ports.cache
        }

    def feed(self, ids: NDArray[np.int64], mask: NDArray[np.bool_] | None = None) -> NDArray[Any]:
        """Reads tokens [batch, n]; `mask` [batch, n] is false for padding, which nothing else may look at.

        Logits [batch, n, vocabulary], or [batch, 1, vocabulary] if the network gives only the last. Raises
        ProgramError for tokens that the network does not know, a text longer than it can read, or what does not fit.
        """
        self._check(ids)
        counts = np.ones(ids.shape, np.bool_) if mask is None else mask
        if not counts.all():
            self._check_padding()
        step = 1 if self.ports.grouped and self.batch > 1 and self.length else self.ports.step
        if step is None or ids.shape[1] == step:
            return self._feed(ids, counts)
        if step != 1:
            raise ProgramError(
                f"the network takes {step} tokens at once, found {ids.shape[1]}: compile it with a symbolic number of "
                "tokens"
            )
        columns = [(ids[:, i : i + 1], counts[:, i : i + 1]) for i in range(ids.shape[1])]
        return np.concatenate([self._feed(*column) for column in columns], axis=1)

    def inputs(self, ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """What a run takes that reads these tokens [batch, n] next; ProgramError as from `feed`."""
        self._check(ids)
        mask = np.concatenate([self.mask, np.ones(ids.shape, np.bool_)], axis=1)
        read = ids if self.ports.cache else np.concatenate([self.ids, ids], axis=1)
        return {**self._inputs(read, mask), **self.cache}

    def _feed(self, ids: NDArray[np.int64], counts: NDArray[np.bool_]) -> NDArray[Any]:
        """One run. What was read stays as it was if that fails."""
        ports, new = self.ports, ids.shape[1]
        mask = np.concatenate([self.mask, counts], axis=1)
        read = ids if ports.cache else np.concatenate([self.ids, ids], axis=1)
        outputs = self.run({**self._inputs(read, mask), **self.cache})
        for port in ports.cache:
            _check_present(port, np.shape(outputs[port.present.name]), port.sizes(self.batch, mask.shape[1]))
        self.outputs, self.mask = outputs, mask
        if ports.cache:
            self.cache = {port.past.name: outputs[port.present.name] for port in ports.cache}
        else:
            self.ids = read
        logits: NDArray[Any] = outputs[ports.logits.name]
        return logits[:, -new:]

    def _inputs(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """The inputs but for the cache; positions count the tokens that are no padding."""
        ports, new = self.ports, ids.shape[1]
        inputs = {ports.ids.name: ids.astype(ports.ids.dtype)}
        if ports.mask is not None:
            inputs[ports.mask.name] = mask.astype(ports.mask.dtype)
        if ports.positions is not None:
            counted: NDArray[np.int64] = np.cumsum(mask, axis=1, dtype=np.int64) - 1
            if len(ports.positions.shape or ()) == 1:
                counted = np.arange(mask.shape[1], dtype=np.int64)
            inputs[ports.positions.name] = np.maximum(counted[..., -new:], 0).astype(ports.positions.dtype)
        return inputs

    def _check_padding(self) -> None:
        if self.ports.grouped:
            raise ProgramError(
                "sequences of different lengths need padding on the left, which GroupQueryAttention does not know: "
                "feed them one by one"
            )
        if self.ports.mask is None or self.ports.positions is None:
            raise ProgramError(
                "sequences of different lengths need padding, and the network has no inputs attention_mask and "
                "position_ids for that: feed them one by one, or export it with these inputs"
            )

    def _check(self, ids: NDArray[np.int64]) -> None:
        if ids.ndim != 2 or ids.shape[0] != self.batch or not ids.shape[1]:
            raise ProgramError(f"tokens have shape {list(ids.shape)}, expected [{self.batch}, at least 1]")
        vocabulary, longest = self.ports.vocabulary, self.ports.longest
        if ids.min() < 0 or (vocabulary is not None and ids.max() >= vocabulary):
            wrong = int(ids.min() if ids.min() < 0 else ids.max())
            raise ProgramError(f"token {wrong} is unknown: the network has {vocabulary or 'those from 0 on'}")
        length = self.length + ids.shape[1]
        if longest is not None and length > longest:
            raise ProgramError(f"a text of {length} tokens is too long: the network has positions for {longest}")


def _check_present(port: CachePort, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise ProgramError(
            f"output {one_line(port.present.name)} has shape {list(shape)}, expected {list(expected)}: it does not go "
            f"back into input {one_line(port.past.name)}"
        )


def _resolved(ports: Ports, run: Run, batch: int) -> Ports:
    """The ports with the number of heads, where a network does not say it: only the right one can be concatenated.

    ProgramError, that of the first attempt, if no number fits.
    """
    first: ProgramError | None = None
    for heads in range(1, MOST_HEADS + 1):
        try:
            context = Context(with_size(ports, heads), run, batch)
            context.feed(np.zeros((batch, ports.step or 1), np.int64))
        except TooLong:
            raise
        except ProgramError as error:
            first = first or error
        else:
            return context.ports
    raise ProgramError(
        f"input {one_line(ports.cache[0].past.name)} does not say how many heads it has, and no number up to "
        f"{MOST_HEADS} fits: export it with fixed sizes"
    ) from first
