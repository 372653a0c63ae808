"""Colours by the ground that charts are shown on: all are given, and they can be told from it."""

import pytest
import vl_convert

from cimc.report.figures.activity import activity
from cimc.report.figures.figure import VEGA_LITE
from cimc.report.figures.theme import PARAMETERS, resource_tone, tone
from cimc.report.palette import RESOURCES, TONES
from cimc.report.study import Study


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2), 0 to 1."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("name", "least"), [("ink", 7), ("muted", 4.5), ("accent", 3), ("second", 3)])
def test_contrast(name: str, least: float, ground: int) -> None:
    """That of WCAG 2: text 4.5 to 1, parts of pictures 3 to 1."""
    values = sorted(luminance(TONES[key][ground]) for key in ("paper", name))
    assert (values[1] + 0.05) / (values[0] + 0.05) >= least


def test_charts_are_drawn_in_the_tones_they_are_given(study: Study) -> None:
    spec = activity([study]).panels[0].spec()
    dark = [{"name": name, "value": value} for name, (_, value) in TONES.items()]
    drawn = vl_convert.vegalite_to_svg({**spec, "config": {**spec["config"], "params": dark}}, vl_version=VEGA_LITE)
    light = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    for name in ("paper", "accent", "muted"):
        assert (TONES[name][0] in light, TONES[name][1] in light) == (True, False)
        assert (TONES[name][0] in drawn, TONES[name][1] in drawn) == (False, True)


def test_tones() -> None:
    assert {parameter["name"]: parameter["value"] for parameter in PARAMETERS} == {n: c for n, (c, _) in TONES.items()}
    assert tone("ink").to_dict() == {"expr": "ink"}
    assert resource_tone("interconnect") == RESOURCES["interconnect"]
    assert resource_tone("array") is not RESOURCES["array"]
