"""Colours of layers: one each, neighbours apart, from dark to light."""

import pytest

from cimc.report.palette import format_colors, layer_colors


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2), 0 to 1."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 73])
def test_one_colour_a_layer(count: int) -> None:
    colors = layer_colors(count)
    assert len(set(colors)) == len(colors) == count
    assert all(len(color) == 7 and color.startswith("#") for color in colors)


def test_lightness_rises() -> None:
    """So the order of layers can be read without seeing any hue; every other layer is lightened."""
    for own in (layer_colors(40)[::2], layer_colors(40)[1::2]):
        values = [luminance(color) for color in own]
        assert values == sorted(values)


def test_neighbours_differ_in_lightness() -> None:
    values = [luminance(color) for color in layer_colors(40)]
    assert min(abs(a - b) for a, b in zip(values[1:], values[:-1], strict=True)) > 0.02


def test_formats_have_colours_that_no_layer_has() -> None:
    colors = format_colors(5)
    assert len(set(colors)) == 5
    assert not set(colors) & set(layer_colors(1000))
    assert format_colors(7)[5:] == colors[:2]
