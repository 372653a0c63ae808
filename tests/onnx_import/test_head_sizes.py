"""Caches get the size of a head where it follows from the weights, as in files of onnxruntime-genai's builder."""

from pathlib import Path

import numpy as np
import onnx

from cimc.compiler import Options, compile_network
from cimc.machine.check import Reference, compare
from cimc.machine.machine import Machine
from cimc.onnx_import.head_sizes import fix_head_sizes
from cimc.options.conditions import Conditions
from cimc.report.report import report_of

MODEL = Path(__file__).parents[1] / "models/language/genai_llama_packed_gqa.onnx"
"""Made by `onnxruntime_genai.models.builder` 0.18.0 of a Llama with one layer, two heads of 16 and random weights."""

ATTENTION = """g (float[b,s,32] x, float[b,1,p,d] past_key, float[b,1,p,d] past_value, int32[b] lengths, int32 total)
    => (float[b,s,e] y, float[b,1,t,d] key, float[b,1,t,d] value) {{
    m = MatMul(x, w)
    a = Add(m, c)
    y, key, value = com.microsoft.GroupQueryAttention<num_heads = {heads}, kv_num_heads = 1{more}>(
        {first}, {keys}, past_key, past_value, lengths, total)
}}"""


def last_dimensions(shape: tuple[int, ...] = (32, 64), **parts: str) -> set[int | str]:
    """The sizes of heads of the caches of an attention, after they were fixed; `shape` is that of the weight."""
    usual = {"heads": "2", "more": "", "first": "a", "keys": ", "}
    graph = onnx.parser.parse_graph(ATTENTION.format(**(usual | parts)))
    graph.initializer.add(name="w", dims=shape, data_type=onnx.TensorProto.FLOAT)
    fix_head_sizes(graph)
    caches = [entry for entry in (*graph.input, *graph.output) if "key" in entry.name or "value" in entry.name]
    assert len(caches) == 4
    return {dim.dim_value or dim.dim_param for entry in caches for dim in entry.type.tensor_type.shape.dim[3:]}


def test_sizes() -> None:
    assert last_dimensions() == {16}
    assert last_dimensions(first="m") == {16}
    assert last_dimensions(first="x", keys="m, m") == {"d"}
    assert last_dimensions(keys="m, m") == {32}


def test_open_sizes() -> None:
    assert last_dimensions((32, 63)) == {"d"}
    assert last_dimensions((2, 32, 64)) == {"d"}
    assert last_dimensions(heads="0") == {"d"}
    assert last_dimensions(more=', k_quant_type = "PER_TENSOR"') == {"d"}


def test_a_network_of_the_builder(tmp_path: Path) -> None:
    """Packed queries, keys and values and GroupQueryAttention: each step is that of the reference, bit for bit."""
    reference = tmp_path / "reference.onnx"
    compilation = compile_network(MODEL, Options(reference=reference))
    program = compilation.program
    assert compilation.distance is not None
    assert (compilation.distance.cosine or 0) > 0.999, str(compilation.distance)
    assert {value.shape for value in program.inputs[2:]} == {("batch_size", 1, "past_sequence_length", 16)}
    machine, expected = Machine(program), Reference(reference)
    ids, start = np.random.default_rng(0).integers(3, 96, (2, 7)), 0
    names = [value.name for value in program.inputs[2:]]
    caches = {name: np.zeros((2, 1, 0, 16), np.float32) for name in names}
    for length in (5, 1, 1):
        given = {"input_ids": ids[:, start : start + length], "attention_mask": np.ones((2, start + length), np.int64)}
        outputs = machine.run(given | caches)
        comparison = compare(outputs, expected.run(given | caches))
        assert comparison.identical, str(comparison)
        caches = {name: outputs[name.replace("past_key_values", "present")] for name in names}
        start += length
    report = report_of(program, Conditions(context=20))
    assert report.latency_ns["total"] is not None, report.notes
