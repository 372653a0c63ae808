"""Costs of whole programs against figures worked out by hand, on tiny-4 and on pcm-256."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.options.conditions import Conditions
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.report.cost.array_cost import array_cost
from cimc.report.cost.program_chip import chip_of_program
from cimc.report.cost.program_cost import add, cost_of
from dialects.hardware import DIGITAL_TIME_KEYS

Compiled = Callable[..., Compilation]
Write = Callable[..., Path]

OLD_CHIP = """
rows = 4
columns = 4
cell_bits = 2
dac_bits = 1
adc_bits = 8
adcs = 1
encoding = "offset"
settle_ns = 10
adc_kind = "sar"
adc_step_ns = 1
transfer_ns = 5
digital_units = 1
add_ns = 2
"""


@pytest.fixture
def product(onnx_file: Write, compiled: Compiled) -> Callable[..., Program]:
    """The program of a multiplication by a random dense weight."""

    def program(rows: int, columns: int, **options: str) -> Program:
        graph = f"g (float[n,{rows}] x) => (float[n,{columns}] y) {{ [fc] y = MatMul(x, w) }}"
        weight = np.random.default_rng(1).standard_normal((rows, columns)).astype(np.float32)
        return compiled(onnx_file(graph, {"w": weight}), mapping="linear", **options).program

    return program


def test_one_tile_of_tiny_4(product: Callable[..., Program]) -> None:
    """A sum of four cells of 2 bits takes 4; docs/cost-model.md tells where the figures come from.

    Operators for 12 ns of 44 need not be done before the vector moves into the array.
    """
    cost = cost_of(product(4, 4))
    assert cost.latency_ns == {"parameter": 218, "digital": 44, "total": 250}
    assert cost.overlap_ns == 12
    assert cost.energy == {
        "adc": 512, "dac": 64, "cells": 128, "shift_add": 16, "transfer": 80, "add": 0,
        "digital": 500, "attention": 0, "leakage": pytest.approx(3140 * 0.25),
    }  # fmt: skip
    assert cost.energy_pj == {"parameter": 800, "digital": 500, "total": pytest.approx(1300 + 3140 * 0.25)}
    assert cost.leakage == {"arrays": 100, "adc": 40, "digital": 1000, "attention": 2000}
    assert cost.area == {"cells": 64, "dac": 32, "adc": 320, "shift_add": 20, "digital": 1000, "attention": 2000}
    assert cost.notes == ()


def test_the_schedule_in_the_program_says_the_same(product: Callable[..., Program]) -> None:
    program = product(8, 4)
    total = cost_of(program).latency_ns["total"]
    assert total is not None
    assert 1000 * total == (program.operations[:, 3] + program.operations[:, 4]).max()


def test_partial_sums_take_an_addition(product: Callable[..., Program]) -> None:
    """8 rows are two arrays: both at once for 208 ns, 4 elements added in 2 ns with 2 pJ each, transfers of 5 ns."""
    cost = cost_of(product(8, 4))
    assert cost.latency_ns["parameter"] == 208 + 2 + 10
    assert cost.energy["add"] == 4 * 2
    assert cost.energy["adc"] == 2 * 512
    assert cost.area["adc"] == 2 * 320
    assert cost.time is not None
    assert (cost.time.array_busy_ns, cost.time.addition_busy_ns) == (208, 2)


def test_prefill(product: Callable[..., Program]) -> None:
    """An array's registers are the busiest: 208 ns of work and two transfers of 5; operators keep their unit for 44."""
    cost = cost_of(product(4, 4), Conditions(tokens=10))
    alone, all_of_it = cost.prefill["parameter"], cost.prefill["total"]
    assert alone is not None
    assert all_of_it is not None
    assert (alone.fill_ns, alone.interval_ns, alone.busiest) == (218, 218, "registers of array 0")
    assert alone.latency_ns == 218 + 9 * 218
    assert all_of_it.latency_ns == 262 + 9 * 218


def test_the_default_chip(product: Callable[..., Program]) -> None:
    """85 cells of 2 bits sum up to 255: one row group of 8 bits; 256 columns are 32 conversions of each of 8 ADCs."""
    cost = cost_of(product(85, 256, chip="pcm-256"))
    adc_ps = round(1000 * 8 * (0.640 + 0.00653 * 256))
    assert cost.latency_ns["parameter"] == (8 * (12500 + 32 * adc_ps) + 20000) / 1000
    conversions = 256 * 4 * 8
    assert cost.energy["adc"] == pytest.approx(conversions * (800 + 0.001 * 4**8) / 1000 * 0.81)
    assert cost.energy["dac"] == pytest.approx(85 * 32 * 0.39)
    assert cost.energy["cells"] == pytest.approx(85 * 256 * 32 * 0.00183)
    assert cost.energy["shift_add"] == pytest.approx(conversions * 0.021)
    assert cost.energy["transfer"] == pytest.approx((85 * 8 + 256 * 32) * 0.01)
    assert cost.area["adc"] == pytest.approx(4 * 8 * 2085, rel=1e-3)
    assert cost.area["cells"] == pytest.approx(4 * 65536 * 0.036)
    assert cost.leakage == {
        "arrays": 0, "adc": pytest.approx(4 * 8 * 7.6), "digital": 4e6, "attention": 1e6,
    }  # fmt: skip


ATTENTION = """g (float[1,s,4] q, float[1,past,4] k) => (float[1,s,past] y)
    { t = Transpose <perm = [0, 2, 1]> (k)  y = MatMul(q, t) }"""


@pytest.mark.parametrize(
    ("conditions", "past"), [(Conditions(), 512), (Conditions(context=3), 3), (Conditions({"past": 7}), 7)]
)
def test_attention_depends_on_the_context(
    conditions: Conditions, past: int, onnx_file: Write, compiled: Compiled
) -> None:
    """Keys of 4 are one vector each, moved in 1 ns; then 4 products for each key, two in a nanosecond."""
    cost = cost_of(compiled(onnx_file(ATTENTION)).program, conditions)
    assert cost.latency_ns == {"parameter": 0, "digital": past + 2 * past, "total": 3 * past}
    assert (cost.energy["digital"], cost.energy["attention"]) == (20 * past, 3 * 4 * past)
    assert cost.run is not None
    assert cost.run.dims == {"s": 1, "past": past}


def test_permutations_move_vectors(handmade: Program) -> None:
    """The handmade program permutes 4 uint8, 32 bits."""
    chip = chip_of_program(handmade)
    costs = chip.from_dict({**chip.to_dict(), "transfer_bit_pj": 0.5}).array_costs()
    assert array_cost(handmade, costs, {2: 32}).permuted_pj == 16
    assert array_cost(handmade, costs, {}).permuted_pj == 4 * 32 * 0.5


def test_operators_that_are_not_known_are_listed(onnx_file: Write, compiled: Compiled) -> None:
    cost = cost_of(compiled(onnx_file("g (float[n,4,4] x) => (float[n] y) { y = Det(x) }")).program)
    assert cost.energy["digital"] == 4 * 20
    assert cost.notes == ("operators that are not known, counted as one arithmetic step an element: Det (1)",)


def test_a_chip_without_costs(product: Callable[..., Program], tmp_path: Path) -> None:
    """Nothing is 0 that is not known, and each missing key is named."""
    file = tmp_path / "old.toml"
    file.write_text(OLD_CHIP)
    cost = cost_of(product(4, 4, chip=str(file)))
    assert cost.latency_ns == {"parameter": 218, "digital": None, "total": None}
    assert set(cost.energy.values()) == {None}
    assert set(cost.area.values()) == {None}
    assert cost.energy_pj == {"parameter": None, "digital": None, "total": None}
    assert cost.prefill["total"] is None
    assert cost.notes == (
        "digital operators are not counted: the chip gives no vector_width, compare_ns, function_ns, normalize_ns, "
        "attention_units, attention_macs_per_ns",
        "energy: adc is not known: the chip gives no adc_model",
        "energy: dac is not known: the chip gives no dac_pj",
        "energy: cells is not known: the chip gives no cell_pj",
        "energy: shift_add is not known: the chip gives no shift_add_pj",
        "energy: transfer is not known: the chip gives no transfer_bit_pj",
        "energy: add is not known: the chip gives no add_pj",
        "area: cells, dac, adc, shift_add, digital, attention not known: the chip lacks keys that end in _um2",
        "leakage: arrays, adc, digital, attention not known: the chip lacks keys that end in _uw",
    )


def test_an_adc_model_that_cannot_tell(product: Callable[..., Program], tmp_path: Path) -> None:
    file = tmp_path / "fine.toml"
    file.write_text(
        OLD_CHIP.replace("adc_bits = 8", "adc_bits = 11") + 'adc_model = "survey"\nnode_nm = 32\nadc_rate_mhz = 100'
    )
    cost = cost_of(product(4, 4, chip=str(file)))
    assert cost.energy["adc"] is None
    assert cost.notes[0] == (
        'energy and area of ADCs are not known: an ADC of 11 bits is outside the table of adc_model = "survey": '
        "expected at most 10, or another adc_model"
    )


def test_the_survey_says_where_it_ends(onnx_file: Write, compiled: Compiled, tmp_path: Path) -> None:
    """A row of threes and one of zeros, but for a one in the lowest slice, are a sum of 4: 3 bits, which count as 4."""
    file = tmp_path / "survey.toml"
    file.write_text(OLD_CHIP + 'adc_model = "survey"\nnode_nm = 32\nadc_rate_mhz = 100')
    w = np.repeat(np.array([[1], [-1]], np.float32), 4, axis=1)
    network = onnx_file("g (float[n,2] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": w})
    cost = cost_of(compiled(network, chip=str(file)).program)
    assert cost.energy["adc"] == pytest.approx(128 * 0.924)
    assert "the ADC survey begins at 4 bits: fewer are counted as 4" in cost.notes


def test_energy_of_operators_that_the_chip_does_not_give(onnx_file: Write, compiled: Compiled, tmp_path: Path) -> None:
    times = [f"{key} = {4 if key == 'vector_width' else 1}" for key in DIGITAL_TIME_KEYS if key not in OLD_CHIP]
    (tmp_path / "times.toml").write_text(OLD_CHIP + "\n".join(times))
    cost = cost_of(compiled(onnx_file(ATTENTION), chip=str(tmp_path / "times.toml")).program)
    assert cost.latency_ns["digital"] == 512 + 4 * 512
    assert (cost.energy["digital"], cost.energy["attention"]) == (None, None)
    assert {
        "energy: digital is not known: the chip gives no vector_pj",
        "energy: attention is not known: the chip gives no mac_pj",
    } <= set(cost.notes)


def test_a_network_that_does_not_run_with_these_dimensions(onnx_file: Write, compiled: Compiled) -> None:
    network = onnx_file("g (float[n,m] x) => (float[k,3] y) { y = Reshape(x, s) }", {"s": np.array([-1, 3])})
    program = compiled(network, {"x": np.ones((3, 4), np.float32)}).program
    (note,) = cost_of(program).notes
    assert note.startswith(
        "digital operators are not counted: the network does not run with m = 1, n = 1 (--dim): kernel 0 fails"
    )
    assert cost_of(program, Conditions({"m": 3})).latency_ns["digital"] == 0


@pytest.mark.parametrize(("dim", "name"), [("m", "m"), ("?", "the last of x")])
def test_a_network_that_needs_more_than_one_of_something(
    dim: str, name: str, onnx_file: Write, compiled: Compiled
) -> None:
    network = onnx_file(f"g (float[n,{dim}] x) => (float[k,100] y) {{ y = Reshape(x, s) }}", {"s": np.array([-1, 256])})
    program = compiled(network, {"x": np.ones((3, 256), np.float32)}).program
    cost = cost_of(program)
    assert cost.notes == (f"the network does not run with dimensions of 1: {name} is taken to be 256",)
    assert cost.run is not None
    assert cost.run.dims == {"n": 1, **({"m": 256} if dim == "m" else {})}


def test_an_unknown_dimension(product: Callable[..., Program]) -> None:
    with pytest.raises(ProgramError, match=r"^dimension m is unknown, the inputs have n$"):
        cost_of(product(4, 4), Conditions({"m": 2}))


def test_a_program_that_says_nothing_about_time(handmade: Program) -> None:
    cost = cost_of(handmade)
    assert cost.latency_ns == {"parameter": None, "digital": None, "total": None}
    assert cost.prefill == {"parameter": None, "total": None}


def test_sums_of_what_is_not_known() -> None:
    assert add([1.0, 2.0]) == 3
    assert add([1.0, None]) is None
    assert add([]) == 0
