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
