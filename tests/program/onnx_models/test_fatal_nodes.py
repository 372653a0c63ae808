"""Nodes and shapes of which ONNX Runtime dies are found, at any depth; a program with one is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper, parser

from cimc.program.errors import ProgramError
from cimc.program.onnx_models.fatal_nodes import fatal_kernel, fatal_node
from cimc.program.onnx_models.inference import FatalShapes, infer
from cimc.program.program import Program

HEAD = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>'


def model_of(nodes: str) -> ModelProto:
    return parser.parse_model(f"{HEAD} g (float[n,4] x, bool c) => (float[n,4] y) {{ {nodes} }}")


def without(model: ModelProto, place: int) -> ModelProto:
    """The model, input `place` of its last node left out."""
    model.graph.node[-1].input[place] = ""
    return model


@pytest.mark.parametrize("operator", ["Max", "Min", "Sum", "Mean", "Concat<axis = 0>", 'Einsum<equation = "a, a">'])
def test_operators_of_any_number_of_inputs(operator: str) -> None:
    found = fatal_node(without(model_of(f"y = {operator}(x, x)"), 1))
    assert found == f"node 'y' ({operator.partition('<')[0]}) leaves out input 2, which its operator needs"
    assert fatal_node(model_of(f"y = {operator}(x, x)")) is None


def test_inputs_that_may_be_left_out() -> None:
    assert fatal_node(without(model_of("y = Clip(x, x, x)"), 1)) is None
    assert fatal_node(without(model_of("y = MatMul(x, x)"), 1)) is None  # ONNX Runtime refuses it


def test_operators_of_onnx_runtime_s_own() -> None:
    model = without(model_of("y = com.microsoft.QLinearConcat<axis = 0>(x, x, x, x, x)"), 3)
    assert fatal_node(model) == "node 'y' (QLinearConcat) leaves out input 4, which its operator needs"


def test_single_operators() -> None:
    assert fatal_node(without(model_of("y = DFT(x, x)"), 1)) == (
        "node 'y' (DFT) leaves out its last input: expected fewer inputs"
    )
    assert fatal_node(model_of("y = GatherND<batch_dims = -1>(x, x)")) == (
        "node 'y' (GatherND) has batch_dims = -1: expected a number from 0 on"
    )


def test_frames_of_no_length() -> None:
    model = parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]> g (float[1,9,1] x) => (float[a,b,c,d] y)
        <int64 step = {1}, int64 frame = {0}> { y = STFT(x, step, , frame) }"""
    )
    assert fatal_node(model) == "node 'y' (STFT) has steps or frames of 0: expected a number from 1 on"
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.array(4), "frame"))
    assert fatal_node(model) is None


@pytest.mark.parametrize(("counts", "grams"), [("1, 5", 4), ("0, 4", 4), ("5, 1", 2), ("0, 2, 4", 3)])
def test_ngrams_are_counted_by_their_lengths(counts: str, grams: int) -> None:
    """From one count to the next: numbers of 5 by one, by two and by three; where counts fall there are none."""
    settings = f"ngram_counts = [{counts}], ngram_indexes = [0], pool_int64s = [2, 2, 3, 5, 4]"
    text = f'mode = "TF", min_gram_length = 1, max_gram_length = 2, max_skip_count = 0, {settings}'
    assert fatal_node(model_of(f"y = TfIdfVectorizer<{text}>(x)")) == (
        f"node 'y' (TfIdfVectorizer) has {grams} n-grams and places for 1"
    )


@pytest.mark.parametrize("places", [2, 3])
def test_places_of_ngrams(places: int) -> None:
    """One n-gram of one number and two of two."""
    settings = f"ngram_counts = [0, 1], ngram_indexes = {[*range(places)]}, pool_int64s = [2, 2, 3, 5, 4]"
    text = f'mode = "TF", min_gram_length = 1, max_gram_length = 2, max_skip_count = 0, {settings}'
    found = fatal_node(model_of(f"y = TfIdfVectorizer<{text}>(x)"))
    assert found == (None if places == 3 else "node 'y' (TfIdfVectorizer) has 3 n-grams and places for 2")


def test_bodies_and_functions() -> None:
    text = """y = If(c) <then_branch = t () => (float[n,4] o) { o = Max(x, x) },
                         else_branch = e () => (float[n,4] p) { p = Neg(x) }>"""
    model = model_of(text)
    model.graph.node[0].attribute[0].g.node[0].input[1] = ""
    assert fatal_node(model) == "node 'o' (Max) leaves out input 2, which its operator needs"
    model = parser.parse_model(
        f"""{HEAD} g (float[n] x) => (float[n] y) {{ y = f.Inner(x) }}
            <domain: "f", opset_import: ["" : 17]> Inner (a) => (b) {{ b = Max(a, a) }}"""
    )
    model.functions[0].node[0].input[1] = ""
    assert fatal_node(model) == "node 'b' (Max) leaves out input 2, which its operator needs"


def sliced(kernel: int) -> ModelProto:
    """A convolution of a 2x2 image with a kernel of that side, sliced."""
    text = f"{HEAD} g (float[1,1,2,2] x) => (float[a,b,c,d] y) {{ h = Conv(x, k)  y = Slice(h, first, last, axis) }}"
    model: ModelProto = parser.parse_model(text)
    constants = {"k": np.ones((1, 1, kernel, kernel), np.float32), "first": [0], "last": [1], "axis": [2]}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(a), n) for n, a in constants.items())
    return model


def test_shapes_that_end_the_process() -> None:
    reason = "a value that is sliced has a dimension below 0: expected kernels, windows and cuts that fit"
    sound, fatal = sliced(2), sliced(9)
    assert fatal_kernel([sound, sound, fatal, sound]) == (2, reason)
    assert fatal_kernel([sound, sound]) is None
    with pytest.raises(FatalShapes, match=reason):
        infer(sliced(9), strict=True)


def test_programs_with_such_a_kernel(handmade: Program) -> None:
    model = without(model_of("y = Max(x, x)"), 1)
    kernels = [replace(handmade.kernels[0], model=model.SerializeToString()), *handmade.kernels[1:]]
    with pytest.raises(ProgramError, match=re.escape("kernel 0: node 'y' (Max) leaves out input 2")):
        replace(handmade, kernels=kernels).verify()
