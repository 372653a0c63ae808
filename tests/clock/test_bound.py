"""The lower bound of latencies, by hand and against the programs that are made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.clock.bound import latency_lower_bound_ps
from cimc.clock.graph import Kind, Steps
from cimc.clock.retiming import retimed
from cimc.clock.steps import steps_of
from cimc.compiler import Options, compile_network
from passes.analysis.objectives import Objective
from passes.place_tiles.analysis.choices import MAPPING_NAMES


def steps_without_operators(network: Path, **options: Any) -> Steps:
    steps = steps_of(compile_network(network, Options(chip="tiny-4", measure=False, **options)).program)
    return replace(steps, duration=np.where(steps.kind == Kind.OPERATOR, 0, steps.duration))


def test_one_multiplication_is_met(onnx_file: Callable[..., Path]) -> None:
    """8 planes of settling for 10 ns and 4 columns of 1 bit on one ADC, transfers of 5 ns in and out."""
    network = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": np.ones((4, 4), np.float32)})
    steps = steps_without_operators(network, mapping="linear")
    (duration,) = steps.duration[steps.kind == Kind.ACTIVATION].tolist()
    assert latency_lower_bound_ps(steps) == retimed(steps).latency == duration + 2 * 5_000


def test_columns_are_shared_by_all_arrays(onnx_file: Callable[..., Path]) -> None:
    """Two tiles in two arrays, of 4 columns and of 2: 3 columns each would do."""
    weight = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    network = onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": weight})
    steps = steps_without_operators(network, mapping="linear")
    times = steps.duration[steps.kind == Kind.ACTIVATION]
    share = 8 * 10_000 + int((times - 8 * 10_000).sum()) // 2
    assert share + 2 * 5_000 <= latency_lower_bound_ps(steps) < retimed(steps).latency


def test_arrays_of_other_loads_do_not_help(onnx_file: Callable[..., Path]) -> None:
    """Two weights that pass through one array: each multiplication has that array for itself."""
    weights = {"v": np.ones((4, 4), np.float32), "w": np.ones((4, 4), np.float32)}
    weights["w"][0, 1] = -1
    network = onnx_file("g (float[n,4] x) => (float[n,4] y) { a = MatMul(x, v)  y = MatMul(a, w) }", weights)
    steps = steps_without_operators(network, arrays=1, reload=True)
    assert len(steps.program.arrays) == 2
    assert latency_lower_bound_ps(steps) == retimed(steps).latency


def test_what_comes_after_a_cut_waits_for_all_before(onnx_file: Callable[..., Path]) -> None:
    """Two products of one vector, whose sum is multiplied: 2 x 4 columns in two arrays, then 4 columns in two arrays.

    One product after the other is no shorter: there are 2 ADCs for 8 columns.
    """
    weights = {name: np.ones((4, 4), np.float32) for name in ("a", "b", "c")}
    weights["b"][0, 0], weights["c"][1, 1] = -1, -1
    graph = "g (float[n,4] x) => (float[n,4] y) { p = MatMul(x, a)  q = MatMul(x, b)  s = Add(p, q)  y = MatMul(s, c) }"
    whole = latency_lower_bound_ps(steps_without_operators(onnx_file(graph, weights)))
    first = "g (float[n,4] x) => (float[n,4] s) { p = MatMul(x, a)  q = MatMul(x, b)  s = Add(p, q) }"
    apart = [latency_lower_bound_ps(steps_without_operators(onnx_file(first, weights)))]
    last = "g (float[n,4] s) => (float[n,4] y) { y = MatMul(s, c) }"
    apart.append(latency_lower_bound_ps(steps_without_operators(onnx_file(last, weights))))
    assert apart[1] <= whole <= sum(apart)


def test_of_two_levels_each_adc_settles_for_both(onnx_file: Callable[..., Path]) -> None:
    """Two pairs of multiplications, one after the other: 16 columns on four ADCs, for which rows settle twice."""
    random = np.random.default_rng(0)
    weights = {name: random.standard_normal((4, 4)).astype(np.float32) for name in "abcd"}
    graph = """g (float[n,4] x) => (float[n,4] y) {
        p = MatMul(x, a)  q = MatMul(x, b)  r = MatMul(p, c)  s = MatMul(q, d)  y = Add(r, s) }"""
    steps = steps_without_operators(onnx_file(graph, weights), mapping="linear")
    times = steps.duration[steps.kind == Kind.ACTIVATION]
    share = 2 * 8 * 10_000 + int((times - 8 * 10_000).sum()) // 4
    assert latency_lower_bound_ps(steps) == share + 2 * 5_000 < retimed(steps).latency


TWO_CHAINS = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1,
    adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0,
    transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, vector_width = 4, compare_ns = 1.0, function_ns = 4.0,
    normalize_ns = 10.0, attention_units = 1, attention_macs_per_ns = 2.0>} {
  cim.weight @a = dense<1> : tensor<4x2xi8>
  cim.weight @b = dense<1> : tensor<4x2xi8>
  cim.weight @c = dense<1> : tensor<2x2xi8>
  cim.weight @d = dense<1> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    %a = array.multiply %x by @a {
      tile 0: rows 0 to 3, columns 0 to 1 in array 0 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x2xi32>
    %b = array.multiply %z by @b {
      tile 0: rows 0 to 3, columns 0 to 1 in array 0 at row 0, column 2
    } : tensor<?x4xui8> -> tensor<?x2xi32>
    %p = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x2xi32>) -> tensor<?x2xui8>
    %q = cim.digital "Cast"(%b) with {to = 2 : i64} : (tensor<?x2xi32>) -> tensor<?x2xui8>
    %c = array.multiply %p by @c {
      tile 0: rows 0 to 1, columns 0 to 1 in array 1 at row 0, column 0
    } : tensor<?x2xui8> -> tensor<?x2xi32>
    %d = array.multiply %q by @d {
      tile 0: rows 0 to 1, columns 0 to 1 in array 1 at row 2, column 2
    } : tensor<?x2xui8> -> tensor<?x2xi32>
    func.return %c, %d : tensor<?x2xi32>, tensor<?x2xi32>
  }
}
"""


def test_what_shares_an_activation_waits_for_its_own_vector_only(tmp_path: Path) -> None:
    """The last two share one, but each needs one of the first two alone, so there is no cut, and no transfer, between.

    4 columns of 4 bits and 4 of 3 on two ADCs.
    """
    file = tmp_path / "chains.mlir"
    file.write_text(TWO_CHAINS)
    program = compile_network(file, Options(passes="schedule-arrays", measure=False)).program
    steps = steps_of(program)
    steps = replace(steps, duration=np.where(steps.kind == Kind.OPERATOR, 0, steps.duration))
    assert np.count_nonzero(steps.kind == Kind.ACTIVATION) == 3
    assert latency_lower_bound_ps(steps) == 8 * (2 * 10_000 + (4 * 4_000 + 4 * 3_000) // 2) + 2 * 5_000


def test_without_multiplications(onnx_file: Callable[..., Path]) -> None:
    assert (
        latency_lower_bound_ps(steps_without_operators(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Relu(x) }")))
        == 0
    )


@pytest.mark.parametrize("seed", range(6))
def test_no_program_is_below_it(seed: int, onnx_file: Callable[..., Path]) -> None:
    """Networks of layers that read one of the vectors before them, or a sum of two; every mapping and objective."""
    rng = np.random.default_rng(seed)
    sizes, body, weights = [int(rng.integers(2, 9))], "", dict[str, NDArray[np.float32]]()
    for layer in range(1, 5):
        reads = int(rng.integers(max(0, layer - 2), layer))
        same = [other for other in range(layer) if other != reads and sizes[other] == sizes[reads]]
        name = f"v{reads}"
        if same:
            body += f"s{layer} = Add(v{reads}, v{same[0]})  "
            name = f"s{layer}"
        sizes.append(sizes[0] if rng.integers(2) else int(rng.integers(2, 9)))
        weights[f"w{layer}"] = rng.standard_normal((sizes[reads], sizes[layer])).astype(np.float32)
        body += f"v{layer} = MatMul({name}, w{layer})  "
    outputs = ", ".join(f"float[n,{size}] v{layer}" for layer, size in enumerate(sizes) if layer)
    network = onnx_file(f"g (float[n,{sizes[0]}] v0) => ({outputs}) {{ {body} }}", weights)
    ways: list[tuple[str, Objective]] = [(mapping, "arrays") for mapping in MAPPING_NAMES]
    for mapping, objective in [*ways, ("spread", "latency"), ("spread", "throughput")]:
        steps = steps_without_operators(network, mapping=mapping, objective=objective)
        assert 0 < latency_lower_bound_ps(steps) <= retimed(steps).latency
