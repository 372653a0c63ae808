"""The times of a chip in whole picoseconds."""

import pytest

from cimc.hardware.library import load_chip
from dialects.chip.keys import Value
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import ArrayTimes
from passes.rewriting.chip_times import adc_times, array_times, picoseconds, resources_of


def chip(**changes: Value) -> ChipAttr:
    return ChipAttr.from_dict({**load_chip("tiny-4").to_dict(), **changes})


@pytest.mark.parametrize(("ns", "ps"), [(0, 0), (1.5, 1500), (0.0004, 0), (0.0006, 1), (1e9, 10**12)])
def test_times_are_whole_picoseconds(ns: float, ps: int) -> None:
    assert picoseconds(ns) == ps


def test_steps_of_more_than_a_second() -> None:
    with pytest.raises(UserError) as error:
        picoseconds(2e9)
    assert str(error.value) == "a step of 2e+09 ns: expected at most a second, correct the times of the chip"


def test_a_conversion_of_each_number_of_bits() -> None:
    assert adc_times(chip(adc_step_ns=0.5)) == tuple(range(500, 4001, 500))
    assert adc_times(chip(adc_step_ns=0.5, adc_bits=2)) == (500, 1000)


def test_a_conversion_takes_some_time() -> None:
    assert adc_times(chip(adc_step_ns=0.0001)) == (1,) * 8


def test_times_of_an_array() -> None:
    assert array_times(chip(adc_bits=2)) == ArrayTimes(10_000, 1, (1000, 2000))


def test_resources() -> None:
    bits = tuple(range(1000, 8001, 1000))
    assert resources_of(chip()) == Resources(ArrayTimes(10_000, 1, bits), 1, 2000, 4, attention_units=1)


def test_a_chip_without_vectors_works_on_as_many_numbers_as_an_array_has_columns() -> None:
    values = {key: value for key, value in load_chip("tiny-4").to_dict().items() if key != "vector_width"}
    assert resources_of(ChipAttr.from_dict({**values, "columns": 8})).vector_width == 8
