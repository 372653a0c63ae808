"""How the next token is chosen."""

import numpy as np
import pytest

from cimc.language.sampling import Sampler, Sampling
from cimc.program.errors import ProgramError

LOGITS = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32))


def shares(sampling: Sampling, draws: int = 4000) -> list[float]:
    """How often each token was drawn."""
    sampler = Sampler(sampling, 1)
    drawn = [int(sampler.choose(LOGITS)[0]) for _ in range(draws)]
    return [drawn.count(token) / draws for token in range(4)]


def test_greedy_takes_the_first_of_the_likeliest() -> None:
    assert Sampler(Sampling(), 2).choose(np.array([[1, 3, 3, 0], [9, 3, 3, 9]], np.float16)).tolist() == [1, 0]


def test_probabilities() -> None:
    assert shares(Sampling(temperature=1)) == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    squared = np.array([0.25, 0.09, 0.0225, 0.0025])
    assert shares(Sampling(temperature=0.5)) == pytest.approx(squared / squared.sum(), abs=0.03)


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    assert shares(Sampling(1, top_p=0.75)) == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)
    assert shares(Sampling(1, top_p=0.01))[0] == 1
    assert min(shares(Sampling(1, top_p=0.96))) > 0.02


def test_a_tiny_temperature_is_greedy() -> None:
    assert Sampler(Sampling(1e-300), 1).choose(LOGITS).tolist() == [0]


def test_seeds() -> None:
    def draws(seed: int, batch: int) -> list[list[int]]:
        sampler = Sampler(Sampling(1, seed=seed), batch)
        return [sampler.choose(np.repeat(LOGITS, batch, axis=0)).tolist() for _ in range(40)]

    assert draws(3, 1) == draws(3, 1) != draws(4, 1)
    assert [row[2] for row in draws(1, 3)] == [row[0] for row in draws(3, 1)]


def test_impossible_tokens_are_never_drawn() -> None:
    logits = np.array([[-np.inf, 0, -np.inf, 0]], np.float32)
    sampler = Sampler(Sampling(2.0), 1)
    assert {int(sampler.choose(logits)[0]) for _ in range(50)} == {1, 3}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_numbers(value: float) -> None:
    with pytest.raises(ProgramError) as error:
        Sampler(Sampling(), 2).choose(np.array([[1, -np.inf], [value, -np.inf]], np.float32))
    assert str(error.value) == f"the network's largest logit is {value}: expected a number"
