"""The cache between runs: pieces give what the whole gives, and what does not fit is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

import cimc
from cimc.language.context import Context, Values
from cimc.language.ports import Ports, is_resolved, ports_of
from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError

Model = Callable[..., Path]
TEXT = np.array([[3, 1, 4, 1, 5, 9, 2, 6]])


def context(file: Path, batch: int = 1) -> Context:
    program = cimc.compile(file, chip="tiny-4")
    return Context(ports_of(program), Machine(program).run, batch)


def close(logits: NDArray[Any], expected: NDArray[Any]) -> None:
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4)


def without_cache(model: ModelProto) -> None:
    """Takes the cache away: what was past is empty."""
    empty = helper.make_tensor("shape_of_none", TensorProto.INT64, [4], [1, 2, 0, 4])
    model.graph.initializer.append(empty)
    for name in ("past_key_0", "past_value_0"):
        model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["shape_of_none"], [name]))
    del model.graph.input[3:], model.graph.output[1:]


def test_pieces_and_the_whole(language_model: Model) -> None:
    read = context(language_model())
    whole = read.feed(TEXT)
    assert (whole.shape, read.length) == ((1, 8, 32), 8)
    read.reset()
    assert read.length == 0
    pieces = [read.feed(TEXT[:, i:j]) for i, j in ((0, 3), (3, 4), (4, 8))]
    close(np.concatenate(pieces, axis=1), whole)
    assert set(read.outputs) == {"logits", "present_key_0", "present_value_0"}


def test_sequences_side_by_side_and_padding(language_model: Model) -> None:
    """Each sequence is what it would be alone, whatever stands in its padding."""
    file = language_model()
    alone, both = context(file), context(file, 2)
    first = alone.feed(TEXT)
    alone.reset()
    second = alone.feed(TEXT[:, :5])
    padding, mask = np.full((1, 3), 7), np.ones((2, 8), np.bool_)
    mask[1, :3] = False
    logits = both.feed(np.concatenate([TEXT, np.concatenate([padding, TEXT[:, :5]], axis=1)]), mask)
    close(logits[0], first[0])
    close(logits[1, 3:], second[0])
    following = both.feed(np.array([[1], [9]]))
    close(following[1], alone.feed(np.array([[9]]))[0])


def test_without_a_cache_everything_is_run_anew(language_model: Model) -> None:
    whole = context(language_model()).feed(TEXT)
    read = context(language_model(change=without_cache))
    assert read.ports.cache == ()
    close(read.feed(TEXT[:, :6]), whole[:, :6])
    close(read.feed(TEXT[:, 6:]), whole[:, 6:])
    read.reset()
    close(read.feed(TEXT), whole)


def test_one_token_at_a_time_where_no_more_fit(language_model: Model) -> None:
    whole = context(language_model()).feed(TEXT)
    program = cimc.compile(language_model(), chip="tiny-4", dims={"sequence": 1, "batch": 1})
    read = Context(ports_of(program), Machine(program).run)
    close(read.feed(TEXT), whole)


def test_heads_that_are_not_known(language_model: Model) -> None:
    """Their number is what the network can concatenate."""
    program = cimc.compile(language_model(), chip="tiny-4")
    read = Context(blurred(ports_of(program)), Machine(program).run)
    assert is_resolved(read.ports)
    assert read.ports.cache[0].sizes(1, 0) == (1, 2, 0, 4)


def blurred(ports: Ports) -> Ports:
    return replace(ports, cache=tuple(replace(p, shape=("batch", None, "past", 4)) for p in ports.cache))


def test_heads_of_which_no_number_fits(language_model: Model) -> None:
    def run(inputs: Values) -> Values:
        raise ProgramError("kernel 0 fails")

    ports = blurred(ports_of(cimc.compile(language_model(), chip="tiny-4")))
    with pytest.raises(ProgramError) as error:
        Context(ports, run)
    assert str(error.value) == (
        "input past_key_0 does not say how many heads it has, and no number up to 256 fits: export it with fixed sizes"
    )
    assert str(error.value.__cause__) == "kernel 0 fails"


def test_mask_and_positions(language_model: Model) -> None:
    """A run gets all of the mask, and positions that count no padding; in one dimension they are places."""
    runs: list[Values] = []

    def run(inputs: Values) -> Values:
        runs.append(inputs)
        new = inputs["input_ids"].shape[1]
        past = inputs["past_key_0"].shape[2]
        keys = np.zeros((2, 2, past + new, 4), np.float32)
        return {"logits": np.zeros((2, new, 32)), "present_key_0": keys, "present_value_0": keys}

    ports = ports_of(cimc.compile(language_model(), chip="tiny-4"))
    assert ports.positions is not None
    for form, expected in ((ports.positions.shape, [[2], [0]]), (("sequence",), [2])):
        read = Context(replace(ports, positions=replace(ports.positions, shape=form)), run, 2)
        read.feed(np.ones((2, 2), np.int64), np.array([[True, True], [False, False]]))
        read.feed(np.ones((2, 1), np.int64))
        assert runs[-1]["attention_mask"].tolist() == [[1, 1, 1], [0, 0, 1]]
        assert runs[-1]["position_ids"].tolist() == expected


def test_a_failed_run_changes_nothing(language_model: Model) -> None:
    read = context(language_model())
    whole = read.feed(TEXT)
    read.reset()
    read.feed(TEXT[:, :4])
    with pytest.raises(ProgramError):
        read.feed(np.array([[99]]))
    close(read.feed(TEXT[:, 4:]), whole[:, 4:])


def test_what_does_not_fit(language_model: Model) -> None:
    program = cimc.compile(language_model(), chip="tiny-4")
    ports, run = ports_of(program), Machine(program).run

    def refused(ports: Ports, ids: NDArray[Any], mask: NDArray[np.bool_] | None = None, batch: int = 1) -> str:
        with pytest.raises(ProgramError) as error:
            Context(ports, run, batch).feed(ids, mask)
        return str(error.value)

    assert refused(ports, np.array([[32]])) == "token 32 is unknown: the network has 32"
    assert refused(ports, np.array([[-1]])) == "token -1 is unknown: the network has 32"
    assert refused(ports, np.zeros((1, 97), int)) == (
        "a text of 97 tokens is too long: the network has positions for 96"
    )
    assert refused(ports, np.zeros((2, 3), int)) == "tokens have shape [2, 3], expected [1, at least 1]"
    assert refused(ports, np.zeros((1, 0), int)) == "tokens have shape [1, 0], expected [1, at least 1]"
    assert refused(replace(ports, mask=None), TEXT, TEXT > 1) == (
        "sequences of different lengths need padding, and the network has no inputs attention_mask and position_ids "
        "for that: feed them one by one, or export it with these inputs"
    )
    fixed = replace(ports, ids=replace(ports.ids, shape=(1, 4)))
    assert refused(fixed, TEXT) == (
        "the network takes 4 tokens at once, found 8: compile it with a symbolic number of tokens"
    )
    assert refused(fixed, TEXT, batch=2) == (
        "the network takes 1 sequences at once, found 2: give as many, or compile it with a symbolic batch"
    )


def test_a_present_that_does_not_go_back(language_model: Model) -> None:
    program = cimc.compile(language_model(), chip="tiny-4")

    def run(inputs: Values) -> Values:
        outputs = Machine(program).run(inputs)
        return {**outputs, "present_value_0": outputs["present_value_0"][:, :, -1:]}

    with pytest.raises(ProgramError) as error:
        Context(ports_of(program), run).feed(TEXT)
    assert str(error.value) == (
        "output present_value_0 has shape [1, 2, 1, 4], expected [1, 2, 8, 4]: it does not go back into input "
        "past_value_0"
    )
