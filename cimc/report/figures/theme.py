"""Colours that charts take from the page around them: each is a parameter, which the page sets, light at first."""

from typing import Any

import altair as alt

from cimc.report.palette import ACCENT, RESOURCES, TONES

PARAMETERS: list[dict[str, Any]] = [{"name": name, "value": light} for name, (light, _) in TONES.items()]
"""For the configuration of charts."""


def tone(name: str) -> alt.ExprRef:
    """One of `TONES` in a chart."""
    assert name in TONES
    return alt.ExprRef(name)


def resource_tone(resource: str) -> str | alt.ExprRef:
    """The colour of what is at work, one of `RESOURCES`."""
    color = RESOURCES[resource]
    return tone("accent") if color == ACCENT else color
