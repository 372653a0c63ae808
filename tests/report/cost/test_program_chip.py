"""The chip of a program for the cost model, and where its numbers come from."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cimc.hardware.library import load_chip
from cimc.program.errors import ProgramError
from cimc.program.metadata import CHIP_SOURCES, Json
from cimc.program.program import Program
from cimc.report.cost.program_chip import adc_description, chip_of_program, chip_sources
from dialects.hardware import ChipAttr


def with_details(program: Program, details: Mapping[str, Json]) -> Program:
    return replace(program, chip=replace(program.chip, details=details))


def test_keys_that_are_not_known_are_left_out(handmade: Program) -> None:
    chip = chip_of_program(with_details(handmade, {"settle_ns": 3, "of_a_later_version": 1}))
    assert (chip.chip_name, chip.rows, chip.settle_ns) == ("tiny", 4, 3)
    assert "of_a_later_version" not in chip.to_dict()


def test_values_that_are_not_legal(handmade: Program) -> None:
    with pytest.raises(ProgramError) as error:
        chip_of_program(with_details(handmade, {"settle_ns": "long"}))
    assert str(error.value) == 'damaged: chip settle_ns = "long": expected a number from 0 to 1000000000'


@pytest.mark.parametrize(
    ("note", "sources"),
    [
        ({"rows": "a paper", "columns": 3}, {"rows": "a paper"}),
        ({}, {}),
        (None, {}),
        ("a paper", {}),
    ],
)
def test_sources_are_texts(handmade: Program, note: Json, sources: dict[str, str]) -> None:
    assert chip_sources(replace(handmade, notes={CHIP_SOURCES: note})) == sources


def test_a_program_that_does_not_tell_its_sources(handmade: Program) -> None:
    assert chip_sources(replace(handmade, notes={})) == {}


def test_the_adc_model_with_its_source() -> None:
    chip = load_chip("tiny-4")
    description = adc_description(chip)
    assert description is not None
    assert description.startswith("table: ")
    values = {key: value for key, value in chip.to_dict().items() if not key.startswith("adc_model")}
    assert adc_description(ChipAttr.from_dict(values)) is None
