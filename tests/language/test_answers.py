"""Answers: the likelihood of known continuations, and what is written after a prompt."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimc.compiler import Options, compile_network
from cimc.language import answers as module
from cimc.language.answers import LONGEST, Answers
from cimc.language.context import Context
from cimc.language.ports import ports_of
from cimc.language.quality.scores import surprises_at
from cimc.language.sampling import Sampling
from cimc.language.tokens import load_tokens
from cimc.machine.machine import Machine
from cimc.original import load_original
from cimc.program.errors import ProgramError

Model = Callable[..., Path]
Make = Callable[..., Answers]
GREEDY = Sampling()


@pytest.fixture
def answers(language_model: Model) -> Make:
    """What a network with a cache answers, whose tokens are bytes; `longest` is how much it reads."""

    def make(longest: int | None = None) -> Answers:
        file = language_model(vocabulary=256)
        program = compile_network(file, Options(chip="tiny-4", measure=False)).program
        return Answers(ports_of(program), load_original(file)[0].run, load_tokens("bytes"), longest)

    return make


def by_hand(answers: Answers, ids: list[int], scored: int) -> tuple[float, bool]:
    """The likelihood of the last tokens, from all logits at once."""
    context = Context(answers.context.ports, answers.context.run)
    logits = context.feed(np.array([ids]))[0, -scored - 1 : -1]
    last = np.array(ids[-scored:])
    return -float(surprises_at(logits, last).sum()), bool((logits.argmax(axis=-1) == last).all())


def test_likelihood(answers: Make) -> None:
    model = answers()
    for context, continuation in ((b"the cat", b" sat"), (b"t", b"he cat"), (b"the", b"c")):
        found = model.likelihood(list(context), list(continuation))
        expected = by_hand(model, [*context, *continuation], len(continuation))
        assert found == (pytest.approx(expected[0]), expected[1])
        assert found[0] < 0


def test_the_likeliest_answer(answers: Make) -> None:
    """What a network writes by itself is what it finds likeliest, and nothing else is."""
    model = answers()
    written = model.write(list(b"the cat"), 3, [], GREEDY).encode()
    context = Context(model.context.ports, model.context.run)
    token = int(context.feed(np.array([list(b"the cat")]))[0, -1].argmax())
    assert model.likelihood(list(b"the cat"), [token])[1]
    assert not model.likelihood(list(b"the cat"), [(token + 1) % 256])[1]
    assert token > 127 or written.startswith(bytes([token]))


def test_long_texts_are_read_in_parts(answers: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = answers()
    expected = model.likelihood(list(b"the cat sat"), list(b" on the mat"))
    monkeypatch.setattr(module, "READ_AT_ONCE", 4)
    found = model.likelihood(list(b"the cat sat"), list(b" on the mat"))
    assert found == (pytest.approx(expected[0]), expected[1])


def test_of_what_is_too_long_the_beginning_is_dropped(answers: Make) -> None:
    short, long = answers(longest=5), answers()
    assert short.longest == 5
    assert short.likelihood(list(b"the cat"), list(b"sat")) == long.likelihood(list(b"cat"), list(b"sat"))
    assert short.write(list(b"the cat"), 2, [], GREEDY) == long.write(list(b"cat"), 2, [], GREEDY)
    message = r"^6 tokens after 7 are to be predicted: expected at least one before them, and no more than the 5 that "
    with pytest.raises(ProgramError, match=message):
        short.likelihood(list(b"the cat"), list(b" on it"))
    with pytest.raises(ProgramError, match=r"^1 tokens after 0 are to be predicted: expected at least one before"):
        short.likelihood([], [1])


def test_how_long_texts_are(answers: Make) -> None:
    """The network has a table of 96 places."""
    assert answers().longest == 96 < LONGEST


def test_a_question_with_several_short_answers_is_read_once(answers: Make) -> None:
    model = answers()
    run, lengths = model.context.run, list[int]()

    def counted(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        lengths.append(inputs["input_ids"].shape[1])
        return run(inputs)

    model.context.run = counted
    found = [model.likelihood(list(b"the cat"), [token]) for token in (65, 66, 67)]
    assert lengths == [7]
    assert found == [by_hand(model, [*b"the cat", token], 1) for token in (65, 66, 67)]
    assert model.likelihood(list(b"the dog"), [65]) == by_hand(model, [*b"the dog", 65], 1)


def test_answers_end(answers: Make) -> None:
    """Before a text that ends them, after so many tokens, or before a token that ends texts."""
    model = answers()
    written = model.write(list(b"the cat"), 6, [], Sampling(1.0, seed=1))
    assert written
    assert model.write(list(b"the cat"), 6, [], Sampling(1.0, seed=1)) == written
    assert (
        model.write(list(b"the cat"), 6, ["", written[1:3]], Sampling(1.0, seed=1))
        == written.partition(written[1:3])[0]
    )
    assert len(model.write(list(b"the cat"), 2, [], Sampling(1.0, seed=1)).encode(errors="replace")) <= 2 * 3


def test_a_token_that_ends_texts(language_model: Model, tokenizer_folder: Model) -> None:
    file = language_model(vocabulary=300)
    program = compile_network(file, Options(chip="tiny-4", measure=False)).program
    tokens = load_tokens(tokenizer_folder())
    ids = tokens.encode("the cat")
    for stop in range(2):

        def run(inputs: Mapping[str, Any], stop: int = stop) -> dict[str, Any]:
            outputs = dict(load_original(file)[0].run(inputs))
            wanted = tokens.encode("mat")[0]
            outputs["logits"] = np.full_like(outputs["logits"], -9.0)
            after = inputs["past_key_0"].shape[2] + outputs["logits"].shape[1] - len(ids)
            outputs["logits"][..., 1 if after >= stop else wanted] = 9.0
            return outputs

        answer = Answers(ports_of(program), run, tokens).write(ids, 9, [], GREEDY)
        assert tokens.encode(answer)[:1] == (tokens.encode("mat")[:1] if stop else [])


def test_program_and_original_agree_about(language_model: Model) -> None:
    """A program answers as the original does, but for its rounding."""
    file = language_model(vocabulary=256)
    program = compile_network(file, Options(chip="tiny-4", measure=False)).program
    ports, tokens = ports_of(program), load_tokens("bytes")
    both = [Answers(ports, run, tokens) for run in (Machine(program).run, load_original(file)[0].run)]
    own, original = (model.likelihood(list(b"the cat"), list(b" sat"))[0] for model in both)
    assert own == pytest.approx(original, rel=0.1)
    assert own != original


def test_networks_that_look_ahead(onnx_file: Callable[..., Path]) -> None:
    text = """g (int64[batch,tokens] input_ids) => (float[batch,tokens,4] logits) {
        e = Gather(one, input_ids)  m = ReduceMean <axes = [1]> (e)  x = Add(e, m)  logits = MatMul(x, table)
    }"""
    constants = {"one": np.eye(4, dtype=np.float32), "table": np.eye(4, dtype=np.float32)}
    file = onnx_file(text, constants)
    program = compile_network(file, Options(chip="tiny-4", measure=False)).program
    with pytest.raises(ProgramError, match="the logits of a token depend on the tokens after it, as in encoders"):
        Answers(ports_of(program), Machine(program).run, load_tokens("bytes"))


def test_networks_with_the_last_logits_only(answers: Make) -> None:
    """They can write, and say how likely a single token is."""
    model = answers()
    context, token, pair = list(b"the cat"), model.likelihood(list(b"the cat"), [65]), list(b"sat")
    written, run = model.write(context, 3, [], GREEDY), model.context.run

    def last(inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs = dict(run(inputs))
        return {**outputs, "logits": outputs["logits"][:, -1:]}

    model = answers()
    model.context.run = last
    assert model.write(context, 3, [], GREEDY) == written
    assert model.likelihood(context, [65]) == token
    with pytest.raises(ProgramError, match=r"^there are the logits of 1 of 9 tokens, and a likelihood needs those of"):
        model.likelihood(context, pair)
