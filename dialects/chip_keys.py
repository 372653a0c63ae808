"""What may be said about a chip: each key with its type, range and meaning, for attribute and TOML file alike."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from dialects.errors import UserError

Value = int | float | str


@dataclass(frozen=True)
class Key:
    """One key of a chip; the unit of a number is the last part of the key's name."""

    name: str
    kind: type[int] | type[float] | type[str]
    meaning: str
    required: bool = False
    low: int = 0
    """Least legal number."""
    high: int | None = None
    """Greatest legal number; None for no limit."""
    choices: tuple[Value, ...] = ()
    """The legal values, where they can be listed."""

    @property
    def expectation(self) -> str:
        """The legal values in words, for messages."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        if self.kind is str:
            return "a text that is not empty"
        number = "an integer" if self.kind is int else "a number"
        return f"{number} from {self.low} to {self.high}" if self.high else f"{number} of at least {self.low}"

    def check(self, value: object) -> Value:
        """The value in the key's own type (an integer is a number, too); UserError if it is not legal."""
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind or not self._is_in_range(value):
            raise UserError(f"{self.name} = {_spelled(value)}: expected {self.expectation}")
        assert isinstance(value, int | float | str)
        return value

    def _is_in_range(self, value: object) -> bool:
        if self.choices:
            return value in self.choices
        if isinstance(value, int | float):
            return math.isfinite(value) and self.low <= value and (self.high is None or value <= self.high)
        return value != ""


KEYS = (
    Key("name", str, "what the chip is called", required=True),
    # What the numbers depend on.
    Key("rows", int, "rows of an array", required=True, low=1, high=65535),
    Key("columns", int, "columns of an array", required=True, low=1, high=65535),
    Key("cell_bits", int, "bits that a memory cell holds", required=True, choices=(1, 2, 4, 8)),
    Key("dac_bits", int, "bits of an input that a row drives at once", required=True, choices=(1, 2, 4, 8)),
    Key("adc_bits", int, "most bits that an ADC delivers", required=True, low=1, high=24),
    Key("adcs", int, "ADCs of each crossbar, working in parallel", required=True, low=1, high=65535),
    Key(
        "encoding",
        str,
        "how the cells of a weight stand for its sign",
        required=True,
        choices=("offset", "twos-complement", "differential"),
    ),
    Key("arrays", int, "arrays that the chip has; unlimited if not given", low=1),
    # Time.
    Key("settle_ns", float, "from driving the rows with one plane until the columns may be converted"),
    Key("adc_kind", str, "how an ADC's time grows with its bits", choices=("sar", "ramp", "flash")),
    Key("adc_step_ns", float, "one bit of a sar ADC, one clock of a ramp or flash ADC"),
    Key("transfer_ns", float, "moving one vector into or out of a stage"),
    Key("digital_units", int, "units that add partial sums, working in parallel", low=1),
    Key("add_ns", float, "one digital unit adding two vectors"),
)


def check_values(values: Mapping[str, object]) -> dict[str, Value]:
    """The values of a chip in the order of KEYS, each in its key's type.

    UserError for an unknown or missing key, a wrong type, or a value out of range.
    """
    known = {key.name for key in KEYS}
    for name in values:
        if name not in known:
            raise UserError(f"unknown key {name!r}: {_suggestion(name)}")
    checked: dict[str, Value] = {}
    for key in KEYS:
        if key.name in values:
            checked[key.name] = key.check(values[key.name])
        elif key.required:
            raise UserError(f"{key.name} is missing ({key.meaning}): expected {key.expectation}")
    if int(checked["adcs"]) > int(checked["columns"]):
        raise UserError(f"adcs = {checked['adcs']}: expected at most one for each of the {checked['columns']} columns")
    return checked


def _suggestion(name: str) -> str:
    names = [key.name for key in KEYS]
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else "expected one of " + ", ".join(names)


def _spelled(value: object) -> str:
    """A value as it stands in a TOML file."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower() if isinstance(value, bool) else str(value)
