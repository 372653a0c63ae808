"""What the stages of a chip run on."""

from cimc.hardware.library import load_chip
from dialects.chip.keys import Value
from dialects.hardware import ChipAttr
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.steps import Resources
from passes.schedule_arrays.chip_times import resources_of


def chip(**changes: Value) -> ChipAttr:
    return ChipAttr.from_dict({**load_chip("tiny-4").to_dict(), **changes})


def test_resources() -> None:
    bits = tuple(range(1000, 8001, 1000))
    assert resources_of(chip()) == Resources(ArrayTimes(10_000, 1, bits), 1, 2000, 4, attention_units=1)


def test_a_chip_without_vectors_works_on_as_many_numbers_as_an_array_has_columns() -> None:
    values = {key: value for key, value in load_chip("tiny-4").to_dict().items() if key != "vector_width"}
    assert resources_of(ChipAttr.from_dict({**values, "columns": 8})).vector_width == 8
