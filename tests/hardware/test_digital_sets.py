"""Sets of digital constants: those that come with cimc, and what is said about wrong ones."""

from pathlib import Path

import pytest

from cimc.hardware.digital_sets import DIGITAL_KEYS, digital_set_names, parse_digital_set, read_digital_set
from cimc.hardware.library import load_chip
from dialects.chip.keys import KEYS
from dialects.errors import UserError


def test_sets_that_come_with_cimc():
    assert digital_set_names() == ["published", "simulator"]


@pytest.mark.parametrize("name", digital_set_names())
def test_every_value_of_a_set_has_a_source(name: str):
    set_ = read_digital_set(name)
    assert set_.name == name
    assert set(set_.sources) == {*set_.values, "digital_set"}
    assert set_.sources["digital_set"] == set_.description


def test_a_set_may_give_what_says_nothing_about_arrays():
    others = {key.name for key in KEYS} - set(DIGITAL_KEYS)
    assert others >= {"rows", "cell_um2", "array_leakage_uw", "adc_leakage_uw", "settle_ns", "digital_set", "name"}
    assert {"vector_pj", "buffer_um2", "memory_bit_pj"} <= set(DIGITAL_KEYS) <= {key.name for key in KEYS}


def test_on_a_chip_it_replaces_all_digital_constants():
    chip = load_chip("tiny-4")
    own = parse_digital_set(b"add_ns = 7", "mine", "mine.toml").on(chip)
    left = {key: value for key, value in chip.to_dict().items() if key not in DIGITAL_KEYS}
    assert own.to_dict() == {**left, "add_ns": 7.0, "digital_set": "mine"}


def test_sources_are_those_of_the_chip_and_of_the_set():
    set_ = parse_digital_set(b'add_ns = 7\n[sources]\nadd_ns = "a stopwatch"\nvector_pj = "-"', "mine", "mine.toml")
    assert set_.sources_on({"rows": "a ruler", "add_ns": "old", "mac_pj": "old"}) == {
        "rows": "a ruler",
        "add_ns": "a stopwatch",
    }


@pytest.mark.parametrize("spelled", [str, Path])
def test_own_file(tmp_path: Path, spelled: type[str] | type[Path]):
    file = tmp_path / "mine.toml"
    file.write_text("vector_width = 8")
    assert (read_digital_set(spelled(file)).name, load_chip("tiny-4", digital=file).digital_set) == ("mine", "mine")


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError) as error:
        read_digital_set("publish")
    assert str(error.value) == (
        "unknown digital set 'publish': expected one of published, simulator or the path of a TOML file"
    )


def test_missing_file(tmp_path: Path):
    with pytest.raises(UserError) as error:
        read_digital_set(tmp_path / "none.toml")
    assert str(error.value) == f"digital set {tmp_path}/none.toml cannot be read: no such file or directory"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rows = 4", ": 'rows' is no key of a digital set: expected one of transfer_ns, "),
        ("ad_ns = 4", ": 'ad_ns' is no key of a digital set: did you mean 'add_ns'?"),
        ("add_ns = -1", ": add_ns = -1.0: expected a number from 0 to 1000000000"),
        ("description = 3", ": description = 3: expected a text"),
        ("[sources]\nrows = 'x'", ": source of 'rows': expected a key of the chip"),
        ("add_ns", " is not TOML: "),
    ],
)
def test_wrong_content_names_file_and_key(content: str, message: str):
    with pytest.raises(UserError) as error:
        parse_digital_set(content.encode(), "mine", "mine.toml")
    assert str(error.value).startswith(f"digital set mine.toml{message}")
