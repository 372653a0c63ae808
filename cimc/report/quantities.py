"""Figures as a reader wants them: three or four digits and a unit of handy size."""

from typing import NamedTuple


class Unit(NamedTuple):
    """How a figure of the report is shown: its unit there, and the larger ones it may be shown in."""

    name: str
    steps: tuple[tuple[float, str], ...] = ()
    """What one of a larger unit is in the unit of the report, smallest first."""
    least: float = 1
    """A larger unit is taken from this much of it on."""


COUNT = Unit("")
SHARE = Unit("%")
COSINE = Unit("cosine")
TIME = Unit("ns", ((1e-3, "ps"), (1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")))
ENERGY = Unit("pJ", ((1, "pJ"), (1e3, "nJ"), (1e6, "µJ"), (1e9, "mJ"), (1e12, "J")))
AREA = Unit("µm²", ((1, "µm²"), (1e6, "mm²")), least=0.01)
POWER = Unit("µW", ((1, "µW"), (1e3, "mW"), (1e6, "W")))
UNKNOWN = "unknown"
_PLAIN = str.maketrans("µ²", "u2")


def scale_of(largest: float, unit: Unit) -> tuple[float, str]:
    """The largest of the unit's steps in which `largest` is not too small: divide by the number, show the name."""
    fitting = [step for step in unit.steps if abs(largest) >= unit.least * step[0]]
    return fitting[-1] if fitting else (unit.steps[0] if unit.steps else (1, unit.name))


def shown(value: float, unit: Unit = COUNT) -> str:
    """The value with its unit: whole numbers in groups of three digits, others with at least three digits."""
    if unit is SHARE:
        return f"{100 * value:.1f} %"
    if unit is COSINE:
        return f"{value:.6f}"
    divisor, name = scale_of(value, unit)
    return f"{number(value / divisor)} {name}".rstrip()


def plainly(value: float | None, unit: Unit = COUNT) -> str:
    """As `shown`, in letters that every terminal has; UNKNOWN for what is not known."""
    return UNKNOWN if value is None else shown(value, unit).translate(_PLAIN)


def number(value: float) -> str:
    """The value alone: whole numbers in full, others with at least three digits."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"
