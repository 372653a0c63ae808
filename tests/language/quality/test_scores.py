"""Scores: perplexity and bits per byte of known probabilities, and numbers that would overflow."""

import math

import numpy as np
import pytest

from cimc.language.quality.scores import Score, score_of, surprises_at


def test_surprise_is_minus_the_logarithm_of_the_probability() -> None:
    probabilities = np.array([[[0.5, 0.25, 0.25], [0.125, 0.875, 0]]])
    with np.errstate(divide="ignore"):
        logits = (np.log(probabilities) + np.array([[[3], [-7]]])).astype(np.float32)
    surprises = surprises_at(logits, np.array([[1, 0]]))
    assert surprises.dtype == np.float64
    np.testing.assert_allclose(surprises, [[math.log(4), math.log(8)]], rtol=1e-6)
    assert surprises_at(logits, np.array([[1, 2]]))[0, 1] == math.inf


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[1e30, 0.0], [-2e4, -2e4]], np.float32)
    assert surprises_at(logits, np.array([0, 1])).tolist() == [0.0, math.log(2)]


def test_many_logits_are_looked_at_in_parts() -> None:
    logits = np.random.default_rng(0).standard_normal((7, 1 << 20)).astype(np.float32)
    ids = np.arange(7)
    each = [surprises_at(row[None], ids[i : i + 1])[0] for i, row in enumerate(logits)]
    assert surprises_at(logits, ids).tolist() == each


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_logits_that_say_nothing(wrong: float) -> None:
    surprises = surprises_at(np.full((1, 3), wrong, np.float32), np.array([1]))
    assert np.isnan(surprises[0])
    assert math.isnan(score_of(surprises, 1).perplexity)
    assert score_of([1.0, *surprises], 1).unknown == 1


def test_perplexity_and_bits_per_byte() -> None:
    """Four tokens of three bytes each, every one of probability 1/16."""
    score = score_of([math.log(16)] * 4, 12)
    assert score.tokens == 4
    assert score.perplexity == pytest.approx(16)
    assert score.bits_per_byte == pytest.approx(4 * 4 / 12)


def test_perplexities_that_no_number_is_large_enough_for() -> None:
    assert Score(1e6, 1, 1).perplexity == math.inf
    assert score_of([math.inf, 1.0], 2).perplexity == math.inf
    assert math.isnan(Score(1.0, 1, 0).bits_per_byte)


def test_the_sum_does_not_depend_on_the_order() -> None:
    values = [1e16, 1.0, -1e16, 1.0]
    assert score_of(values, 1).nats == 2.0
