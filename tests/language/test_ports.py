"""Which port of a program is what, in every exporter's spelling; what is no language model is refused."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cimc.language.ports import Ports, is_resolved, ports_of, with_size
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input, Shape, Value
from cimc.program.program import Program

IDS = Input("input_ids", "int64", ("batch", "sequence"), 0, 0, 100)
MASK = Input("attention_mask", "int64", ("batch", "past + sequence"), 0)
PLACES = Input("position_ids", "int64", ("batch", "sequence"), 0, 0, 64)
LOGITS = Value("logits", "float32", ("batch", "sequence", 100), 0)
PAST: Shape = ("batch", 2, "past", 4)
PRESENT: Shape = ("batch", 2, "past + sequence", 4)


@pytest.fixture
def ports(handmade: Program) -> "type[_Reader]":
    """Reads the ports of a program with other inputs and outputs."""
    _Reader.program = handmade
    return _Reader


class _Reader:
    program: Program

    @classmethod
    def of(cls, inputs: Sequence[Input], outputs: Sequence[Value]) -> Ports:
        numbered = [replace(value, slot=i) for i, value in enumerate(inputs)]
        return ports_of(replace(cls.program, inputs=numbered, outputs=list(outputs)))

    @classmethod
    def refused(cls, inputs: Sequence[Input], outputs: Sequence[Value]) -> str:
        with pytest.raises(ProgramError) as error:
            cls.of(inputs, outputs)
        return str(error.value)


def cache(pasts: Sequence[str], presents: Sequence[str]) -> tuple[list[Input], list[Value]]:
    return (
        [Input(name, "float32", PAST, 0) for name in pasts],
        [Value(name, "float32", PRESENT, 0) for name in presents],
    )


@pytest.mark.parametrize(
    ("past", "present"),
    [
        ("past_key_values.{n}.{part}", "present.{n}.{part}"),
        ("past_{part}_{n}", "present_{part}_{n}"),
        ("past_key_values_{part}_cache_{n}", "present_key_values_{part}_cache_{n}"),
        ("input.past_key_values.layers.{n}.{part}s", "output.past_key_values.layers.{n}.{part}s"),
    ],
)
def test_spellings(ports: type[_Reader], past: str, present: str) -> None:
    parts = [(n, part) for n in (0, 1) for part in ("key", "value")]
    pasts, presents = cache(*([form.format(n=n, part=part) for n, part in parts] for form in (past, present)))
    model = ports.of([*pasts[::-1], PLACES, MASK, IDS], [*presents, LOGITS])
    assert (model.ids.name, model.logits.name) == ("input_ids", "logits")
    assert model.mask is not None
    assert model.positions is not None
    assert [port.past.name for port in model.cache] == [value.name for value in pasts]
    assert [port.present.name for port in model.cache] == [value.name for value in presents]
    assert {(port.batch, port.time) for port in model.cache} == {(0, 2)}
    assert model.cache[0].sizes(3, 5) == (3, 2, 5, 4)
    assert (model.batch, model.step, model.vocabulary, model.longest) == (None, None, 100, 64)
    assert model.dims(7) == {"batch": 1, "sequence": 1, "past": 7, "past + sequence": 8}


def test_keys_and_values_in_one_tensor(ports: type[_Reader]) -> None:
    """As ONNX Runtime's converter of GPT-2 writes them."""
    past = Input("past_0", "float32", (2, "batch", 2, "past", 4), 0)
    present = Value("present_0", "float32", (2, "batch", 2, "total", 4), 0)
    (port,) = ports.of([IDS, past], [LOGITS, present]).cache
    assert port.sizes(3, 5) == (2, 3, 2, 5, 4)


def test_outputs_without_names_are_taken_in_their_order(ports: type[_Reader]) -> None:
    pasts, presents = cache(["past_key_0", "past_value_0"], ["cat_1", "cat_2"])
    model = ports.of([IDS, *pasts], [LOGITS, *presents])
    assert [(port.past.name, port.present.name) for port in model.cache] == [
        ("past_key_0", "cat_1"),
        ("past_value_0", "cat_2"),
    ]


def test_other_names_of_ids_and_logits(ports: type[_Reader]) -> None:
    model = ports.of([replace(IDS, name="text")], [replace(LOGITS, name="scores")])
    assert (model.ids.name, model.logits.name, model.cache) == ("text", "scores", ())
    assert ports.of([replace(IDS, name="tokens", dtype="int32")], [LOGITS]).ids.name == "tokens"


def test_fixed_sizes(ports: type[_Reader]) -> None:
    pasts, presents = cache(["past_key_0"], ["present_key_0"])
    fixed = [replace(pasts[0], shape=(1, 2, "past", 4))]
    model = ports.of([replace(IDS, shape=(1, 1)), *fixed], [LOGITS, *presents])
    assert (model.batch, model.step, model.cache[0].sizes(1, 9)) == (1, 1, (1, 2, 9, 4))
    assert ports.of([IDS, *fixed], [LOGITS, *presents]).batch == 1


def test_sizes_that_are_not_known(ports: type[_Reader]) -> None:
    """transformers' exporter says neither heads nor their size in the input, and the size in the output only."""
    past, present = (
        Input("past_key_0", "float32", ("s104", None, "s10", None), 0),
        Value("present_key_0", "float32", ("s104", None, "s10 + s70", 4), 0),
    )
    model = ports.of([replace(IDS, shape=("s104", "s70")), past], [LOGITS, present])
    assert not is_resolved(model)
    assert model.dims(7) == {"s104": 1, "s70": 1, "s10": 7}
    assert with_size(model, 3).cache[0].sizes(2, 5) == (2, 3, 5, 4)
    assert is_resolved(with_size(model, 3))


def test_no_language_model(ports: type[_Reader]) -> None:
    x, y = Input("x", "float32", ("n", 4), 0), Value("y", "float32", ("n", 6), 0)
    assert ports.refused([x], [y]) == (
        "no language model, token ids or logits are missing: expected inputs input_ids [batch, tokens] and, where "
        "there are, attention_mask, position_ids, past_key_values.N.key, past_key_values.N.value, outputs logits and "
        "present.N.*; found inputs x float32 [n, 4]; outputs y float32 [n, 6]"
    )
    assert "token ids or logits are missing" in ports.refused([IDS], [y])
    hidden = replace(LOGITS, name="last_hidden_state")
    assert "token ids or logits are missing" in ports.refused([IDS, MASK], [hidden])
    assert ports.of([IDS, MASK], [hidden, replace(LOGITS, name="scores")]).logits.name == "scores"
    assert "input x float32 [n, 4] is none of these, or one more" in ports.refused([IDS, x], [LOGITS])
    wide = replace(MASK, shape=("batch", 1, "sequence", "total"))
    assert "input attention_mask int64 [batch, 1, sequence, total] is none" in ports.refused([IDS, wide], [LOGITS])
    many = [replace(LOGITS, name=f"h{i}", shape=None, dtype="int64") for i in range(6)]
    assert ports.refused([IDS], many).endswith("h3 int64 of any shape and 2 more")


def test_two_inputs_for_the_same(ports: type[_Reader]) -> None:
    pasts, presents = cache(["past_key_0", "past_key_values.0.key"], ["present_key_0"])
    assert "input past_key_0 float32 [batch, 2, past, 4] is none of these, or one more" in ports.refused(
        [IDS, *pasts], [LOGITS, *presents]
    )


def test_a_past_that_nothing_becomes(ports: type[_Reader]) -> None:
    pasts, presents = cache(["past_key_0", "past_value_0"], ["present_key_0"])
    assert ports.refused([IDS, *pasts], [LOGITS, *presents]) == (
        "input past_value_0 has no output to come from: expected one like present.0.value, found present_key_0 float32 "
        "[batch, 2, past + sequence, 4]"
    )


@pytest.mark.parametrize("shape", [("batch", 2, 64, 4), ("batch", "past", 4), None])
def test_caches_that_cannot_be_fed(ports: type[_Reader], shape: Shape | None) -> None:
    pasts, presents = cache(["past_key_0"], ["present_key_0"])
    shown = "of any shape" if shape is None else f"[{', '.join(map(str, shape))}]"
    assert ports.refused([IDS, replace(pasts[0], shape=shape)], [LOGITS, *presents]) == (
        f"input past_key_0 float32 {shown} and output present_key_0 float32 [batch, 2, past + sequence, 4]: the cache "
        "has a form that cannot be fed, expected [batch, heads, tokens, size] with any number of tokens, and in the "
        "output those of the new ones too"
    )
