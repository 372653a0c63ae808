"""The points of a sweep: every combination of the values in a grid, each with its chip, its options and its key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from cimc.compiler import Options
from cimc.hardware.digital_sets import DigitalSet, read_digital_set
from cimc.options.conditions import DECODE, Conditions
from cimc.sweep.grid import AXES, CHIP, DIGITAL, ENCODING, QUALITY_BUDGET, SIZE, SQUARE, Grid
from cimc.sweep.identity import network_key, point_key
from dialects.chip.keys import Value
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.place_tiles.analysis.choices import SPREAD
from passes.quantize.analysis.choices import AUTO

Setting = int | float | str
"""A value in a table; a list of numbers, as some keys of a chip have, is spelled as a text there."""

GRID = "given by the grid"
"""Where the number of a chip comes from that a grid varies."""
CHIP_PREFIX = "chip."
"""How the columns of chip keys begin in a table, so that `chip.arrays` is a setting and `arrays` a figure."""


@dataclass(frozen=True)
class Point:
    """One combination: the settings as they stand in the grid, and what follows from them."""

    settings: Mapping[str, Setting]
    """By column of the results: `chip`, `mapping`, `monarch`, `chip.adcs`, ..."""
    options: Options
    conditions: Conditions
    """Under which it is reported on."""
    chip: Mapping[str, Value]
    """The values of the chip, which may not fit each other: that is found out when the point runs."""
    network: str
    """Key of the quantised network; points that differ only in the chip part share one."""
    key: str
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where the numbers of the chip come from, by key."""


def points_of(grid: Grid, model: str, options: Options, conditions: Conditions = DECODE) -> list[Point]:
    """All points of a grid; `model` is the digest of the network, `options` and `conditions` hold for all points.

    Raises UserError for an option that the grid varies.
    """
    for name in grid.axes:
        value = getattr(options, name, None)
        if AXES[name].default is None and value != getattr(Options, name, None):
            option = f"--{name.replace('_', '-')} {value}"
            raise UserError(f"{option}: the grid has values for {name}, expected them in one of the two")
    own = None if options.digital is None else read_digital_set(options.digital)
    return [
        _point(model, options, conditions, _settings(axes, keys), *_chip(grid, str(axes[CHIP]), axes.get(DIGITAL), own))
        for axes in _every(grid.axes)
        if _has_its_objective(axes, grid) and _has_its_budget(axes, grid, options)
        for keys in _every(grid.chip_keys)
    ]


def _chip(grid: Grid, name: str, digital: Value | None, own: DigitalSet | None) -> tuple[ChipAttr, Mapping[str, str]]:
    """A chip of the grid with a set of the grid, or that of the command line, and where its numbers come from."""
    chip, sources, set_ = grid.chips[name], grid.sources.get(name, {}), grid.digital.get(str(digital), own)
    if set_ is None:
        return chip, sources
    return set_.on(chip), set_.sources_on(sources)


def _has_its_objective(axes: Mapping[str, Value], grid: Grid) -> bool:
    """Only `spread` can aim at something; the other mappings are taken once, whatever the objectives."""
    return axes["mapping"] == SPREAD or axes["objective"] == grid.axes["objective"][0]


def _has_its_budget(axes: Mapping[str, Value], grid: Grid, options: Options) -> bool:
    """Only `auto` bits have a budget; other numbers of bits are taken once, whatever the budgets."""
    if QUALITY_BUDGET not in axes or axes.get("weight_bits", options.weight_bits) == AUTO:
        return True
    return axes[QUALITY_BUDGET] == grid.axes[QUALITY_BUDGET][0]


def _every(values: Mapping[str, tuple[Value, ...]]) -> Iterator[dict[str, Value]]:
    return (dict(zip(values, combination)) for combination in product(*values.values()))


def _settings(axes: Mapping[str, Value], keys: Mapping[str, Value]) -> dict[str, Value]:
    """The settings of a point, by column."""
    objective = axes["objective"] if axes["mapping"] == SPREAD else Options.objective
    return {**axes, "objective": objective, **{CHIP_PREFIX + name: value for name, value in keys.items()}}


def _point(
    model: str,
    options: Options,
    conditions: Conditions,
    settings: Mapping[str, Value],
    chip: ChipAttr,
    sources: Mapping[str, str],
) -> Point:
    given = {name: value for name, value in settings.items() if name in AXES and name not in (CHIP, ENCODING, DIGITAL)}
    own = replace(options, **{**given, "monarch": given["monarch"] or None})
    keys = {name.removeprefix(CHIP_PREFIX): v for name, v in settings.items() if name.startswith(CHIP_PREFIX)}
    keys |= {name: value for name, value in settings.items() if name == ENCODING}
    values = {**chip.to_dict(), **_spread_size(keys)}
    plain = {name: str(list(value)) if isinstance(value, tuple) else value for name, value in settings.items()}
    network = network_key(model, own)
    told = {name: text for name, text in sources.items() if name in values}
    told |= dict.fromkeys(_spread_size(keys), GRID)
    return Point(plain, own, conditions, values, network, point_key(network, own, values, conditions), told)


def _spread_size(keys: Mapping[str, Value]) -> dict[str, Value]:
    """The keys of a chip, `size` being its rows and its columns."""
    others = {name: value for name, value in keys.items() if name != SIZE}
    return {**others, **({name: keys[SIZE] for name in SQUARE} if SIZE in keys else {})}
