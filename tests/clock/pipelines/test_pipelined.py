"""Programs with a pipeline."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind
from cimc.clock.pipelines.pipeline import QUICK
from cimc.clock.pipelines.pipelined import modulo_schedule, pipelined, why_no_pipeline
from cimc.clock.steps import steps_of
from cimc.compiler import Compilation, Options, compile_network
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from dialects.errors import UserError


@pytest.mark.parametrize("seed", range(4))
def test_a_pipeline_is_proved_and_kept(seed: int, random_program: Callable[[Random], Program], tmp_path: Path) -> None:
    """`pipelined` has it checked, and so has whoever loads it."""
    program = random_program(Random(10 + seed))
    whole = pipelined(program, 100)
    assert whole.pipeline is not None
    records, starts = program.instructions, whole.pipeline.starts
    kernels = np.flatnonzero(records["op"] == Opcode.KERNEL)
    for number in kernels.tolist():
        own = whole.pipeline.operations[whole.pipeline.operations[:, 0] == records["k"][number]]
        assert not len(own) or own[:, 3].min() == starts[number]
    whole.save(tmp_path / "p.cim")
    loaded = Program.load(tmp_path / "p.cim").pipeline
    assert loaded is not None
    assert loaded.interval_ps == whole.pipeline.interval_ps
    assert (loaded.starts == starts).all()
    assert (loaded.operations == whole.pipeline.operations).all()
    assert pipelined(whole, 100).pipeline is not None  # the one it has is where the search begins


@pytest.mark.parametrize("seed", range(6))
def test_arrays_have_little_time_to_spare(seed: int, onnx_file: Callable[..., Path]) -> None:
    """Layers that share arrays, with copies of some weights: tokens follow each other as fast as the busiest allows."""
    random = np.random.default_rng(seed)
    sizes = random.choice([3, 4, 6, 8], 7).tolist()
    weights = {f"w{i}": random.standard_normal(shape).astype(np.float32) for i, shape in enumerate(pairwise(sizes))}
    lines = [f"v{i + 1} = MatMul(v{i}, w{i})" for i in range(6)]
    network = onnx_file(f"g (float[n,{sizes[0]}] v0) => (float[n,{sizes[-1]}] v6) {{ {'  '.join(lines)} }}", weights)
    fewest = compile_network(network, Options(chip="tiny-4", measure=False)).program
    objective = "throughput" if seed % 2 else "arrays"
    options = Options(chip="tiny-4", arrays=3 * len(fewest.arrays), objective=objective, measure=False)
    program = compile_network(network, options).program
    most = max(weight.copies for weight in program.weights)
    assert most > 1 or objective == "arrays"
    alone = replace(steps := steps_of(program), duration=np.where(steps.kind == Kind.OPERATOR, 0, steps.duration))
    modulo = modulo_schedule(alone, 1000)
    assert modulo.interval <= 1.05 * modulo.bound.time_ps
    verify_schedule(pipelined(program, 1000, QUICK))


def test_a_loop_that_multiplies_has_none(loop_program: Program) -> None:
    assert why_no_pipeline(loop_program)
    message = (
        r"--tokens 8: the program has no schedule of many tokens: a body of control flow multiplies, how often is not "
        r"known before a run; leave out --tokens"
    )
    with pytest.raises(UserError, match=message):
        pipelined(loop_program, 8)


def test_without_times_there_is_none() -> None:
    assert "time" in why_no_pipeline(_empty())


def _empty() -> Program:
    from cimc.program.metadata import Chip

    chip = Chip("c", 4, 4, 2, 1, 8, 1, "offset")
    return Program(chip, np.zeros((0, 4, 4), np.int8))


def test_sums_of_a_copy_are_added_for_its_tokens_only(
    compiled: Callable[..., Compilation], chain: Callable[..., Path]
) -> None:
    """With eight copies one token needs an eighth of all additions, which would keep the digital unit for longest."""
    file = chain([32, 4], np.random.default_rng(0))
    steps = steps_of(compiled(file, objective="throughput", arrays=64).program)
    additions = steps.kind == Kind.ADDITION
    assert set(steps.copies[additions].tolist()) == {8}
    alone = replace(steps, duration=np.where(steps.kind == Kind.OPERATOR, 0, steps.duration))
    modulo = modulo_schedule(alone, 1000)
    assert modulo.interval <= 1.05 * modulo.bound.time_ps < steps.duration[additions].sum() / 2
