"""Cuts a text of tokens into the windows that a network sees one at a time, and says which tokens each of them scores.

As on the page "Perplexity of fixed-length models" of Hugging Face's transformers: a window begins every `stride`
tokens, and scores what no window before it has scored; its first token is context only, for nothing comes before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Tokens `start` to `end` - 1 of a text; those from `scored` on are predicted, the others are context."""

    start: int
    end: int
    scored: int

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return self.end - self.start

    @property
    def tokens(self) -> int:
        """How many tokens it scores."""
        return self.end - self.scored


def windows_of(
    tokens: int, length: int, *, stride: int | None = None, most: int | None = None, whole: bool = False
) -> list[Window]:
    """The windows of a text of so many tokens, `most` of them at most, the first ones.

    Without `stride`, windows follow each other without overlap. The last one ends with the text and may be shorter;
    with `whole` it is left out then. None scores nothing, so a text of one token has no windows.
    """
    step = length if stride is None else stride
    assert 1 <= step <= length >= 2, "what a caller checks"
    windows: list[Window] = []
    for start in range(0, tokens, step):
        end = min(start + length, tokens)
        scored = max(start + 1, windows[-1].end if windows else 0)
        if scored < end and (not whole or end - start == length):
            windows.append(Window(start, end, scored))
        if end == tokens or len(windows) == most:
            break
    return windows


def batches_of(windows: Sequence[Window], batch: int) -> Iterator[Sequence[Window]]:
    """The windows in their order, up to `batch` together; all of a batch have the same length."""
    first = 0
    while first < len(windows):
        last = first + 1
        while last < min(first + batch, len(windows)) and windows[last].length == windows[first].length:
            last += 1
        yield windows[first:last]
        first = last


def ids_of(text: Ids, windows: Sequence[Window]) -> Ids:
    """The tokens of windows of one length, [windows, length]."""
    return np.stack([text[window.start : window.end] for window in windows])
