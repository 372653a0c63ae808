"""Colours of the figures: one for each layer, the same in all of them, and told apart by colour-blind readers too."""

from collections.abc import Sequence
from typing import TypeAlias

Channels: TypeAlias = Sequence[float]
"""Red, green and blue, 0 to 255."""

WHITE: Channels = (255, 255, 255)
INK, MUTED, RULE, EMPTY = "#1f2933", "#66717d", "#d9dee3", "#eef0f2"
"""Text, secondary text, thin lines, cells that hold nothing."""
ACCENT, SECOND = "#21618c", "#c8782a"
"""Bars that stand for no layer; a blue and an orange, which every kind of colour blindness tells apart."""
RESOURCES = {
    "array": ACCENT,
    "programming": "#c98aa6",
    "digital unit": "#7aa6c2",
    "attention unit": "#b7a6cf",
    "interconnect": SECOND,
}
"""Bars that stand for what is at work, by the names of `cimc.report.timeline.Resource`."""
TONES: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14181c"),
    "ink": (INK, "#e2e6ea"),
    "muted": (MUTED, "#98a3ae"),
    "rule": (RULE, "#353d45"),
    "empty": (EMPTY, "#252c33"),
    "shade": ("#f5f6f8", "#1f252b"),
    "accent": (ACCENT, "#4a94cc"),
    "second": (SECOND, "#d98c43"),
    "bar": ("#c9dcea", "#2b4a61"),
}
"""Colours that depend on the ground: on a light page, and on a dark one."""

_VIRIDIS = (
    "#46327e", "#3f4889", "#365c8d", "#2e6e8e", "#277f8e", "#21918c", "#1fa187", "#2db27d",
    "#4ac16d", "#73d056", "#a0da39", "#d0e11c",
)  # fmt: skip
"""The colour map viridis (BIDS, CC0) without its darkest and lightest end: its lightness rises all the way."""
LIGHTER = 0.22
"""How far every other layer is lightened, so that neighbours in the network differ."""


FORMATS = ("#c8782a", "#d0487f", "#66717d", "#7a4fb5", "#8c6d31")
"""Colours of the formats of arrays, none of those of layers; more formats than these begin anew."""


def format_colors(count: int) -> list[str]:
    """Colours of `count` formats, in the program's order."""
    return [FORMATS[number % len(FORMATS)] for number in range(count)]


def layer_colors(count: int) -> list[str]:
    """Colours of `count` layers in the order of the network, from dark blue over green to yellow."""
    positions = [0.0 if count == 1 else i / (count - 1) for i in range(count)]
    colors = (_mixed(_at(_VIRIDIS, p), WHITE, LIGHTER * (i % 2)) for i, p in enumerate(positions))
    return ["#" + "".join(f"{round(channel):02x}" for channel in color) for color in colors]


def _at(colors: Sequence[str], position: float) -> Channels:
    """The colour at `position`, 0 to 1, between the given ones."""
    scaled = position * (len(colors) - 1)
    first = min(int(scaled), len(colors) - 2)
    return _mixed(_channels(colors[first]), _channels(colors[first + 1]), scaled - first)


def _channels(color: str) -> Channels:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def _mixed(color: Channels, other: Channels, share: float) -> Channels:
    return [a + (b - a) * share for a, b in zip(color, other, strict=True)]
