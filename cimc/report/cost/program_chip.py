"""The chip of a program, as the cost model takes it, and where its numbers come from."""

from collections.abc import Mapping

from cimc.program.errors import ProgramError
from cimc.program.metadata import CHIP_SOURCES
from cimc.program.program import Program
from dialects.chip.adc_models import ADC_MODELS
from dialects.chip.keys import KEYS
from dialects.errors import UserError
from dialects.hardware import ChipAttr


def chip_of_program(program: Program) -> ChipAttr:
    """The chip with the keys that are known here; ProgramError if a value is not legal."""
    known = {key.name for key in KEYS}
    try:
        return ChipAttr.from_dict({key: value for key, value in program.chip.to_json().items() if key in known})
    except UserError as error:
        raise ProgramError(f"damaged: chip {error}") from error


def chip_sources(program: Program) -> Mapping[str, str]:
    """Where each of the chip's numbers comes from, by key, as its file says; empty if the program does not tell."""
    sources = program.notes.get(CHIP_SOURCES)
    return {key: text for key, text in sources.items() if isinstance(text, str)} if isinstance(sources, dict) else {}


def adc_description(chip: ChipAttr) -> str | None:
    """The chip's ADC model and where it comes from; None if the chip names none."""
    name = chip.to_dict().get("adc_model")
    return f"{name}: {ADC_MODELS[name]}" if isinstance(name, str) else None
