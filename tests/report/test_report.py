"""The figures of a report, against what can be counted by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.report import conversions, report_of
from cimc.report.text import summary_lines

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
    assert all(layer.latency_ns > 0 for layer in report.layers)


def test_the_json_form(handmade: Program) -> None:
    found = json.loads(json.dumps(report_of(handmade).to_json()))
    assert found.keys() >= FIXED_KEYS
    assert all(layer.keys() >= FIXED_LAYER_KEYS for layer in found["layers"])
    assert found["latency_ns"].keys() == found["energy_pj"].keys() == {"parameter", "digital", "total"}
    assert found["layers"][0]["node"] == "/fc"


def test_a_network_without_multiplications(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    report = report_of(compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")).program)
    assert (report.arrays, report.utilization, report.layers) == (0, 0.0, ())
    assert any(line.startswith("arrays        0 ") for line in summary_lines(report))


def test_signed_inputs_have_a_plane_for_the_sign(handmade: Program) -> None:
    chip = replace(handmade.chip, dac_bits=2)
    unsigned = replace(handmade, chip=chip)
    signed = replace(unsigned, multiplications=[replace(m, signed=True) for m in handmade.multiplications])
    multiplies = handmade.instructions[handmade.instructions["op"] == Opcode.MULTIPLY]
    assert conversions(multiplies, unsigned).sum() > 0
    assert (conversions(multiplies, signed) * 4 == conversions(multiplies, unsigned) * 5).all()
