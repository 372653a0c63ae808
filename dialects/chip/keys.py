"""What may be said about a chip: each key with its type, range and meaning, for attribute and TOML file alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from xdsl.utils.hints import isa

from dialects.chip.adc_models import ADC_MODELS
from dialects.chip.formats import AUTO, ENCODINGS
from dialects.errors import UserError

Value = int | float | str | tuple[float, ...]
"""What a key can hold; a tuple is a table, one number for each of its lines."""


@dataclass(frozen=True)
class Key:
    """One key of a chip; the unit of a number is the last part of the key's name."""

    name: str
    type_: type[int] | type[float] | type[str] | type[tuple[float, ...]]
    meaning: str
    required: bool = False
    low: float = 0
    """Least legal number."""
    high: float = 0
    """Greatest legal number, of the letters of a text, too: nothing that a chip costs overflows or fills the memory."""
    choices: tuple[Value, ...] = ()
    """The legal values, where they can be listed."""

    @property
    def expectation(self) -> str:
        """The legal values in words, for messages."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        if self.type_ is str:
            return f"a text of 1 to {self.high} letters"
        limits = f"from {self.low} to {self.high}"
        if self.type_ is tuple:
            return f"a list of 1 to {MOST_BITS} numbers {limits}"
        return f"{'an integer' if self.type_ is int else 'a number'} {limits}"

    def check(self, value: object) -> Value:
        """The value in the key's own type (an integer is a number, too); UserError if it is not legal."""
        value = self._in_own_type(value)
        if type(value) is not self.type_ or not self._is_in_range(value):
            raise UserError(f"{self.name} = {spelled(value)}: expected {self.expectation}")
        assert isinstance(value, int | float | str | tuple)
        return value

    def _in_own_type(self, value: object) -> object:
        try:
            if self.type_ is float and type(value) is int:
                return float(value)
            if self.type_ is tuple and (isa(value, list[int | float]) or isa(value, tuple[int | float, ...])):
                return tuple(float(number) for number in value)
        except OverflowError:
            return value  # an integer that no float can hold
        return value

    def _is_in_range(self, value: object) -> bool:
        if self.choices:
            return value in self.choices
        if isa(value, tuple[float, ...]):
            return 1 <= len(value) <= MOST_BITS and all(self.low <= number <= self.high for number in value)
        if isinstance(value, int | float):
            return self.low <= value <= self.high
        return isinstance(value, str) and 1 <= len(value) <= self.high


MOST_BITS = 24
"""Of an ADC."""
MOST = 65535
"""Rows, columns, units: what a program counts with 16 bits."""
MOST_CELLS = 1 << 28
"""Of an array."""
SECOND_NS = 10**9
"""No step of a chip takes longer."""
JOULE_PJ, SQUARE_METRE_UM2, MEGAWATT_UW = 1e12, 1e12, 1e12
"""Nor does anything on it take more."""

KEYS = (
    Key("name", str, "what the chip is called", required=True, high=255),
    # What the numbers depend on.
    Key("rows", int, "rows of an array", required=True, low=1, high=MOST),
    Key("columns", int, "columns of an array", required=True, low=1, high=MOST),
    Key("cell_bits", int, "bits that a memory cell holds", required=True, choices=(1, 2, 4, 8)),
    Key("dac_bits", int, "bits of an input that a row drives at once", required=True, choices=(1, 2, 4, 8)),
    Key("adc_bits", int, "most bits that an ADC delivers", required=True, low=1, high=MOST_BITS),
    Key("adcs", int, "ADCs of each crossbar, working in parallel", required=True, low=1, high=MOST),
    Key(
        "encoding",
        str,
        "how the cells of a weight stand for its sign; auto: for each weight what suits it best",
        required=True,
        choices=(*ENCODINGS, AUTO),
    ),
    Key("arrays", int, "arrays that the chip has; unlimited if not given", low=1, high=1 << 24),
    # Time.
    Key("settle_ns", float, "from driving the rows with one plane until the columns may be converted", high=SECOND_NS),
    Key("adc_kind", str, "how an ADC's time grows with its bits", choices=("sar", "ramp", "flash")),
    Key("adc_step_ns", float, "one bit of a sar ADC, one clock of a ramp or flash ADC", high=SECOND_NS),
    Key("transfer_ns", float, "moving one vector into or out of a stage", high=SECOND_NS),
    Key(
        "buffers",
        int,
        "sets of registers of an array, each serves a stage at a time; 1 if not given",
        choices=(1, 2),
    ),
    Key("links", int, "vectors that move at the same time; any number if not given", low=1, high=MOST),
    Key(
        "link_bits_per_ns",
        float,
        "bits that a link moves in a nanosecond, beside transfer_ns; vectors of all lengths take as long if not given",
        low=1e-3,
        high=10**9,
    ),
    Key(
        "program_row_ns", float, "programming one row of an array anew, in all arrays at the same time", high=SECOND_NS
    ),
    Key("program_cell_pj", float, "programming one cell anew", high=JOULE_PJ),
    Key("endurance", float, "how often a cell can be programmed", low=1, high=1e18),
    Key("digital_units", int, "units that add partial sums, working in parallel", low=1, high=MOST),
    Key(
        "add_ns",
        float,
        "one digital unit adding two vectors, or another operation of one step an element",
        high=SECOND_NS,
    ),
    # ADCs: which model tells their energy and area, and what the models need (dialects/chip/adc_models.py).
    Key("adc_model", str, "where energy and area of an ADC come from", choices=tuple(ADC_MODELS)),
    Key("adc_table_pj", tuple, "energy of one conversion to 1, 2, ... adc_bits bits", high=JOULE_PJ),
    Key("adc_table_um2", tuple, "area of an ADC of 1, 2, ... adc_bits bits", high=SQUARE_METRE_UM2),
    Key("adc_rate_mhz", float, "conversions of one ADC in a microsecond", low=1, high=10**6),
    Key("node_nm", float, "technology of the ADCs", low=1, high=10**5),
    Key("supply_v", float, "supply voltage of the ADCs", high=1000),
    # Energy.
    Key("dac_pj", float, "driving one row of one crossbar with one plane", high=JOULE_PJ),
    Key("cell_pj", float, "one cell in one plane, the mean over inputs and weights", high=JOULE_PJ),
    Key("shift_add_pj", float, "shifting one conversion and adding it to the sum of its column", high=JOULE_PJ),
    Key("transfer_bit_pj", float, "moving one bit into or out of an array", high=JOULE_PJ),
    Key("add_pj", float, "adding one element of two partial sums", high=JOULE_PJ),
    # Area.
    Key("cell_um2", float, "one cell", high=SQUARE_METRE_UM2),
    Key("dac_um2", float, "what drives one row of one crossbar", high=SQUARE_METRE_UM2),
    Key("shift_add_um2", float, "what shifts and adds the conversions of one ADC", high=SQUARE_METRE_UM2),
    Key("digital_unit_um2", float, "one digital unit", high=SQUARE_METRE_UM2),
    Key("attention_unit_um2", float, "one attention unit", high=SQUARE_METRE_UM2),
    # Leakage: power that is spent all the time.
    Key("array_leakage_uw", float, "one array without its ADCs", high=MEGAWATT_UW),
    Key("adc_leakage_uw", float, "one ADC", high=MEGAWATT_UW),
    Key("digital_unit_leakage_uw", float, "one digital unit", high=MEGAWATT_UW),
    Key("attention_unit_leakage_uw", float, "one attention unit", high=MEGAWATT_UW),
    # Digital operators (passes/analysis/cost/digital.py).
    Key("vector_width", int, "elements of a vector, on which a digital unit works at once", low=1, high=1 << 20),
    Key("compare_ns", float, "one digital unit comparing or moving a vector, as for ReLU", high=SECOND_NS),
    Key("function_ns", float, "one digital unit computing a function of a vector, as for GELU", high=SECOND_NS),
    Key("normalize_ns", float, "one digital unit normalizing a vector, as for layer norm or softmax", high=SECOND_NS),
    Key("vector_pj", float, "one operation of a digital unit on one vector", high=JOULE_PJ),
    Key("attention_units", int, "units that multiply two activations, working in parallel", low=1, high=MOST),
    Key(
        "attention_macs_per_ns",
        float,
        "multiply-accumulates of one attention unit in a nanosecond",
        low=1e-6,
        high=10**9,
    ),
    Key("mac_pj", float, "one multiply-accumulate of an attention unit", high=JOULE_PJ),
    # The set of digital constants that a chip takes (cimc/hardware/digital), and what only some sets give.
    Key("digital_set", str, "what the set of its digital constants is called", high=255),
    Key("normalize_pj", float, "one digital unit normalizing a vector; vector_pj if not given", high=JOULE_PJ),
    # Memory for values between steps (buffers), and for keys and values (passes/analysis/cost/memory.py).
    Key("buffer_um2", float, "one KiB of the buffers", high=SQUARE_METRE_UM2),
    Key("buffer_byte_pj", float, "reading or writing one byte of the buffers", high=JOULE_PJ),
    Key("buffer_leakage_uw", float, "one KiB of the buffers", high=MEGAWATT_UW),
    Key("memory_bit_pj", float, "reading or writing one bit of keys and values", high=JOULE_PJ),
    Key("memory_gb_per_s", float, "bytes of keys and values in a nanosecond", low=1e-6, high=10**9),
    Key("memory_leakage_uw", float, "the memory of keys and values", high=MEGAWATT_UW),
)


def check_values(values: Mapping[str, object]) -> dict[str, Value]:
    """The values of a chip in the order of KEYS, each in its key's type.

    UserError for an unknown or missing key, a wrong type, or a value out of range.
    """
    known = {key.name for key in KEYS}
    for name in values:
        if name not in known:
            raise UserError(f"unknown key {name!r}: {suggestion(name, (key.name for key in KEYS))}")
    checked: dict[str, Value] = {}
    for key in KEYS:
        if key.name in values:
            checked[key.name] = key.check(values[key.name])
        elif key.required:
            raise UserError(f"{key.name} is missing ({key.meaning}): expected {key.expectation}")
    _check_together(checked)
    return checked


def _check_together(checked: Mapping[str, Value]) -> None:
    """What must hold between keys."""
    adcs, rows, columns, adc_bits = (checked[name] for name in ("adcs", "rows", "columns", "adc_bits"))
    assert isinstance(adcs, int)
    assert isinstance(rows, int)
    assert isinstance(columns, int)
    assert isinstance(adc_bits, int)
    if adcs > columns:
        raise UserError(f"adcs = {adcs}: expected at most one for each of the {columns} columns")
    if rows * columns > MOST_CELLS:
        raise UserError(f"rows = {rows} and columns = {columns}: expected at most {MOST_CELLS} cells in a crossbar")
    for name in ("adc_table_pj", "adc_table_um2"):
        table = checked.get(name)
        if isinstance(table, tuple) and len(table) < adc_bits:
            raise UserError(
                f"{name} has {len(table)} numbers: expected one for each of 1 to adc_bits = {adc_bits} bits"
            )


def suggestion(name: str, known: Iterable[str]) -> str:
    """What may have been meant by a name that is not known."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else "expected one of " + ", ".join(names)


def spelled(value: object) -> str:
    """A value as it stands in a TOML file."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isa(value, tuple[float, ...]):
        return "[" + ", ".join(map(spelled, value)) + "]"
    try:
        return str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError:  # Python writes no integers of 5,000 digits
        return "a number of thousands of digits"
