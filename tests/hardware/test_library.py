"""Chip files: the ones that come with cimc, and what is said about wrong ones."""

from pathlib import Path

import pytest

from cimc.hardware.digital_sets import read_digital_set
from cimc.hardware.library import chip_names, load_chip, parse_chip_file, read_chip_file
from cimc.options.compilation import DEFAULT_CHIP
from dialects.errors import UserError

TINY = """
rows = 4
columns = 4
cell_bits = 2
dac_bits = 1
adc_bits = 8
adcs = 1
encoding = "offset"
"""


@pytest.mark.parametrize("name", chip_names())
def test_every_chip_is_legal_and_each_of_its_values_has_a_source(name: str):
    file = read_chip_file(name)
    assert file.chip.chip_name == name
    assert file.description
    assert set(file.sources) == set(file.chip.to_dict()) - {"name"}


@pytest.mark.parametrize("name", chip_names())
def test_every_chip_gives_all_that_the_cost_model_needs(name: str):
    chip = load_chip(name)
    assert chip.digital_costs() is not None
    for costs in (chip.digital_costs(), chip.array_costs(), chip.hardware_costs()):
        assert None not in [value for name, value in vars(costs).items() if name != "normalize_pj"]
    assert [chip.adc_ns(bits) > 0 for bits in range(1, chip.adc_bits + 1)] == [True] * chip.adc_bits


def test_chips_that_come_with_cimc():
    assert chip_names() == ["3dsim-256", "isaac-128", "pcm-256", "sram-256", "tiny-4"]


def test_isaac_converts_a_crossbar_in_100_ns():
    chip = load_chip("isaac-128")
    assert chip.columns * chip.adc_ns(8) == chip.columns * chip.adc_ns(4) == 100
    assert (chip.slices, chip.arrays, chip.adc_pj(8), chip.adc_um2(8)) == (4, 168 * 12 * 8 // 4, 1.67, 1200)


def test_sram_has_a_slice_for_each_bit():
    chip = load_chip("sram-256")
    assert (chip.slices, chip.adcs) == (8, 32)
    assert chip.adc_pj(8) == load_chip("pcm-256").adc_pj(8)


def test_default_chip_is_the_one_of_the_paper():
    chip = load_chip(DEFAULT_CHIP)
    assert (chip.rows, chip.columns, chip.cell_bits, chip.slices) == (256, 256, 2, 4)
    assert (chip.adc_bits, chip.adcs, chip.dac_bits, chip.encoding) == (8, 8, 1, "offset")


def test_the_adc_of_the_default_chip_has_the_time_of_its_formula():
    assert load_chip("pcm-256").adc_ns(8) == pytest.approx(8 * (0.00653 * 256 + 0.640))
    assert load_chip("pcm-256").adc_ns(4) == pytest.approx(4 * (0.00653 * 256 + 0.640))


def test_a_chip_takes_the_constants_of_its_set_unless_it_has_its_own():
    simulator = read_digital_set("simulator")
    chip, isaac = load_chip("pcm-256").to_dict(), read_chip_file("isaac-128")
    assert {key: chip[key] for key in simulator.values} == simulator.values
    assert (chip["digital_set"], load_chip("tiny-4").digital_set) == ("simulator", None)
    assert isaac.chip.transfer_ns == 100 != simulator.values["transfer_ns"]
    assert isaac.sources["transfer_ns"].startswith("ISAAC")
    assert isaac.sources["vector_pj"] == simulator.sources["vector_pj"]
    assert isaac.sources["digital_set"] == simulator.description


def test_another_set_takes_the_place_of_all_digital_constants_of_a_chip():
    chip, published = load_chip("tiny-4", digital="published"), read_digital_set("published")
    assert (chip.digital_set, chip.rows) == ("published", 4)
    assert {key: chip.to_dict()[key] for key in published.values} == published.values
    file = parse_chip_file(b'digital_set = "published"' + TINY.encode(), "mine", "mine.toml")
    assert file.chip.to_dict().items() >= published.values.items()


def test_number_of_arrays_may_be_given():
    assert load_chip("tiny-4").arrays is None
    assert load_chip("tiny-4", {"arrays": 3}).arrays == 3


def test_no_arrays_are_too_few():
    with pytest.raises(UserError) as error:
        load_chip("tiny-4", {"arrays": 0})
    assert str(error.value) == "arrays = 0: expected an integer from 1 to 16777216"


@pytest.mark.parametrize("spelled", [str, Path])
def test_own_file(tmp_path: Path, spelled: type[str] | type[Path]):
    file = tmp_path / "mine.toml"
    file.write_text(TINY)
    chip = load_chip(spelled(file))
    assert (chip.chip_name, chip.rows) == ("mine", 4)


def test_name_in_the_file_holds():
    assert parse_chip_file(b'name = "yours"' + TINY.encode(), "mine", "mine.toml").chip.chip_name == "yours"


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError) as error:
        load_chip("pcm-265")
    assert str(error.value) == (
        f"unknown chip 'pcm-265': expected one of {', '.join(chip_names())} or the path of a TOML file"
    )


def test_missing_file(tmp_path: Path):
    with pytest.raises(UserError) as error:
        load_chip(tmp_path / "none.toml")
    assert str(error.value) == f"chip file {tmp_path}/none.toml cannot be read: no such file or directory"


def test_folder_instead_of_a_file(tmp_path: Path):
    with pytest.raises(UserError) as error:
        load_chip(tmp_path)
    assert str(error.value) == f"chip file {tmp_path} cannot be read: is a directory"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rows", "is not TOML: Expected '=' after a key in a key/value pair (at end of document)"),
        ("roes = 4", ": unknown key 'roes': did you mean 'rows'?"),
        ('rows = "4"', ': rows = "4": expected an integer from 1 to 65535'),
        ("rows = 2026-01-01", ": rows = 2026-01-01: expected an integer from 1 to 65535"),
        ("[rows]\nvalue = 4", ": rows = {'value': 4}: expected an integer from 1 to 65535"),
        ("cell_bits = 2", ": rows is missing (rows of an array): expected an integer from 1 to 65535"),
        ("sources = 3", ": sources = 3: expected a table with a text for each key"),
        ("[sources]\nrows = 3", ": sources = {'rows': 3}: expected a table with a text for each key"),
        ('[sources]\nroes = "x"', ": source of 'roes': expected a key of the chip"),
        ("description = 3", ": description = 3: expected a text"),
        ('digital_set = "x"', ': digital_set = "x": expected one of published, simulator'),
        ("digital_set = [1]", ": digital_set = [1]: expected one of published, simulator"),
        ("rows = " + "9" * 5000, "is not TOML: Exceeds the limit (4300 digits) for integer string conversion: "),
        ("rows = 0x" + "f" * 5000, ": rows = a number of thousands of digits: expected an integer from 1 to 65535"),
        ("description = 0x" + "f" * 5000, ": description = a number of thousands of digits: expected a text"),
        ("x = " + "[" * 5000, "is not TOML: it is nested too deeply"),
        ("# " + "x" * (1 << 20), "is too large: expected at most 1048576 bytes"),
    ],
)
def test_wrong_content_names_file_and_key(content: str, message: str):
    with pytest.raises(UserError) as error:
        parse_chip_file(content.encode(), "mine", "mine.toml")
    separator = " " if message.startswith("is") else ""
    assert str(error.value).startswith(f"chip file mine.toml{separator}{message}")


def test_bytes_that_are_no_text():
    with pytest.raises(UserError, match=r"^chip file mine\.toml is not TOML: 'utf-8' codec can't decode"):
        parse_chip_file(b"\xff", "mine", "mine.toml")
