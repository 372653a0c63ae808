"""A table and a picture, with nothing in them that is not escaped."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from cimc.api.html import brief_list, shown_as_html
from cimc.program.program import Program


def test_it_is_well_formed(handmade: Program) -> None:
    page = shown_as_html("<a & b>", {"x < y": "1 & 2"}, handmade)
    root = ElementTree.fromstring(page)
    assert [cell.text for cell in root.iter() if cell.tag in ("b", "th", "td")] == ["<a & b>", "x < y", "1 & 2"]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 2  # the arrays, the one weight in them


def test_what_is_left_out_is_said(handmade: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "The first" not in shown_as_html("t", {}, handmade)
    monkeypatch.setattr("cimc.report.chip_map.MOST_TILES", 1)
    assert "<p>The first 1 of 2 arrays.</p>" in shown_as_html("t", {}, handmade)
    assert "svg" not in shown_as_html("t", {}, replace(handmade, arrays=handmade.arrays[:0], tiles=handmade.tiles[:0]))


def test_lists() -> None:
    assert (brief_list("abc"), brief_list("abcde"), brief_list([])) == ("a, b, c", "a, b, c and 2 more", "none")
