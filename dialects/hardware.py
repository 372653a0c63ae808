"""The hardware language: the chip that a module is compiled for, as an attribute on the module."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Self

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Data, Dialect
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.chip.adc_models import AdcModel, ClosedFormAdc, HwcomponentsAdc, SurveyAdc, TableAdc
from dialects.chip.costs import ArrayCosts, DigitalCosts, HardwareCosts, MemoryCosts
from dialects.chip.formats import AUTO, MOST_BITS, MOST_INPUT_BITS, OFFSET, Format
from dialects.chip.keys import Value, check_values
from dialects.errors import UserError

MODULE_KEY = "hardware.chip"
"""The name of the module's attribute that holds the chip."""

DIGITAL_TIME_KEYS = (
    "digital_units",
    "vector_width",
    "compare_ns",
    "add_ns",
    "function_ns",
    "normalize_ns",
    "attention_units",
    "attention_macs_per_ns",
)
"""The keys without which the time of digital operators is not known."""


@irdl_attr_definition
class ChipAttr(Data[tuple[tuple[str, Value], ...]]):
    """A chip: its arrays, cells and converters, and what they cost.

    ```mlir
    #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1,
                   encoding = "offset">
    ```

    Which keys there are, and what they mean, stands in dialects/chip/keys.py. The data are (key, value) pairs in
    that order, so equal chips are equal attributes. Where the chip does not give an optional key, its accessor
    raises UserError.
    """

    name = "hardware.chip"

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The chip with these values (with its `name`); UserError if they are not those of a chip."""
        return cls(tuple(check_values(values).items()))

    def to_dict(self) -> dict[str, Value]:
        """All keys that are given, `name` first, as `from_dict` takes them."""
        return dict(self.data)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[tuple[str, Value], ...]:
        start = parser.pos
        with parser.in_angle_brackets():
            values: dict[str, Value] = {
                "name": parser.expect(lambda: _optional_text(parser), "name of a chip expected")
            }
            while parser.parse_optional_punctuation(",") is not None:
                position = parser.pos
                key = parser.parse_identifier(": a key of the chip")
                parser.parse_punctuation("=")
                if key in values:
                    parser.raise_error(f"{key} is given twice", position, parser.pos)
                values[key] = _parsed_value(parser)
        try:
            return tuple(check_values(values).items())
        except UserError as error:
            parser.raise_error(str(error), start, parser.pos)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.chip_name)
            for key, value in self.data:
                if key != "name":
                    printer.print_string(f", {key} = ")
                    _print_value(printer, value)

    def verify(self) -> None:
        try:
            canonical = tuple(check_values(dict(self.data)).items())
        except UserError as error:
            raise VerifyException(str(error)) from error
        if self.data != canonical:
            raise VerifyException("keys of a chip out of order or given twice: make it with ChipAttr.from_dict")

    # What the numbers depend on: always there.

    @property
    def chip_name(self) -> str:
        return self._text("name")

    @property
    def rows(self) -> int:
        return self._integer("rows")

    @property
    def columns(self) -> int:
        return self._integer("columns")

    @property
    def cell_bits(self) -> int:
        return self._integer("cell_bits")

    @property
    def dac_bits(self) -> int:
        return self._integer("dac_bits")

    @property
    def adc_bits(self) -> int:
        return self._integer("adc_bits")

    @property
    def adcs(self) -> int:
        return self._integer("adcs")

    @property
    def encoding(self) -> str:
        """`offset`, `twos-complement`, `differential`, or `auto`: for each weight what suits it best."""
        return self._text("encoding")

    @property
    def arrays(self) -> int | None:
        """How many arrays the chip has; None for as many as are needed."""
        return self._integer("arrays") if "arrays" in self.to_dict() else None

    @property
    def digital_set(self) -> str | None:
        """What the set of its digital constants is called; None for numbers of the chip's own."""
        return self._text("digital_set") if "digital_set" in self.to_dict() else None

    @property
    def default_format(self) -> Format:
        """That of weights for which `choose-formats` chose none: 8 bits, and offsets where the chip leaves it open."""
        return Format(MOST_BITS, OFFSET if self.encoding == AUTO else self.encoding)

    @property
    def slices(self) -> int:
        """Crossbars of an array of the default format, that is, cells of a weight of 8 bits."""
        return self.default_format.slices(self.cell_bits)

    @property
    def crossbars(self) -> int | None:
        """How many crossbars the chip has: those of its arrays in the default format; None for as many as needed."""
        return None if self.arrays is None else self.arrays * self.slices

    def planes(self, signed: bool, input_bits: int = MOST_INPUT_BITS) -> int:
        """Planes of an input of so many bits, 8 if signed; where planes have several bits, a sign bit has its own."""
        return -(-input_bits // self.dac_bits) + (1 if signed and self.dac_bits > 1 else 0)

    # What things cost: there if the chip gives it.

    @property
    def settle_ns(self) -> float:
        return self._number("settle_ns")

    @property
    def has_array_times(self) -> bool:
        """Whether it says how long arrays take to convert."""
        keys = self.to_dict().keys()
        return "settle_ns" in keys and ("adc_model" in keys or {"adc_kind", "adc_step_ns"} <= keys)

    @property
    def transfer_ns(self) -> float:
        return self._number("transfer_ns")

    @property
    def buffers(self) -> int:
        """How many sets of registers an array has: as many stages it can serve at a time."""
        return self._integer("buffers") if "buffers" in self.to_dict() else 1

    @property
    def links(self) -> int | None:
        """How many vectors move at the same time; None for any number of them."""
        return self._integer("links") if "links" in self.to_dict() else None

    @property
    def program_row_ns(self) -> float:
        return self._number("program_row_ns")

    @property
    def add_ns(self) -> float:
        return self._number("add_ns")

    @property
    def digital_units(self) -> int:
        return self._integer("digital_units")

    def adc_ns(self, bits: int) -> float:
        """The time of one conversion to `bits` bits: a sar ADC steps once a bit, ramp once a code, flash once.

        A chip that gives no `adc_step_ns` leaves it to its ADC model.
        """
        if "adc_step_ns" not in self.to_dict() and "adc_model" in self.to_dict():
            modelled = self.adc_model.nanoseconds(bits)
            if modelled is not None:
                return modelled
        steps = {"sar": bits, "ramp": 1 << bits, "flash": 1}[self._text("adc_kind")]
        return steps * self._number("adc_step_ns")

    def adc_pj(self, bits: int) -> float:
        """The energy of one conversion to `bits` bits, by the chip's ADC model."""
        return self.adc_model.picojoules(bits)

    def adc_um2(self, bits: int) -> float:
        """The area of one ADC of `bits` bits, by the chip's ADC model."""
        return self.adc_model.square_micrometres(bits)

    @property
    def adc_model(self) -> AdcModel:
        """What tells energy and area of the ADCs; UserError if a key is missing that the model needs."""
        match self._text("adc_model"):
            case "table":
                return TableAdc(self._table("adc_table_pj"), self._table("adc_table_um2"))
            case "closed-form-28nm":
                return ClosedFormAdc(self.rows, self._number("supply_v"))
            case "survey":
                return SurveyAdc(self._number("node_nm"), self._number("adc_rate_mhz"))
            case _:
                return HwcomponentsAdc(self._number("node_nm"), self._number("adc_rate_mhz"))

    def number(self, key: str) -> float | None:
        """The number of an optional key; None if the chip does not give it."""
        return self._number(key) if key in self.to_dict() else None

    def array_costs(self) -> ArrayCosts:
        """What conversions, drivers, cells and sums take; None for what the chip does not give."""
        bits = range(1, self.adc_bits + 1)
        return ArrayCosts(
            slices=self.slices,
            adc_pj=tuple(self.adc_pj(b) for b in bits) if "adc_model" in self.to_dict() else None,
            dac_pj=self.number("dac_pj"),
            cell_pj=self.number("cell_pj"),
            shift_add_pj=self.number("shift_add_pj"),
            transfer_bit_pj=self.number("transfer_bit_pj"),
            add_pj=self.number("add_pj"),
        )

    def hardware_costs(self) -> HardwareCosts:
        """Area and leakage of the parts; None for what the chip does not give."""
        given = self.to_dict()
        return HardwareCosts(
            rows=self.rows,
            columns=self.columns,
            slices=self.slices,
            adcs=self.adcs,
            digital_units=self.digital_units if "digital_units" in given else None,
            attention_units=self._integer("attention_units") if "attention_units" in given else None,
            cell_um2=self.number("cell_um2"),
            dac_um2=self.number("dac_um2"),
            adc_um2=self.adc_um2(self.adc_bits) if "adc_model" in given else None,
            shift_add_um2=self.number("shift_add_um2"),
            digital_unit_um2=self.number("digital_unit_um2"),
            attention_unit_um2=self.number("attention_unit_um2"),
            array_leakage_uw=self.number("array_leakage_uw"),
            adc_leakage_uw=self.number("adc_leakage_uw"),
            digital_unit_leakage_uw=self.number("digital_unit_leakage_uw"),
            attention_unit_leakage_uw=self.number("attention_unit_leakage_uw"),
        )

    def digital_costs(self) -> DigitalCosts | None:
        """What digital operators take; None if the chip lacks a key that their time needs (`DIGITAL_TIME_KEYS`)."""
        if any(key not in self.to_dict() for key in DIGITAL_TIME_KEYS):
            return None
        return DigitalCosts(
            digital_units=self.digital_units,
            vector_width=self._integer("vector_width"),
            compare_ns=self._number("compare_ns"),
            add_ns=self.add_ns,
            function_ns=self._number("function_ns"),
            normalize_ns=self._number("normalize_ns"),
            attention_units=self._integer("attention_units"),
            attention_macs_per_ns=self._number("attention_macs_per_ns"),
            vector_pj=self.number("vector_pj"),
            mac_pj=self.number("mac_pj"),
            normalize_pj=self.number("normalize_pj"),
        )

    def memory_costs(self) -> MemoryCosts:
        """What buffers and the memory of keys and values take; None for what the chip does not give."""
        return MemoryCosts(**{part.name: self.number(part.name) for part in fields(MemoryCosts)})

    def _value(self, key: str) -> Value:
        value = self.to_dict().get(key)
        if value is None:
            raise UserError(f"chip {self.chip_name!r} gives no {key}: add it to the chip, the cost model needs it")
        return value

    def _integer(self, key: str) -> int:
        value = self._value(key)
        assert isinstance(value, int)
        return value

    def _number(self, key: str) -> float:
        value = self._value(key)
        assert isinstance(value, int | float)
        return float(value)

    def _table(self, key: str) -> tuple[float, ...]:
        value = self._value(key)
        assert isinstance(value, tuple)
        return value

    def _text(self, key: str) -> str:
        value = self._value(key)
        assert isinstance(value, str)
        return value


def chip_of(module: ModuleOp) -> ChipAttr:
    """The chip that the module is compiled for; UserError if the module names none."""
    chip = module.attributes.get(MODULE_KEY)
    if chip is None:
        raise UserError(
            f'the module names no chip: add `attributes {{{MODULE_KEY} = #hardware.chip<"name", ...>}}` to it'
        )
    if not isinstance(chip, ChipAttr):
        raise UserError(f"the module's {MODULE_KEY} is {chip}: expected #hardware.chip<...>")
    return chip


def _optional_text(parser: AttrParser) -> str | None:
    """A string literal, if there is one; xDSL reads one with escaped letters beyond ASCII as bytes."""
    text = parser.parse_optional_str_literal()
    if text is None and (content := parser.parse_optional_bytes_literal()) is not None:
        return content.decode(errors="replace")
    return text


def _parsed_value(parser: AttrParser) -> Value:
    """A text, a number, or a list of numbers."""
    numbers = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: float(parser.parse_number(allow_boolean=False))
    )
    if numbers is not None:
        return tuple(numbers)
    text = _optional_text(parser)
    return parser.parse_number(allow_boolean=False) if text is None else text


def _print_value(printer: Printer, value: Value) -> None:
    if isinstance(value, str):
        printer.print_string_literal(value)
    elif isinstance(value, tuple):
        printer.print_string("[" + ", ".join(map(_float_text, value)) + "]")
    else:
        printer.print_string(_float_text(value) if isinstance(value, float) else str(value))


def _float_text(value: float) -> str:
    """The shortest text that reads back as the same number, with the point that the IR wants (1.0e-05)."""
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa + ("" if "." in mantissa else ".0") + e + exponent


Hardware = Dialect("hardware", [], [ChipAttr])
