"""Names of ports and dimensions, from those of the exporter."""

import pytest

from cimc.export.names import dimension_names, port_name, renamed, symbol_names


@pytest.mark.parametrize(
    ("name", "is_input", "port"),
    [
        ("input_ids", True, "input_ids"),
        ("input.past_key_values.layers.0.keys", True, "past_key_values.0.key"),
        ("past_key_values.layers.11.values", True, "past_key_values.11.value"),
        ("output.past_key_values.layers.3.keys", False, "present.3.key"),
        ("logits", False, "logits"),
        ("output.mask", False, "mask"),
    ],
)
def test_ports(name: str, is_input: bool, port: str) -> None:
    assert port_name(name, is_input) == port


def test_dimensions() -> None:
    assert dimension_names("input_ids", 2, True) == ("batch", "sequence")
    assert dimension_names("attention_mask", 2, True) == ("batch", "past + sequence")
    assert dimension_names("attention_mask", 2, False) == ("batch", "sequence")
    assert dimension_names("past_key_values.4.value", 4, True) == ("batch", "", "past", "")
    assert dimension_names("pixels", 2, False) == ("", "")


def test_symbols() -> None:
    ports = {
        "input_ids": ["s44", "s70"],
        "attention_mask": ["s43", "s53"],
        "past_key_values.0.key": ["s44", "2", "s36", "8"],
        "x": ["s1", "3"],
    }
    meanings = symbol_names(ports, True)
    assert meanings == {"s44": "batch", "s70": "sequence", "s43": "batch", "s53": "past + sequence", "s36": "past"}
    renamings = {
        "s44": "batch",
        "s70 + s36": "past + sequence",
        "s36 + s70": "past + sequence",
        "2*s53": "2*(past + sequence)",
        "s53": "past + sequence",
        "s1": "s1",
        "7": "7",
    }
    assert {name: renamed(name, meanings) for name in renamings} == renamings
