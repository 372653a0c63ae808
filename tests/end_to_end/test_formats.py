"""Programs of several formats: all mappings, encodings and objectives give the reference's bits, in both engines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cimc.compiler import Compilation, Options, compile_network
from cimc.hardware.library import load_chip
from cimc.machine.check import run_reference
from cimc.machine.inputs import random_inputs
from cimc.machine.machine import Machine
from cimc.program.arrays.formats import crossbars
from dialects.chip.formats import AUTO, ENCODINGS
from dialects.chip.keys import spelled
from passes.analysis.objectives import OBJECTIVES
from passes.place_tiles.analysis.choices import MAPPING_NAMES

Check = Callable[..., Compilation]
Write = Callable[..., Path]
TEXT = """g (float[n,6] x) => (int32[n,9] a, int32[n,9] b, int32[n,5] c, int32[n,9] d) {
    q, scale, zero = DynamicQuantizeLinear(x)
    a = MatMulInteger(q, whole)  b = MatMulInteger(q, narrow)  c = MatMulInteger(q, shifted)
    d = MatMulInteger(q, twin) }"""


def weights(seed: int) -> dict[str, np.ndarray]:
    """One of 8 bits, two equal ones of 3 bits, and one whose columns lie anywhere but span 4 bits."""
    generator = np.random.default_rng(seed)
    narrow = generator.integers(-4, 4, (6, 9)).astype(np.int8)
    low = generator.integers(-128, 112, 5)
    return {
        "whole": generator.integers(-128, 128, (6, 9)).astype(np.int8),
        "narrow": narrow,
        "shifted": (low + generator.integers(0, 16, (6, 5))).astype(np.int8),
        "twin": narrow.copy(),
    }


@pytest.mark.parametrize("mapping", MAPPING_NAMES)
def test_mappings(mapping: str, compiled: Check, onnx_file: Write) -> None:
    program = compiled(onnx_file(TEXT, weights(0)), mapping=mapping, verify_each=True).program
    assert [(f.bits, f.encoding) for f in program.formats] == [(8, "offset"), (4, "offset")]
    passes = f'{TO_TILES},place-tiles{{mapping="{mapping}"}},schedule-arrays'
    in_eight_bits = compiled(onnx_file(TEXT, weights(0)), passes=passes).program
    assert crossbars(program) < crossbars(in_eight_bits)


UNUSED = ("name", "adc_model", "adc_table_pj", "adc_table_um2")
"""Keys of tiny-4 that go with its name or its number of ADC bits."""
TO_TILES = "fold-constants,raise-matmul,detect-block-diagonal,fold-permutations,quantize,fold-constants,tile-blocks"


@given(
    st.integers(0, 2**16),
    st.sampled_from([*ENCODINGS, AUTO]),
    st.sampled_from(OBJECTIVES),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(9, 20),
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chip(
    onnx_file: Write,
    tmp_path: Path,
    seed: int,
    encoding: str,
    objective: str,
    cell_bits: int,
    dac_bits: int,
    adc_bits: int,
) -> None:
    """Narrow ADCs cut row groups in other places with each format; a single row always fits."""
    chip = {**load_chip("tiny-4").to_dict(), "cell_bits": cell_bits, "dac_bits": dac_bits}
    chip |= {"adc_bits": max(adc_bits, cell_bits + dac_bits)}
    keys = "\n".join(f"{key} = {spelled(value)}" for key, value in chip.items() if key not in UNUSED)
    (tmp_path / "chip.toml").write_text(keys)
    reference = tmp_path / "reference.onnx"
    options = Options(chip=tmp_path / "chip.toml", encoding=encoding, objective=objective, reference=reference)
    program = compile_network(onnx_file(TEXT, weights(seed)), replace(options, measure=False)).program
    inputs = random_inputs(program.inputs)
    expected = run_reference(reference, inputs)
    for engine in ("fast", "reference"):
        outputs = Machine(program, engine).run(inputs)
        assert all(np.array_equal(outputs[name], expected[name]) for name in expected)
