"""The table of keys: what a value must be, and how it is spelled; messages of whole chips are in test_hardware.py."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.chip.keys import KEYS, MOST_BITS, Key, Value, check_values, spelled
from dialects.errors import UserError

REQUIRED: dict[str, Value] = {
    "name": "tiny", "rows": 4, "columns": 4, "cell_bits": 2, "dac_bits": 1, "adc_bits": 8, "adcs": 1,
    "encoding": "offset",
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_says_what_it_means_and_expects(key: Key) -> None:
    assert key.meaning
    assert key.expectation
    if key.choices:
        assert all(key.check(choice) == choice for choice in key.choices)
    elif key.type_ in (int, float):
        assert type(key.check(key.type_(key.low))) is key.type_
        assert type(key.check(key.type_(key.high))) is key.type_
        for wrong in (key.low - 1, key.high * 2, "1", None, float("nan")):
            with pytest.raises(UserError, match=rf"^{key.name} = .*: expected an? .*from"):
                key.check(wrong)


def test_names_are_different() -> None:
    assert len({key.name for key in KEYS}) == len(KEYS)


def test_an_integer_is_a_number_but_a_truth_is_none() -> None:
    number = Key("settle_ns", float, "", high=10)
    assert type(number.check(3)) is float
    with pytest.raises(UserError, match="settle_ns = true: expected a number from 0 to 10"):
        number.check(True)
    with pytest.raises(UserError, match="expected a number from 0 to 10"):
        number.check(10**400)


def test_tables() -> None:
    table = Key("adc_table_pj", tuple, "", high=10)
    assert table.check([1, 2.5]) == (1.0, 2.5)
    assert table.expectation == f"a list of 1 to {MOST_BITS} numbers from 0 to 10"
    for wrong in ([], [11], [1] * (MOST_BITS + 1), ["1"], 1):
        with pytest.raises(UserError, match="expected a list of 1 to 24 numbers from 0 to 10"):
            table.check(wrong)


def test_texts() -> None:
    text = Key("name", str, "", high=3)
    assert text.check("abc") == "abc"
    for wrong in ("", "abcd", 1):
        with pytest.raises(UserError, match="expected a text of 1 to 3 letters"):
            text.check(wrong)


def test_values_come_in_the_order_of_the_keys() -> None:
    backwards = dict(reversed(REQUIRED.items()))
    assert list(check_values(backwards)) == [key.name for key in KEYS if key.required]


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_numbers_are_spelled_as_toml_reads_them(value: float) -> None:
    assert tomllib.loads(f"key = {spelled(value)}")["key"] == value


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_texts_are_spelled_as_toml_reads_them(text: str) -> None:
    assert tomllib.loads(f"key = {spelled(text)}")["key"] == text


def test_other_spellings() -> None:
    assert spelled((1.0, 2.5)) == "[1.0, 2.5]"
    assert spelled(10**5000) == "a number of thousands of digits"
