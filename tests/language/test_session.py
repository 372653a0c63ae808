"""Sessions: a program that writes tokens, one sequence or several."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.language import session
from cimc.language.checking import Check
from cimc.language.sampling import Sampling
from cimc.language.session import Session
from cimc.machine.check import Reference
from cimc.program.errors import ProgramError

Model = Callable[..., Path]
PROMPTS = [[3, 1, 4], [1, 5, 9, 2, 6, 5], [8]]


@pytest.fixture
def program(language_model: Model) -> cimc.Program:
    return cimc.compile(language_model(), chip="tiny-4")


def test_greedy_is_the_likeliest_after_all_before(program: cimc.Program) -> None:
    written = list(Session(program).generate([3, 1, 4], max_tokens=6))
    whole = Session(program)
    logits = whole.feed(np.array([[3, 1, 4, *written]]))
    assert logits[0, 2:-1].argmax(axis=-1).tolist() == written


def test_going_on_with_the_last_token(program: cimc.Program) -> None:
    at_once = list(Session(program).generate([3, 1, 4], max_tokens=9))
    pieces = Session(program)
    first = list(pieces.generate([3, 1, 4], max_tokens=4))
    assert pieces.length == 3 + 3
    assert first + list(pieces.generate(first[-1:], max_tokens=5)) == at_once


def test_stop(program: cimc.Program) -> None:
    written = list(Session(program).generate([3, 1, 4], max_tokens=8))
    end = written[4]
    assert list(Session(program).generate([3, 1, 4], max_tokens=8, stop={end})) == written[: written.index(end)]
    assert list(Session(program).generate([3, 1, 4], max_tokens=0)) == []


def test_seeds(program: cimc.Program) -> None:
    def drawn(seed: int) -> list[int]:
        return list(Session(program).generate([3], max_tokens=12, temperature=2.0, top_p=0.95, seed=seed))

    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(1.0, 0.9, 5)])
def test_several_sequences_are_what_they_would_be_alone(program: cimc.Program, sampling: Sampling) -> None:
    steps = Session(program, batch=3).generate_all(PROMPTS, max_tokens=8, sampling=sampling)
    together = [list(tokens) for tokens in zip(*steps, strict=True)]
    temperature, top_p, seed = sampling.temperature, sampling.top_p, sampling.seed
    assert together == [
        list(Session(program).generate(p, max_tokens=8, temperature=temperature, top_p=top_p, seed=seed + i))
        for i, p in enumerate(PROMPTS)
    ]


def test_a_sequence_that_has_ended(program: cimc.Program) -> None:
    alone = [list(Session(program).generate(prompt, max_tokens=8)) for prompt in PROMPTS[:2]]
    end = next(token for token in alone[0] if token not in alone[1])
    steps = list(Session(program, batch=2).generate_all(PROMPTS[:2], max_tokens=8, stop=[end]))
    first, second = zip(*steps, strict=True)
    length = alone[0].index(end)
    assert list(first) == alone[0][:length] + [None] * (8 - length)
    assert list(second) == alone[1]


def test_long_prompts_are_read_in_pieces(program: cimc.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(Session(program).generate(PROMPTS[1], max_tokens=4))
    monkeypatch.setattr(session, "PREFILL", 4)
    pieces = Session(program)
    assert list(pieces.generate(PROMPTS[1], max_tokens=4)) == expected
    together = Session(program, batch=2).generate_all([PROMPTS[1], PROMPTS[2]], max_tokens=4)
    assert [tokens[0] for tokens in together] == expected


def test_engines(program: cimc.Program) -> None:
    fast, reference = Session(program), Session(program, engine="reference")
    text = np.array([PROMPTS[1]])
    assert fast.feed(text).tobytes() == reference.feed(text).tobytes()


def test_an_empty_prompt(program: cimc.Program) -> None:
    with pytest.raises(ProgramError, match=r"^tokens have shape \[1, 0\], expected \[1, at least 1\]$"):
        next(Session(program).generate([]))


def test_another_number_of_prompts(program: cimc.Program) -> None:
    with pytest.raises(ProgramError, match=r"^tokens have shape \[3, 6\], expected \[2, at least 1\]$"):
        next(Session(program, batch=2).generate_all(PROMPTS))


def test_grouped_query_attention(grouped_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ONNX Runtime's model builder writes it: padding on the left is nothing to it, and pieces of several texts."""
    program = cimc.compile(grouped_model, chip="tiny-4", reference=grouped_model.with_name("ref.onnx"))
    alone: list[list[int]] = []
    for prompt in (PROMPTS[1], PROMPTS[1][::-1]):
        single = Session(program)
        check = Check(single, Reference(grouped_model.with_name("ref.onnx")).run)
        alone.append(list(single.generate(prompt, max_tokens=6)))
        assert str(check).endswith("over 6 steps")
    monkeypatch.setattr(session, "PREFILL", 4)
    assert list(Session(program).generate(PROMPTS[1], max_tokens=6)) == alone[0]
    together = Session(program, batch=2)
    steps = list(together.generate_all([PROMPTS[1], PROMPTS[1][::-1]], max_tokens=6))
    assert [list(tokens) for tokens in zip(*steps, strict=True)] == alone
    whole = Session(program, batch=2).feed(np.array([PROMPTS[1], PROMPTS[1][::-1]]))
    together.reset()
    pieces = [together.feed(np.array([PROMPTS[1][i:j], PROMPTS[1][::-1][i:j]])) for i, j in ((0, 2), (2, 6))]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=1e-4, atol=1e-3)
    with pytest.raises(ProgramError) as error:
        list(Session(program, batch=2).generate_all(PROMPTS[:2]))
    assert str(error.value) == (
        "sequences of different lengths need padding on the left, which GroupQueryAttention does not know: feed them "
        "one by one"
    )
