"""Quantities as text, in the unit that keeps the number short."""

_TIMES = ("ps", "ns", "us", "ms", "s")
_ENERGIES = ("pJ", "nJ", "uJ", "mJ", "J")
UNKNOWN = "unknown"


def time_text(nanoseconds: float | None) -> str:
    """A time: 1234.5 ns are `1.23 us`."""
    return UNKNOWN if nanoseconds is None else _scaled(1000 * nanoseconds, _TIMES)


def energy_text(picojoules: float | None) -> str:
    """An energy: 1234.5 pJ are `1.23 nJ`."""
    return UNKNOWN if picojoules is None else _scaled(picojoules, _ENERGIES)


def area_text(square_micrometres: float | None) -> str:
    """An area: 1234567 um2 are `1.23 mm2`."""
    if square_micrometres is None:
        return UNKNOWN
    if square_micrometres < 10000:
        return f"{_digits(square_micrometres)} um2"
    return f"{_digits(square_micrometres / 1e6)} mm2"


def _scaled(value: float, units: tuple[str, ...]) -> str:
    """The value in the largest of units, a thousand apart, in which it is at least 1."""
    power = 0
    while abs(value) >= 999.5 and power + 1 < len(units):
        value, power = value / 1000, power + 1
    return f"{_digits(value)} {units[power]}"


def _digits(value: float) -> str:
    """Three digits or all before the point."""
    if value == 0:
        return "0"
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2 if abs(value) >= 0.9995 else 4
    return f"{value:,.{decimals}f}"
