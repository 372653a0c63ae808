"""Windows: which tokens each of them has, and that every token is scored at most once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.language.quality.windows import Window, batches_of, ids_of, windows_of


def test_windows_that_follow_each_other() -> None:
    """The first token of each is context only; the rest of the text is a window of its own."""
    assert windows_of(10, 4) == [Window(0, 4, 1), Window(4, 8, 5), Window(8, 10, 9)]
    assert windows_of(9, 4) == [Window(0, 4, 1), Window(4, 8, 5)], "the last token has nothing before it"
    assert windows_of(10, 4, whole=True) == [Window(0, 4, 1), Window(4, 8, 5)]
    assert windows_of(10, 4, most=1) == [Window(0, 4, 1)]


def test_windows_that_overlap() -> None:
    """As the strided ones of Hugging Face's page: each scores what is new in it."""
    assert windows_of(9, 4, stride=2) == [Window(0, 4, 1), Window(2, 6, 4), Window(4, 8, 6), Window(6, 9, 8)]
    assert windows_of(9, 4, stride=2, whole=True)[-1] == Window(4, 8, 6)


@pytest.mark.parametrize("tokens", [0, 1])
def test_a_text_that_is_too_short(tokens: int) -> None:
    assert windows_of(tokens, 4) == []


@given(tokens=st.integers(0, 60), length=st.integers(2, 9), data=st.data())
def test_scored_tokens(tokens: int, length: int, data: st.DataObject) -> None:
    """With overlap, all but the first are scored, once each; without, all but the first of each window."""
    stride = data.draw(st.integers(1, length))
    windows = windows_of(tokens, length, stride=stride)
    scored = [token for window in windows for token in range(window.scored, window.end)]
    missing = [] if stride < length else list(range(0, tokens, length))
    assert scored == [token for token in range(1, tokens) if token not in missing]
    assert all(window.tokens > 0 and window.start < window.scored for window in windows)
    assert all(window.length == length for window in windows[:-1])


def test_batches_have_windows_of_one_length() -> None:
    windows = windows_of(10, 3)
    assert [len(batch) for batch in batches_of(windows, 2)] == [2, 1]
    assert [len(batch) for batch in batches_of(windows_of(11, 3), 3)] == [3, 1]
    assert [window for batch in batches_of(windows, 2) for window in batch] == windows


def test_ids() -> None:
    assert ids_of(np.arange(10, 20), windows_of(8, 4)).tolist() == [[10, 11, 12, 13], [14, 15, 16, 17]]
