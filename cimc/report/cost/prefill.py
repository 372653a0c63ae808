"""Many tokens through a program: by a schedule that is made for the conditions and proved, or by an estimate."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cimc.clock.graph import Steps
from cimc.clock.pipelines.loads import NO_LOAD, Load
from cimc.clock.pipelines.pipeline import Modulo
from cimc.clock.pipelines.pipelined import modulo_schedule, starts_of_records, why_no_pipeline
from cimc.clock.steps import steps_of
from cimc.options.conditions import DEFAULT_TOKENS, Conditions
from cimc.program.program import Program
from cimc.program.schedule.checker import verify_pipeline
from cimc.program.times.pipeline import Pipeline
from cimc.report.cost.digital_cost import DigitalCost
from cimc.report.cost.kernel_runs import Run
from cimc.report.cost.program_time import ProgramTime
from cimc.report.cost.reload import Reload
from cimc.report.cost.run_steps import steps_of_run
from cimc.report.cost.vectors import ONE, TOKEN, Vectors
from passes.analysis.cost.pipeline import Prefill, prefill

LARGE = 120_000
"""Records and operations of a program that is scheduled only if tokens are asked for: that takes seconds."""
LOADS, SHARED = "weights that are loaded", "one token after the other"
"""What limits the tokens of a program whose weights pass through the chip in parts: one run each, or one for all."""


@dataclass(frozen=True, eq=False)
class ManyTokens:
    """What is known of many tokens through a program."""

    prefill: Mapping[str, Prefill | None]
    """`parameter` and `total`; None for what is not known."""
    pipeline: Pipeline | None = None
    """The schedule, with the durations of operators that the figures are for."""
    note: str = ""
    """Why there is none."""


def many_tokens(
    program: Program,
    conditions: Conditions,
    vectors: Vectors,
    run: Run | None,
    time: ProgramTime | None,
    digital: DigitalCost | None,
    reload: Reload | None,
    memory: Load,
) -> ManyTokens:
    """Many tokens under these conditions; `reload` is what loads take for each, `memory` for how long that of keys and
    values is busy with each."""
    if time is None:
        return ManyTokens({"parameter": None, "total": None})
    tokens = conditions.tokens or DEFAULT_TOKENS
    why = why_no_pipeline(program) or _why_estimated(program, conditions, vectors)
    if reload is not None:
        runs, why = (vectors.tokens, _ONE_RUN) if _takes_many(program, vectors) else (0, why)
        return ManyTokens(_loading(tokens, time, reload, runs), note=f"many tokens: an estimate, no schedule: {why}")
    if why:
        estimates = _estimates(tokens, time, digital, memory)
        return ManyTokens(estimates, note=f"many tokens: an estimate, no schedule: {why}")
    steps = steps_of(program)
    arrays = steps_of_run(steps, ONE, run, None)
    alone, pipeline = _scheduled(arrays, tokens)
    total = None
    if digital is not None:
        total, pipeline = _scheduled(steps_of_run(steps, ONE, run, digital.operators), tokens, alone, memory)
        if total.interval < alone.interval:  # what has room with operators has room without them
            alone, _ = _scheduled(arrays, tokens, total)
    prefills = {"parameter": _prefill(alone, tokens), "total": None if total is None else _prefill(total, tokens)}
    return ManyTokens(prefills, pipeline)


def _why_estimated(program: Program, conditions: Conditions, vectors: Vectors) -> str:
    """Why the conditions leave no schedule of tokens; "" if they do."""
    if vectors.per != TOKEN:
        return "multiplications take different numbers of vectors of an inference"
    if vectors.tokens != 1:
        return f"a run has {vectors.tokens} tokens at once"
    records = len(program.instructions) + len(program.operations)
    if conditions.tokens is None and records > LARGE:
        return f"it would take long for {records:,} records and operations, ask for it with --tokens"
    return ""


def _takes_many(program: Program, vectors: Vectors) -> bool:
    """Whether a run may have as many tokens as one likes, for a dimension is open."""
    open_ = any(isinstance(size, str) for value in program.inputs for size in value.shape or ())
    return vectors.per == TOKEN and open_


def _loading(tokens: int, time: ProgramTime, reload: Reload, shared: int) -> dict[str, Prefill | None]:
    """All tokens in one run, which pass through each load one after the other; `shared` is how many share one in the
    figures. Or (0) a run for each, which begins when the one before is done with its last load."""
    lasts = {"parameter": time.parameter_ns, "total": time.total_ns}
    estimates: dict[str, Prefill | None] = dict.fromkeys(lasts)
    for name, span in lasts.items():
        if span is not None and shared:
            alone = span - (reload.time_ns or 0.0)
            estimates[name] = prefill(tokens, shared * (reload.time_ns or 0.0) + alone, {SHARED: alone})
        elif span is not None:
            estimates[name] = prefill(tokens, span, {LOADS: span})
    return estimates


_ONE_RUN = "weights pass through the chip in parts, and all tokens of a run through each before the next comes"


def _estimates(tokens: int, time: ProgramTime, digital: DigitalCost | None, memory: Load) -> dict[str, Prefill | None]:
    busy = {"arrays": time.array_busy_ns, "digital units": time.addition_busy_ns}
    estimates: dict[str, Prefill | None] = {"parameter": prefill(tokens, time.parameter_ns, busy), "total": None}
    if digital is not None:
        busy["digital units"] += digital.digital_busy_ns
        busy |= {"attention units": digital.attention_busy_ns, memory.resource: memory.time_ps / 1000}
        estimates["total"] = prefill(tokens, time.total_ns or 0.0, busy)
    return estimates


def _scheduled(
    steps: Steps, tokens: int, known: Modulo | None = None, outside: Load = NO_LOAD
) -> tuple[Modulo, Pipeline]:
    """A modulo schedule, which the checker of programs has looked at."""
    hint = None if known is None else (known.interval, known.starts)
    modulo = modulo_schedule(steps, tokens, known=hint, outside=outside)
    rows = [
        (kernel, node, unit - steps.pools[0].start, int(modulo.starts[step]), int(steps.duration[step]))
        for kernel in range(len(steps.of_node))
        for node, step in enumerate(steps.of_node.of(kernel).tolist())
        for unit in modulo.units.get(step, ())
    ]
    operations = np.array(rows, np.int64).reshape(-1, 5)
    pipeline = Pipeline(modulo.interval, starts_of_records(steps, modulo), operations, modulo.moves)
    verify_pipeline(steps.program, pipeline)
    return modulo, pipeline


def _prefill(modulo: Modulo, tokens: int) -> Prefill:
    load = modulo.bound
    return Prefill(tokens, modulo.latency / 1000, modulo.interval / 1000, load.resource, load.time_ps / 1000, True)
