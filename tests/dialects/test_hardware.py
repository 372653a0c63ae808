"""The chip attribute: round trip, derived numbers, and what it says about wrong or missing keys."""

from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp, StringAttr
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from dialects.chip.costs import DigitalCosts
from dialects.chip.keys import KEYS, MOST_BITS, Key, Value
from dialects.errors import UserError
from dialects.hardware import MODULE_KEY, ChipAttr, Hardware, chip_of

TINY: dict[str, Value] = {
    "name": "tiny-4",
    "rows": 4,
    "columns": 4,
    "cell_bits": 2,
    "dac_bits": 1,
    "adc_bits": 8,
    "adcs": 1,
    "encoding": "offset",
}


def chip(**changes: Value) -> ChipAttr:
    return ChipAttr.from_dict({**TINY, **changes})


def parse(text: str) -> ModuleOp:
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(Hardware)
    return Parser(context, text).parse_module()


def module_with(chip: ChipAttr) -> ModuleOp:
    return ModuleOp([], attributes={MODULE_KEY: chip})


def values_of(key: Key) -> st.SearchStrategy[Value]:
    if key.choices:
        return st.sampled_from(key.choices)
    if key.type_ is str:
        return st.text(st.characters(codec="utf-8"), min_size=1, max_size=int(key.high))
    if key.type_ is int:
        return st.integers(min_value=int(key.low), max_value=4 if key.name == "adcs" else int(key.high))
    numbers = st.floats(key.low, key.high)
    return numbers if key.type_ is float else st.lists(numbers, min_size=MOST_BITS, max_size=MOST_BITS).map(tuple)


chips = st.fixed_dictionaries(
    {key.name: values_of(key) for key in KEYS if key.required} | {"columns": st.integers(4, 4096)},
    optional={key.name: values_of(key) for key in KEYS if not key.required},
).map(ChipAttr.from_dict)


@given(chips)
def test_text_and_dict_give_back_the_same_chip(chip: ChipAttr):
    text = StringIO()
    Printer(text).print_op(module_with(chip))
    assert chip_of(parse(text.getvalue())) == chip
    assert ChipAttr.from_dict(chip.to_dict()) == chip


def test_order_of_keys_does_not_matter():
    assert ChipAttr.from_dict(dict(reversed(TINY.items()))) == chip()


def test_integers_are_numbers():
    assert chip(settle_ns=10) == chip(settle_ns=10.0)
    assert chip(settle_ns=10).to_dict()["settle_ns"] == 10.0


def test_required_keys():
    tiny = chip()
    assert (tiny.chip_name, tiny.rows, tiny.columns, tiny.cell_bits) == ("tiny-4", 4, 4, 2)
    assert (tiny.dac_bits, tiny.adc_bits, tiny.adcs, tiny.encoding) == (1, 8, 1, "offset")


def test_number_of_arrays():
    assert chip().arrays is None
    assert chip(arrays=7).arrays == 7


def test_registers_and_links():
    assert (chip().buffers, chip().links, chip().number("link_bits_per_ns")) == (1, None, None)
    moving = chip(buffers=2, links=4, link_bits_per_ns=16)
    assert (moving.buffers, moving.links, moving.number("link_bits_per_ns")) == (2, 4, 16.0)
    with pytest.raises(UserError, match="buffers = 3: expected one of 1, 2"):
        chip(buffers=3)


@pytest.mark.parametrize(
    ("encoding", "cell_bits", "slices"),
    [
        ("offset", 1, 8),
        ("offset", 2, 4),
        ("offset", 8, 1),
        ("twos-complement", 1, 8),
        ("twos-complement", 2, 5),
        ("twos-complement", 8, 2),
        ("differential", 1, 16),
        ("differential", 4, 4),
    ],
)
def test_slices(encoding: str, cell_bits: int, slices: int):
    assert chip(encoding=encoding, cell_bits=cell_bits).slices == slices


@pytest.mark.parametrize(("dac_bits", "unsigned", "signed"), [(1, 8, 8), (2, 4, 5), (4, 2, 3), (8, 1, 2)])
def test_planes(dac_bits: int, unsigned: int, signed: int):
    assert chip(dac_bits=dac_bits).planes(signed=False) == unsigned
    assert chip(dac_bits=dac_bits).planes(signed=True) == signed


@pytest.mark.parametrize(
    ("dac_bits", "planes"), [(1, (4, 5, 6, 7)), (2, (2, 3, 3, 4)), (4, (1, 2, 2, 2)), (8, (1, 1, 1, 1))]
)
def test_planes_of_inputs_of_fewer_bits(dac_bits: int, planes: tuple[int, ...]):
    assert tuple(chip(dac_bits=dac_bits).planes(False, bits) for bits in range(4, 8)) == planes


@pytest.mark.parametrize(("kind", "four_bits"), [("sar", 2.0), ("ramp", 8.0), ("flash", 0.5)])
def test_time_of_a_conversion(kind: str, four_bits: float):
    assert chip(adc_kind=kind, adc_step_ns=0.5).adc_ns(4) == four_bits


def test_the_model_of_the_adc_tells_the_time_if_the_chip_does_not():
    closed = chip(adc_model="closed-form-28nm", supply_v=0.9)
    assert closed.adc_ns(8) == 8 * (0.640 + 0.00653 * 4)
    assert chip(adc_model="survey", node_nm=32, adc_rate_mhz=500).adc_ns(3) == 2.0
    given = chip(adc_model="closed-form-28nm", supply_v=0.9, adc_kind="flash", adc_step_ns=7)
    assert given.adc_ns(8) == 7.0


def test_a_table_tells_no_time():
    table = chip(adc_model="table", adc_table_pj=(1.0,) * 8, adc_table_um2=(1.0,) * 8)
    with pytest.raises(UserError, match="gives no adc_kind"):
        table.adc_ns(8)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, "adc_model"),
        ({"adc_model": "table", "adc_table_um2": (1.0,) * 8}, "adc_table_pj"),
        ({"adc_model": "table", "adc_table_pj": (1.0,) * 8}, "adc_table_um2"),
        ({"adc_model": "closed-form-28nm"}, "supply_v"),
        ({"adc_model": "survey", "adc_rate_mhz": 100}, "node_nm"),
        ({"adc_model": "hwcomponents", "node_nm": 32}, "adc_rate_mhz"),
    ],
)
def test_keys_that_the_model_of_the_adc_needs(values: dict[str, Value], missing: str):
    with pytest.raises(UserError) as error:
        chip(**values).adc_pj(4)
    assert str(error.value) == f"chip 'tiny-4' gives no {missing}: add it to the chip, the cost model needs it"


def test_energy_and_area_of_an_adc_from_the_table():
    table = chip(adc_model="table", adc_table_pj=tuple(map(float, range(8))), adc_table_um2=(10.0,) * 7 + (99.0,))
    assert (table.adc_pj(1), table.adc_pj(8), table.adc_um2(8)) == (0.0, 7.0, 99.0)


DIGITAL: dict[str, Value] = {
    "digital_units": 4, "vector_width": 512, "compare_ns": 1, "add_ns": 10, "function_ns": 11, "normalize_ns": 50,
    "attention_units": 2, "attention_macs_per_ns": 256,
}  # fmt: skip


def test_costs_of_digital_operators():
    without_energy = DigitalCosts(4, 512, 1.0, 10.0, 11.0, 50.0, 2, 256.0)
    assert chip(**DIGITAL).digital_costs() == without_energy
    assert chip(**DIGITAL, vector_pj=5, mac_pj=6).digital_costs() == replace(without_energy, vector_pj=5.0, mac_pj=6.0)


@pytest.mark.parametrize("missing", DIGITAL)
def test_no_costs_of_digital_operators_without_all_keys_of_their_time(missing: str):
    assert chip(**{key: value for key, value in DIGITAL.items() if key != missing}).digital_costs() is None


def test_times():
    timed = chip(settle_ns=1, transfer_ns=2, add_ns=3, digital_units=4)
    assert (timed.settle_ns, timed.transfer_ns, timed.add_ns, timed.digital_units) == (1.0, 2.0, 3.0, 4)


def test_missing_optional_key_is_named():
    with pytest.raises(UserError) as error:
        _ = chip().settle_ns
    assert str(error.value) == "chip 'tiny-4' gives no settle_ns: add it to the chip, the cost model needs it"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 0}, "rows = 0: expected an integer from 1 to 65535"),
        ({"rows": 4.0}, "rows = 4.0: expected an integer from 1 to 65535"),
        ({"rows": True}, "rows = true: expected an integer from 1 to 65535"),
        ({"rows": '"4"'}, r'rows = "\"4\"": expected an integer from 1 to 65535'),
        ({"arrays": 0}, "arrays = 0: expected an integer from 1 to 16777216"),
        ({"cell_bits": 3}, "cell_bits = 3: expected one of 1, 2, 4, 8"),
        ({"encoding": "x"}, 'encoding = "x": expected one of offset, twos-complement, differential'),
        ({"name": ""}, 'name = "": expected a text of 1 to 255 letters'),
        ({"add_ns": -1}, "add_ns = -1.0: expected a number from 0 to 1000000000"),
        ({"add_ns": float("inf")}, "add_ns = inf: expected a number from 0 to 1000000000"),
        ({"add_ns": float("nan")}, "add_ns = nan: expected a number from 0 to 1000000000"),
        ({"dac_pj": -1}, "dac_pj = -1.0: expected a number from 0 to 1000000000000.0"),
        ({"attention_macs_per_ns": 0}, "attention_macs_per_ns = 0.0: expected a number from 1e-06 to 1000000000"),
        ({"adcs": 5}, "adcs = 5: expected at most one for each of the 4 columns"),
        (
            {"adc_table_pj": (1.0, -1.0)},
            "adc_table_pj = [1.0, -1.0]: expected a list of 1 to 24 numbers from 0 to",
        ),
        ({"adc_table_pj": ()}, "adc_table_pj = []: expected a list of 1 to 24 numbers from 0 to"),
        ({"adc_table_pj": 1.0}, "adc_table_pj = 1.0: expected a list of 1 to 24 numbers from 0 to"),
        (
            {"adc_table_um2": (1.0, 2.0)},
            "adc_table_um2 has 2 numbers: expected one for each of 1 to adc_bits = 8 bits",
        ),
        ({"adc_rate_mhz": 0.5}, "adc_rate_mhz = 0.5: expected a number from 1 to 1000000"),
        (
            {"adc_model": "best"},
            'adc_model = "best": expected one of table, closed-form-28nm, survey, hwcomponents',
        ),
        ({"digital_units": 10**9}, "digital_units = 1000000000: expected an integer from 1 to 65535"),
        ({"digital_units": 1 << 99_999}, "digital_units = a number of thousands of digits: expected an integer from 1"),
        ({"settle_ns": 1 << 9_999}, f"settle_ns = {1 << 9_999}: expected a number from 0 to 1000000000"),
        ({"rows": 65535, "columns": 65535}, "rows = 65535 and columns = 65535: expected at most 268435456 cells in a"),
        ({"adc_bit": 8}, "unknown key 'adc_bit': did you mean 'adc_bits'?"),
        ({"zzz": 8}, f"unknown key 'zzz': expected one of {', '.join(key.name for key in KEYS)}"),
    ],
)
def test_wrong_values_are_named(changes: dict[str, Value], message: str):
    with pytest.raises(UserError) as error:
        chip(**changes)
    assert str(error.value).startswith(message)


def test_missing_key_is_named():
    with pytest.raises(UserError) as error:
        ChipAttr.from_dict({key: value for key, value in TINY.items() if key != "dac_bits"})
    assert str(error.value) == (
        "dac_bits is missing (bits of an input that a row drives at once): expected one of 1, 2, 4, 8"
    )


def test_a_chip_made_by_hand_is_checked():
    with pytest.raises(VerifyException, match="columns is missing"):
        ChipAttr((("name", "x"), ("rows", 4)))
    with pytest.raises(VerifyException, match=r"out of order or given twice: make it with ChipAttr\.from_dict"):
        ChipAttr(tuple(reversed(TINY.items())))


def test_a_chip_without_a_name_is_refused():
    with pytest.raises(ParseError, match="name of a chip expected"):
        parse("builtin.module attributes {hardware.chip = #hardware.chip<rows = 4>} {}")


def test_a_key_given_twice_is_refused():
    with pytest.raises(ParseError, match="rows is given twice"):
        parse('builtin.module attributes {hardware.chip = #hardware.chip<"x", rows = 4, rows = 4>} {}')


def test_chip_of_a_module():
    assert chip_of(module_with(chip())) == chip()


def test_a_module_without_a_chip():
    with pytest.raises(UserError) as error:
        chip_of(ModuleOp([]))
    assert str(error.value) == (
        'the module names no chip: add `attributes {hardware.chip = #hardware.chip<"name", ...>}` to it'
    )


def test_a_module_with_something_else_as_its_chip():
    with pytest.raises(UserError) as error:
        chip_of(ModuleOp([], attributes={MODULE_KEY: StringAttr("tiny-4")}))
    assert str(error.value) == """the module's hardware.chip is "tiny-4": expected #hardware.chip<...>"""


@given(chips)
def test_what_a_chip_costs_is_finite(chip: ChipAttr):
    """Within their bounds, no keys make a number that overflows: not in the formulas of the ADC models either."""
    if "adc_model" in chip.to_dict():
        try:
            numbers = [chip.adc_pj(chip.adc_bits), chip.adc_um2(chip.adc_bits)]
        except UserError:  # a key is missing that the model needs
            return
        assert all(0 <= number < float("inf") for number in numbers)


def test_every_key_has_a_bound():
    assert [key.name for key in KEYS if not key.choices and key.high <= key.low] == []
