"""Dimensions that an exporter numbered get the names that the inputs of a language model tell."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from cimc.compiler import Options, compile_network
from cimc.onnx_import.symbols import name_symbols

CACHED = """g (int64[s44,s70] input_ids, int64[s43,s53] attention_mask, float[s44,2,s36,8] {past}) =>
    (float[s44,2,d,8] y, int64[s43,s53] m) {{
    t = CastLike(input_ids, {past})
    shape = Constant<value = int64[4] {{0, 1, -1, 8}}>()
    r = Reshape(t, shape)
    y = Concat<axis = 2>({past}, {past})
    m = Identity(attention_mask)
}}"""


def dims(entry: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in entry.type.tensor_type.shape.dim]


def graph(text: str, past: str = "past_key_values.0.key") -> onnx.GraphProto:
    parsed = onnx.parser.parse_graph(text.format(past="cache"))
    for entry in parsed.input:
        if entry.name == "cache":
            entry.name = past
    return parsed


@pytest.mark.parametrize("past", ["past_key_values.0.key", "input.past_key_values.layers.0.keys"])
def test_a_decoder(past: str) -> None:
    network = graph(CACHED, past)
    name_symbols(network)
    assert [dims(entry) for entry in network.input] == [
        ["batch", "sequence"],
        ["batch", "past + sequence"],
        ["batch", 2, "past", 8],
    ]
    assert [dims(entry) for entry in network.output] == [["batch", 2, "d", 8], ["batch", "past + sequence"]]


def test_other_networks_stay() -> None:
    for text in (
        "g (int64[s44,s70] ids) => (int64[s44,s70] y) { y = Identity(ids) }",
        "g (int64[batch,s70] input_ids) => (int64[batch,s70] y) { y = Identity(input_ids) }",
        "g (int64[n,m] input_ids) => (int64[n,m] y) { y = Identity(input_ids) }",
    ):
        network = onnx.parser.parse_graph(text)
        before = network.SerializeToString()
        name_symbols(network)
        assert network.SerializeToString() == before


def test_names_in_programs(onnx_file: Callable[..., Path]) -> None:
    """They are those of the program, and sizes can be given by them."""
    file = onnx_file("g (int64[s1,s2] input_ids) => (int64[s1,s2] y) { y = Add(input_ids, input_ids) }")
    assert compile_network(file, Options(measure=False)).program.inputs[0].shape == ("batch", "sequence")
    fixed = compile_network(file, Options(measure=False, dims={"batch": 3})).program
    assert fixed.inputs[0].shape == (3, "sequence")
