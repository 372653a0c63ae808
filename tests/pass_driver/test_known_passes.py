"""All passes by name; what names none is one line."""

import pytest
from xdsl.transforms.canonicalize import CanonicalizePass

from cimc.pass_driver.known_passes import OURS, known_passes, parse_passes
from dialects.errors import UserError
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.tile_blocks import TileBlocksPass


def test_ours_and_those_of_xdsl() -> None:
    known = known_passes()
    assert set(OURS) < set(known)
    assert known["canonicalize"]() is CanonicalizePass
    assert parse_passes("tile-blocks,place-tiles{mapping=linear}") == (TileBlocksPass(), PlaceTilesPass("linear"))
    assert parse_passes("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tile-blok", "unknown pass 'tile-blok': expected fold-constants, raise-matmul, "),
        ("quantize{", "passes 'quantize{': Error parsing pass pipeline specification: "),
        ("quantize{a=b}", "passes 'quantize{a=b}': Provided arguments [\"a\"] not found in expected arguments "),
    ],
)
def test_what_names_none(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse_passes(text)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_those_that_are_given() -> None:
    with pytest.raises(UserError, match="unknown pass 'canonicalize'"):
        parse_passes("canonicalize", OURS)
