"""The figures of a report, against what can be counted by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from cimc.compiler import Compilation
from cimc.options.conditions import Conditions
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.report import report_of
from cimc.report.study import studies_of
from cimc.report.texts.text import summary_lines

FIXED_KEYS = {
    "chip", "mapping", "arrays", "arrays_lower_bound", "utilization", "stored_weights", "conversions_per_token",
    "latency_ns", "energy_pj", "area_um2", "layers", "permutations_executed", "sources",
}  # fmt: skip
FIXED_LAYER_KEYS = {
    "node", "kind", "shape", "stored_weights", "tiles", "arrays", "adc_bits", "latency_ns", "energy_pj",
}  # fmt: skip


def test_a_network_on_tiny_arrays(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    """Two multiplications by one weight of 4x6, which takes two arrays of 4x4 and is stored once."""
    w = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    file = onnx_file(
        "g (float[n,4] x) => (float[n,6] y) { [a] b = MatMul(x, w)  c = Neg(x)  [d] e = MatMul(c, w)  y = Add(b, e) }",
        {"w": w},
    )
    report = report_of(compiled(file, mapping="linear").program)
    assert (report.arrays, report.arrays_lower_bound, report.stored_weights) == (2, 2, 24)
    assert report.utilization == 24 / 32
    assert [(layer.node, layer.shape, layer.tiles, layer.arrays) for layer in report.layers] == [
        ("a", (4, 6), 2, 2),
        ("d", (4, 6), 2, 2),
    ]
    assert report.conversions_per_token == 2 * 8 * 4 * 6 == sum(layer.conversions for layer in report.layers)
    assert report.permutations_executed == 0
    assert all(layer.latency_ns and layer.latency_ns > 0 for layer in report.layers)


def test_lower_bounds_and_use_are_sums_over_formats(mixed: Program) -> None:
    """24 weights in two arrays of 2 crossbars, 24 in two of 4, 12 in two of 4: a crossbar has 16 cells."""
    report = report_of(mixed)
    assert (report.arrays, report.arrays_lower_bound) == (6, 2 + 2 + 1)
    assert (report.crossbars, report.crossbars_lower_bound) == (2 * 2 + 2 * 4 + 2 * 4, 2 * 2 + 2 * 4 + 4)
    assert report.utilization == (2 * 24 + 4 * 24 + 4 * 12) / (20 * 16)
    assert report.conversions_per_token == sum(use.conversions for use in report.formats)
    assert report.area_um2 == 20 * (16 + 4 * 2 + 80 + 5) + 3000
    assert report.leakage_uw["arrays"] == 20 / 4 * 100
    assert report.leakage_uw["adc"] == 20 * 10
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert not list(Draft202012Validator(SCHEMA).iter_errors(found))
    assert [(use["bits"], use["crossbars"]) for use in found["formats"]] == [(8, 8), (4, 4), (3, 8)]


def test_kept_8_bits_beside_4_bits_of_our_own(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    """One tile of 4x4 each; inputs of 6 bits have 6 planes, and the array of 4-bit weights has 2 crossbars."""
    rng = np.random.default_rng(0)
    wide = rng.permutation(np.linspace(-128, 127, 16)).astype(np.int8).reshape(4, 4)
    graph = """g (float[n,4] x) => (float[n,4] y)
        { w = DequantizeLinear(q, s) [wide] a = MatMul(x, w) b = Relu(a) [narrow] y = MatMul(b, v) }"""
    weights = {"q": wide, "s": np.float32(0.01), "v": rng.standard_normal((4, 4)).astype(np.float32)}
    report = report_of(compiled(onnx_file(graph, weights), weight_bits=4, activation_bits=6).program)
    assert [(use.bits, use.encoding, use.arrays, use.crossbars, use.stored_weights) for use in report.formats] == [
        (8, "offset", 1, 4, 16),
        (4, "offset", 1, 2, 16),
    ]
    assert (report.arrays, report.crossbars, report.arrays_lower_bound, report.crossbars_lower_bound) == (2, 6, 2, 6)
    assert report.utilization == 1
    planes = 6
    assert [use.conversions for use in report.formats] == [4 * 4 * planes, 4 * 2 * planes]
    first, last = report.layers
    assert (first.bits, first.input_bits, last.bits, last.input_bits) == (8, 6, 4, 6)
    assert first.energy_components_pj["dac"] == 4 * 4 * planes * 0.5
    assert last.energy_components_pj["cells"] == 16 * 2 * planes * 0.25
    assert last.energy_components_pj["transfer"] == (4 * planes + 4 * 32) * 0.5
    assert last.latency_ns == planes * (10 + 4 * last.adc_bits) + 2 * 5
    assert (first.area_um2, last.area_um2) == (436, 218)
    assert "weight_bits" not in first.notes
    assert last.notes["weight_bits"] == 4
    assert 0 < last.notes["quantisation_error"] <= last.notes["largest_scale_error"]


def test_the_json_form(handmade: Program) -> None:
    found = json.loads(json.dumps(report_of(handmade).to_json()))
    assert found.keys() >= FIXED_KEYS
    assert all(layer.keys() >= FIXED_LAYER_KEYS for layer in found["layers"])
    assert found["latency_ns"].keys() == found["energy_pj"].keys() == {"parameter", "digital", "total"}
    assert found["layers"][0]["node"] == "/fc"


SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


def test_the_schema_describes_every_key(handmade: Program) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    (study,) = studies_of({"p.cim": handmade})
    assert set(SCHEMA["properties"]) == set(study.to_json())


def test_reports_are_as_the_schema_says(
    handmade: Program, onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    """A program of a chip that gives no costs, and one with everything."""
    w = np.random.default_rng(0).standard_normal((9, 6)).astype(np.float32)
    file = onnx_file("g (float[n,9] x) => (float[n,6] y) { h = MatMul(x, w)  y = Erf(h) }", {"w": w})
    for program in (handmade, compiled(file).program):
        found = json.loads(json.dumps(report_of(program).to_json(), allow_nan=False))
        errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(found)]
        assert not errors


@pytest.mark.parametrize(("key", "value"), [("arrays", None), ("latency_ns", {"parameter": 1}), ("area_um2", "1")])
def test_the_schema_refuses_what_is_wrong(handmade: Program, key: str, value: object) -> None:
    found = json.loads(json.dumps(report_of(handmade).to_json()))
    error = next(Draft202012Validator(SCHEMA).iter_errors({**found, key: value}))
    assert error.json_path == f"$.{key}"


def test_layers_and_stages_add_up_to_the_program(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    """Two multiplications at once, then one more; the share of area is that of the cells."""
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal((4, 4)).astype(np.float32) for name in "uvw"}
    graph = """g (float[n,4] x) => (float[n,4] y)
        { [a] b = MatMul(x, u)  [c] d = MatMul(x, v)  e = Mul(b, d)  [f] y = MatMul(e, w) }"""
    report = report_of(compiled(onnx_file(graph, weights), mapping="linear").program)
    assert [stage.nodes for stage in report.stage_costs] == [("a", "c"), ("f",)]
    assert [layer.stage for layer in report.layers] == [
        stage.stage for stage in report.stage_costs for _ in stage.nodes
    ]
    total = pytest.approx(report.energy_pj["parameter"])
    assert sum(stage.energy_pj or 0 for stage in report.stage_costs) == total
    assert sum(layer.energy_pj or 0 for layer in report.layers) == total
    assert sum(stage.latency_ns for stage in report.stage_costs) == report.latency_ns["parameter"]
    (area,) = {layer.area_um2 for layer in report.layers}
    assert area == 64 + 32 + 320 + 20
    assert report.area_um2 == 3 * area + 3000
    latency = report.latency_ns["total"]
    assert latency is not None
    assert [layer.leakage_pj for layer in report.layers] == [pytest.approx(140 * latency / 1000)] * 3
    assert report.energy_pj["total"] == pytest.approx(sum(value or 0 for value in report.energy_components_pj.values()))


def test_every_figure_has_a_formula_and_every_number_of_the_chip_a_source(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    program = compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }"), arrays=9).program
    report = report_of(program)
    groups = {
        "latency_ns": report.latency_ns,
        "energy_pj": report.energy_pj,
        "energy_components_pj": report.energy_components_pj,
        "area_components_um2": report.area_components_um2,
    }
    assert {f"{group}.{name}" for group, figures in groups.items() for name in figures} <= report.sources.keys()
    for key in set(report.chip) - {"name"}:
        assert report.sources[f"chip.{key}"] == ("given with --arrays" if key == "arrays" else "invented")


def test_the_adc_model_is_named(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    program = compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }"), chip="pcm-256").program
    model = "closed-form-28nm: closed form for SAR ADCs in 28 nm (ZigZag-IMC)"
    assert report_of(program).adc_model == model
    lines = list(summary_lines(report_of(program)))
    assert "assumed       ADC model closed-form-28nm; digital operators for n = 1" in lines
    assert "constants     digital set simulator, buffers and key/value memory not counted" in lines


def test_a_report_for_more_tokens(handmade: Program) -> None:
    found = report_of(handmade, Conditions({"batch": 5}, context=7)).to_json()["conditions"]
    assert found == {"dims": {}, "context": 7, "tokens_of_a_run": None, "unknown_operators": {}}


def test_a_network_without_multiplications(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    report = report_of(compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")).program)
    assert (report.arrays, report.utilization, report.layers) == (0, 0.0, ())
    assert any(line.startswith("arrays        0 ") for line in summary_lines(report))


def test_a_schedule_that_cannot_be_kept(program: Program) -> None:
    """Where a file was made by somebody else: the machine refuses it, and so does the report."""
    instructions = program.instructions.copy()
    instructions["start"][instructions["op"] == Opcode.MULTIPLY] = 0
    with pytest.raises(ProgramError, match=r"^record "):
        report_of(replace(program, instructions=instructions))


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_error", "much"), ("weight_error", 1e300), ("almost", [1]), ("weight_bits", "four")],
)
def test_notes_of_layers_are_numbers_and_texts(name: str, value: str | float | list[int], handmade: Program) -> None:
    node = handmade.multiplications[0].node
    noted = replace(handmade, notes={"layers": [{"node": node, name: value}]})
    with pytest.raises(ProgramError) as error:
        report_of(noted)
    assert str(error.value) == (
        f"damaged: metadata program.notes.layers: {name} of node {node} is not a number or text"
    )
