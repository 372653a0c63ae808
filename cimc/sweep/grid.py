"""Reads grid files: which values each setting of a sweep takes, and by which figures points are compared."""

import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from xdsl.utils.hints import isa

from cimc.hardware.digital_sets import DIGITAL_SET, DigitalSet, digital_set_names, read_digital_set
from cimc.hardware.library import ChipFile, chip_names, read_chip_file
from cimc.hardware.toml_text import parse_toml, read_bytes
from cimc.language.tokens import BYTES
from cimc.options.compilation import DEFAULT_CHIP, UserOptions
from cimc.sweep.quality import Reading
from dialects.chip.keys import KEYS, Key, Value, spelled, suggestion
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.analysis.objectives import OBJECTIVES
from passes.place_tiles.analysis.choices import MAPPING_NAMES
from passes.project_monarch.analysis.choices import EXPECTED, blocks_and_rank
from passes.quantize.analysis.choices import ACTIVATION_BITS, ACTIVATIONS, AUTO, COLUMN, WEIGHT_BITS

CHIP, CHIP_KEYS, SIZE, PARETO, QUALITY, DIGITAL = "chip", "chip_keys", "size", "pareto", "quality", "digital"
MOST_POINTS = 10**6
"""Of a grid."""
SQUARE = ("rows", "columns")
"""What `size` stands for."""
ENCODING, QUALITY_BUDGET = "encoding", "quality_budget"
ENCODINGS = next(key.choices for key in KEYS if key.name == ENCODING)


@dataclass(frozen=True)
class Axis:
    """A setting that a sweep can vary, beside the keys of the chip."""

    default: Value | None
    """None if the setting is that of the command line unless a grid has it."""
    expectation: str
    is_legal: Callable[[object], bool]


def _is_projection(value: object) -> bool:
    if type(value) is not int and not isinstance(value, str):
        return False
    try:
        blocks_and_rank(value)
    except UserError:
        return False
    return True


AXES: dict[str, Axis] = {
    CHIP: Axis(DEFAULT_CHIP, "the name of a chip or the path of a chip file", lambda value: isinstance(value, str)),
    "mapping": Axis(UserOptions.mapping, f"one of {', '.join(MAPPING_NAMES)}", lambda value: value in MAPPING_NAMES),
    "objective": Axis(UserOptions.objective, f"one of {', '.join(OBJECTIVES)}", lambda value: value in OBJECTIVES),
    "lossy": Axis(
        UserOptions.lossy,
        "0 (conversions that cannot clip) or a number of bits",
        lambda value: type(value) is int and value >= 0,
    ),
    "monarch": Axis(
        0,
        f"0 (the network as it is), {EXPECTED}",
        lambda value: (type(value) is int and value == 0) or _is_projection(value),
    ),
    "activations": Axis(None, f"one of {', '.join(ACTIVATIONS)}", lambda value: value in ACTIVATIONS),
    "weight_bits": Axis(
        None,
        f"one of {', '.join(map(str, WEIGHT_BITS))}, {AUTO}",
        lambda value: value == AUTO or (type(value) is int and value in WEIGHT_BITS),
    ),
    "weight_group": Axis(
        None,
        f"a number of rows of at least 2, or {COLUMN}",
        lambda value: value == COLUMN or (type(value) is int and value >= 2),
    ),
    "activation_bits": Axis(
        None,
        f"one of {', '.join(map(str, ACTIVATION_BITS))}",
        lambda value: type(value) is int and value in ACTIVATION_BITS,
    ),
    QUALITY_BUDGET: Axis(
        None,
        "a relative error of at least 0",
        lambda value: type(value) in (int, float) and isinstance(value, int | float) and 0 <= value < math.inf,
    ),
    ENCODING: Axis(None, f"one of {', '.join(map(str, ENCODINGS))}", lambda value: value in ENCODINGS),
    DIGITAL: Axis(None, "the name of a digital set or the path of its file", lambda value: isinstance(value, str)),
}


@dataclass(frozen=True)
class Goal:
    """A figure by which points are compared: the least is best, or the greatest."""

    figure: str
    greatest: bool = False

    def __str__(self) -> str:
        return f"{'greatest' if self.greatest else 'least'} {self.figure}"


@dataclass(frozen=True)
class Grid:
    """The values of each setting; the points of a sweep are all their combinations."""

    file: Path
    axes: Mapping[str, tuple[Value, ...]]
    """Values by setting, the keys of `AXES`; without those that are the command line's."""
    chips: Mapping[str, ChipAttr]
    """The chips by their name in the grid."""
    chip_keys: Mapping[str, tuple[Value, ...]] = field(default_factory=dict[str, tuple[Value, ...]])
    """Values that take the place of the chips' own, by key (or `size`)."""
    goals: tuple[Goal, ...] = ()
    """What the grid names in `pareto`; nothing for the usual ones."""
    quality: Reading | None = None
    """The text that all networks are to read, if there is one."""
    digital: Mapping[str, DigitalSet] = field(default_factory=dict[str, DigitalSet])
    """The sets of digital constants by their name in the grid."""
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """Where the numbers of each chip come from, by its name in the grid."""


def read_grid(file: Path) -> Grid:
    """The grid in a TOML file; a relative path of a chip's or a digital set's file is relative to the grid file.

    Raises UserError, naming file and key, for whatever is wrong with it.
    """
    values = parse_toml(read_bytes(file, "grid file"), f"grid file {file}")
    try:
        return _grid(values, file)
    except UserError as error:
        raise UserError(f"grid file {file}: {error}") from error


def _grid(values: Mapping[str, object], file: Path) -> Grid:
    _check_known(values, (*AXES, CHIP_KEYS, PARETO, QUALITY), "")
    axes: dict[str, tuple[Value, ...]] = {}
    for name, axis in AXES.items():
        if name in values:
            axes[name] = _axis_values(name, axis, values[name])
        elif axis.default is not None:
            axes[name] = (axis.default,)
    chips = {str(name): _chip(str(name), file.parent) for name in axes[CHIP]}
    digital = {str(name): _digital(str(name), file.parent) for name in axes.get(DIGITAL, ())}
    keys = _chip_keys(values.get(CHIP_KEYS, {}))
    if ENCODING in axes and ENCODING in keys:
        raise UserError(f"{ENCODING} and {CHIP_KEYS}.{ENCODING} found, expected one of them: they are the same")
    points = math.prod(len(choices) for choices in (*axes.values(), *keys.values()))
    if points > MOST_POINTS:
        raise UserError(f"{points} points: expected at most {MOST_POINTS}")
    quality = _quality(values[QUALITY], file.parent) if QUALITY in values else None
    return Grid(
        file=file,
        axes=axes,
        chips={name: own.chip for name, own in chips.items()},
        chip_keys=keys,
        goals=_goals(values.get(PARETO, {})),
        quality=quality,
        digital=digital,
        sources={name: own.sources for name, own in chips.items()},
    )


def _axis_values(name: str, axis: Axis, given: object) -> tuple[Value, ...]:
    values: list[Value] = []
    for value in _list(name, given):
        if not axis.is_legal(value):
            raise UserError(f"{name}: {spelled(value)} found, expected {axis.expectation}")
        assert isinstance(value, int | float | str)
        values.append(value)
    return _distinct(name, values)


def _chip(name: str, folder: Path) -> ChipFile:
    """A chip of cimc's own by its name, or a file seen from the folder of the grid."""
    try:
        return read_chip_file(_seen(name, folder, chip_names()))
    except UserError as error:
        raise UserError(f"{CHIP}: {error}") from error


def _digital(name: str, folder: Path) -> DigitalSet:
    """As `_chip`, for a set of digital constants."""
    try:
        return read_digital_set(_seen(name, folder, digital_set_names()))
    except UserError as error:
        raise UserError(f"{DIGITAL}: {error}") from error


def _seen(name: str, folder: Path, known: Collection[str]) -> str | Path:
    """A name that is known, or that cannot be a file's; otherwise the path of the file."""
    path = folder / name
    return name if name in known or (path.suffix != ".toml" and not os.path.exists(path)) else path


def _chip_keys(given: object) -> dict[str, tuple[Value, ...]]:
    table = _table(CHIP_KEYS, given, "adcs = [4, 8]")
    keys = {key.name: key for key in KEYS if key.name not in ("name", DIGITAL_SET)}
    keys[SIZE] = replace(keys[SQUARE[0]], name=SIZE)
    _check_known(table, keys, f"{CHIP_KEYS}.")
    for name in SQUARE:
        if SIZE in table and name in table:
            raise UserError(f"{CHIP_KEYS}: {SIZE} and {name} found, expected one of them: {SIZE} is rows and columns")
    keys_given: dict[str, tuple[Value, ...]] = {}
    for name, values in table.items():
        where = f"{CHIP_KEYS}.{name}"
        keys_given[name] = _distinct(where, [_key_value(keys[name], value) for value in _list(where, values)])
    return keys_given


def _key_value(key: Key, value: object) -> Value:
    try:
        return key.check(value)
    except UserError as error:
        raise UserError(f"{CHIP_KEYS}: {error}") from error


def _goals(given: object) -> tuple[Goal, ...]:
    table = _table(PARETO, given, 'minimize = ["arrays"]')
    _check_known(table, ("minimize", "maximize"), f"{PARETO}.")
    goals: list[Goal] = []
    for name, figures in table.items():
        for figure in _list(f"{PARETO}.{name}", figures):
            if not isinstance(figure, str):
                raise UserError(f"{PARETO}.{name}: {spelled(figure)} found, expected the name of a figure")
            goals.append(Goal(figure, name == "maximize"))
    _distinct(PARETO, [goal.figure for goal in goals])
    if len(goals) == 1:
        raise UserError(f"{PARETO}: one figure found ({goals[0].figure}), expected at least two to compare points by")
    return tuple(goals)


def _quality(given: object, folder: Path) -> Reading:
    """What is to be read; files are seen from the folder of the grid."""
    table = _table(QUALITY, given, 'text = "text.txt"')
    _check_known(table, ("text", "tokenizer", "window", "stride", "windows"), f"{QUALITY}.")
    text = _name(table, "text", "the name of a file")
    tokenizer = _name(table, "tokenizer", f'a folder with tokenizer.json, or "{BYTES}"')
    return Reading(
        folder / text,
        tokenizer if tokenizer == BYTES else str(folder / tokenizer),
        _count(table, "window", 2),
        _count(table, "stride", 1),
        _count(table, "windows", 1),
    )


def _name(table: Mapping[str, object], key: str, expected: str) -> str:
    name = table.get(key)
    if not isinstance(name, str) or not name:
        wrong = "is missing" if name is None else f"= {spelled(name)}"
        raise UserError(f"{QUALITY}.{key} {wrong}: expected {expected}")
    return name


def _count(table: Mapping[str, object], key: str, least: int) -> int | None:
    value = table.get(key)
    if value is not None and (type(value) is not int or value < least):
        raise UserError(f"{QUALITY}.{key} = {spelled(value)}: expected a number of at least {least}")
    return value if isinstance(value, int) else None


def _table(name: str, given: object, example: str) -> dict[str, object]:
    if not isa(given, dict[str, object]):
        raise UserError(f"{name} = {spelled(given)}: expected a table, [{name}] with lines like {example}")
    return given


def _list(name: str, given: object) -> list[object]:
    if not isa(given, list[object]):
        raise UserError(f"{name} = {spelled(given)}: expected a list, as in [{spelled(given)}]")
    if not given:
        raise UserError(f"{name} = []: expected at least one value")
    return given


def _distinct(name: str, values: list[Value]) -> tuple[Value, ...]:
    seen: set[Value] = set()
    for value in values:
        if value in seen:
            raise UserError(f"{name}: {spelled(value)} is given twice")
        seen.add(value)
    return tuple(values)


def _check_known(table: Mapping[str, object], known: Iterable[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise UserError(f"unknown key {where + name!r}: {suggestion(name, known)}")
