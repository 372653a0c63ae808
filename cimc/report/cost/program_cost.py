"""What a program costs on its chip: time, energy, area and leakage (formulas in docs/cost-model.md)."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cimc.clock.pipelines.loads import Load
from cimc.machine.stoppable import TooLong
from cimc.options.conditions import DECODE, Conditions
from cimc.program.arrays.formats import crossbars
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input
from cimc.program.one_line import one_line
from cimc.program.open_sizes import assumed, longer_inputs
from cimc.program.program import Program
from cimc.program.times.pipeline import Pipeline
from cimc.report.cost.array_cost import ArrayCost, array_cost
from cimc.report.cost.coverage import Coverage, coverage_of
from cimc.report.cost.digital_cost import DigitalCost, digital_cost
from cimc.report.cost.dimensions import dimensions, sizes_text
from cimc.report.cost.kernel_runs import Run, run_kernels
from cimc.report.cost.memories.key_values import NO_KEYS, key_values_of
from cimc.report.cost.memories.traffic import Traffic, traffic_of
from cimc.report.cost.prefill import ManyTokens, many_tokens
from cimc.report.cost.program_chip import chip_of_program
from cimc.report.cost.program_time import ProgramTime, program_time
from cimc.report.cost.reload import Reload, reload_of
from cimc.report.cost.vectors import Vectors, vectors_of
from cimc.report.largest_parts import OTHERS
from dialects.chip.costs import MemoryCosts
from dialects.errors import UserError
from dialects.hardware import DIGITAL_TIME_KEYS, ChipAttr
from passes.analysis.cost.arrays import KEYS_OF_COMPONENTS
from passes.analysis.cost.hardware import area_um2, leakage_uw, leaked_pj
from passes.analysis.cost.memory import memory_leakage_uw, memory_pj, memory_ps, memory_um2
from passes.analysis.cost.pipeline import Prefill

Components = dict[str, float | None]
"""A figure by component; None for one that the chip gives no number for."""

DIGITAL_COMPONENTS = ("digital", "attention")
KEY_VALUE_MEMORY = "key/value memory"


@dataclass(frozen=True)
class Cost:
    """The figures of a program for a token or an inference: times in ns, energies in pJ, power in uW, area in um2."""

    vectors: Vectors
    """What the figures are for."""
    arrays: ArrayCost
    time: ProgramTime | None
    """None if the program says nothing about time."""
    reload: Reload | None
    """None if all weights stay in the arrays."""
    run: Run | None
    """What was seen of the kernels; None if digital operators are not counted."""
    digital: DigitalCost | None
    energy: Components
    """By component: those of arrays, `program` where weights are loaded, `digital`, `attention`, `buffer`, `memory` and
    `leakage`."""
    area: Components
    leakage: Components
    """Power by component."""
    prefill: Mapping[str, Prefill | None]
    """`parameter` and `total`."""
    pipeline: Pipeline | None
    """The schedule of many tokens under the conditions; None where they are an estimate."""
    coverage: Coverage
    traffic: Traffic | None
    """What memory between steps has to hold and move; None if the kernels did not run."""
    notes: tuple[str, ...]
    """What is not known, and why; what was assumed."""

    @property
    def latency_ns(self) -> Components:
        """`parameter` and `digital` are of the same schedule, where all else takes no time."""
        if self.time is None:
            return {"parameter": None, "digital": None, "total": None}
        return {"parameter": self.time.parameter_ns, "digital": self.time.digital_ns, "total": self.time.total_ns}

    @property
    def overlap_ns(self) -> float | None:
        """What is saved since arrays and digital units work at the same time."""
        parameter, digital, total = self.latency_ns.values()
        return None if parameter is None or digital is None or total is None else parameter + digital - total

    @property
    def latency_lower_bound_ns(self) -> float | None:
        """What the latency without digital operators is at least."""
        return None if self.time is None else self.time.lower_bound_ns

    @property
    def energy_pj(self) -> Components:
        """`parameter` is dynamic energy; `total` has the leakage during the whole latency, too."""
        digital = [self.energy[name] for name in DIGITAL_COMPONENTS]
        parameter = [value for name, value in self.energy.items() if name not in OTHERS]
        return {"parameter": add(parameter), "digital": add(digital), "total": add(self.energy.values())}


def cost_of(program: Program, conditions: Conditions = DECODE, *, with_many: bool = True) -> Cost:
    """The cost of a program; ProgramError for dimensions that it does not have.

    To schedule many tokens takes most of the time: without, `prefill` is not known.
    """
    chip, notes = _chip(program)
    seen, why_not = _run(program, conditions)
    missing = [key for key in DIGITAL_TIME_KEYS if key not in chip.to_dict()]
    if missing:
        why_not = [f"digital operators are not counted: the chip gives no {', '.join(missing)}"]
    run = None if missing else seen
    costs = chip.digital_costs()
    vectors = vectors_of(program, seen)
    memory = chip.memory_costs()
    cached = NO_KEYS if seen is None else key_values_of(program, seen)
    waits = {place: memory_ps(memory, count) for place, count in cached.read.items()}
    traffic = None if seen is None else traffic_of(program, seen, cached, vectors.tokens)
    digital = None if run is None or costs is None else digital_cost(run, costs, vectors.tokens, waits)
    arrays = array_cost(program, chip.array_costs(), {} if run is None else run.permuted_bits, vectors)
    time = program_time(program, vectors, seen, None if digital is None else digital.operators)
    reload = reload_of(program, chip, vectors.tokens)
    many = ManyTokens({"parameter": None, "total": None})
    if with_many:
        busy = Load(0 if traffic is None else memory_ps(memory, math.ceil(traffic.keys_and_values)), KEY_VALUE_MEMORY)
        many = many_tokens(program, conditions, vectors, seen, time, digital, reload, busy)
    hardware, count = chip.hardware_costs(), crossbars(program) if reload is None else reload.crossbars
    cost = Cost(
        vectors=vectors,
        arrays=arrays,
        time=time,
        reload=reload,
        run=run,
        digital=digital,
        energy={
            **arrays.components(),
            **({} if reload is None else {"program": reload.energy_pj}),
            "digital": None if digital is None else digital.digital_pj,
            "attention": None if digital is None else digital.attention_pj,
            **({} if traffic is None else memory_pj(memory, traffic.moved, traffic.keys_and_values)),
        },
        area={**area_um2(hardware, count), **({} if traffic is None else memory_um2(memory, traffic.held))},
        leakage={
            **leakage_uw(hardware, count),
            **({} if traffic is None else memory_leakage_uw(memory, traffic.held, traffic.keys_and_values)),
        },
        prefill=many.prefill,
        pipeline=many.pipeline,
        coverage=coverage_of(program, seen),
        traffic=traffic,
        notes=(),
    )
    power, latency = add(cost.leakage.values()), cost.latency_ns["total"]
    leaked = None if power is None or latency is None else leaked_pj(power, latency)
    cost = replace(cost, energy={**cost.energy, "leakage": leaked})
    return replace(cost, notes=(*notes, *why_not, *([many.note] if many.note else []), *_notes(chip, cost)))


def add(values: Iterable[float | None]) -> float | None:
    """The sum; None if one of the values is not known."""
    terms = list(values)
    known = [value for value in terms if value is not None]
    return sum(known) if len(known) == len(terms) else None


def _chip(program: Program) -> tuple[ChipAttr, list[str]]:
    """The chip, without its ADC model if that cannot tell its numbers here."""
    chip = chip_of_program(program)
    try:
        chip.array_costs()
    except UserError as error:
        values = {key: value for key, value in chip.to_dict().items() if key != "adc_model"}
        return ChipAttr.from_dict(values), [f"energy and area of ADCs are not known: {error}"]
    return chip, []


def _run(program: Program, conditions: Conditions) -> tuple[Run | None, list[str]]:
    """The run of the kernels, or why there is none."""
    dims = dimensions(program.inputs, conditions.dims, conditions.context)
    try:
        return run_kernels(program, dims), list(assumed(program.inputs))
    except TooLong as error:
        return None, [f"digital operators are not counted: {error}"]
    except ProgramError as error:
        run = _longer_run(program, conditions)
        if run is not None:
            return run
        sizes = sizes_text(dims) or "its fixed dimensions"
        return None, [f"digital operators are not counted: the network does not run with {sizes} (--dim): {error}"]


def _longer_run(program: Program, conditions: Conditions) -> tuple[Run, list[str]] | None:
    """The first run of a network that needs more of something than one, and what was assumed."""
    inputs = program.inputs
    for size, longer, open_ in longer_inputs(inputs, conditions.dims):
        named = dimensions(inputs, {**open_, **conditions.dims}, conditions.context)
        try:
            run = run_kernels(replace(program, inputs=longer), named)
        except TooLong:
            return None
        except ProgramError:
            continue
        names = [*open_, *(f"the last of {v.name}" for v, old in zip(longer, inputs) if _last(v) != _last(old))]
        return run, [
            f"the network does not run with dimensions of 1: {one_line(', '.join(names))} is taken to be {size}"
        ]
    return None


def _last(value: Input) -> int | str | None:
    return value.shape[-1] if value.shape and len(value.shape) > 1 else None


def _notes(chip: ChipAttr, cost: Cost) -> list[str]:
    """What the figures lack or assume."""
    given = chip.to_dict()
    lacking = {key: name for name, keys in KEYS_OF_COMPONENTS.items() for key in keys if cost.energy[name] is None}
    if cost.reload is not None and cost.reload.energy_pj is None:
        lacking["program_cell_pj"] = "program"
    if cost.digital is not None:
        lacking |= {"vector_pj": "digital"} if cost.digital.digital_pj is None else {}
        lacking |= {"mac_pj": "attention"} if cost.digital.attention_pj is None else {}
    notes = [
        f"energy: {name} is not known: the chip gives no {key}" for key, name in lacking.items() if key not in given
    ]
    for figure, components, unit in (("area", cost.area, "um2"), ("leakage", cost.leakage, "uw")):
        unknown = [name for name, value in components.items() if value is None]
        if unknown:
            notes.append(f"{figure}: {', '.join(unknown)} not known: the chip lacks keys that end in _{unit}")
    notes += [*_memory_notes(chip, cost.traffic), *_rate_notes(chip.memory_costs(), cost)]
    bits = sorted({int(b) for b in np.unique(cost.arrays.records["adc_bits"])})
    if "adc_model" in given:
        notes += sorted({note for b in bits if (note := chip.adc_model.note(b)) is not None})
    if cost.digital is not None and cost.digital.unknown:
        listed = ", ".join(f"{name} ({count})" for name, count in cost.digital.unknown.items())
        notes.append(f"operators that are not known, counted as one arithmetic step an element: {listed}")
    return notes


def _memory_notes(chip: ChipAttr, traffic: Traffic | None) -> Iterator[str]:
    """What is not counted of memories that the chip says something of."""
    given = {key: value for key, value in vars(chip.memory_costs()).items() if value is not None}
    if given and traffic is None:
        yield "buffers and key/value memory are not counted: what they hold is known from a run of the kernels"
    for memory, name in (("buffer", "buffers"), ("memory", KEY_VALUE_MEMORY)):
        keys = [key for key in vars(chip.memory_costs()) if key.startswith(f"{memory}_")]
        lacking = [key for key in keys if key not in given]
        if 0 < len(lacking) < len(keys):
            yield f"{name}: counted in part, the chip gives no {', '.join(lacking)}"


def _rate_notes(costs: MemoryCosts, cost: Cost) -> Iterator[str]:
    """That keys and values of a token take longer than the token: operators that read at once share no rate."""
    latency, count = cost.latency_ns["total"], 0 if cost.traffic is None else math.ceil(cost.traffic.keys_and_values)
    needed = memory_ps(costs, count) / 1000
    if latency is not None and needed > latency:
        said = f"takes {needed:,.0f} ns for its {count:,} bytes, more than the {latency:,.0f} ns"
        yield f"latency: {KEY_VALUE_MEMORY} {said}"
