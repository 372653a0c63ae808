"""What a program needs of the chip, as figures by layer, stage and program; docs/cost-model.md has the formulas."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from cimc.options.conditions import DECODE, Conditions
from cimc.program.arrays.conversions import MayClip, may_clip
from cimc.program.distance import Distance
from cimc.program.metadata import Json
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.program.times.pipeline import Pipeline
from cimc.report.copies import ArrayWork, Copied, array_work, copied_weights
from cimc.report.cost.coverage import Coverage
from cimc.report.cost.program_chip import adc_description, chip_of_program, chip_sources
from cimc.report.cost.program_cost import Components, Cost, add, cost_of
from cimc.report.cost.reload import Reload
from cimc.report.cost.vectors import Per
from cimc.report.formats import FormatUse, format_uses, utilization_of
from cimc.report.formulas import FORMULAS
from cimc.report.largest_parts import LargestPart, largest_parts
from cimc.report.layer import Layer, Layers
from cimc.report.sharing import Sharing, sharing_of
from cimc.report.structures import structures_of
from passes.analysis.cost.pipeline import Prefill

MEMORY = ("held", "moved", "keys_and_values")
Split: TypeAlias = dict[str, float | None]
"""`parameter` (constant-weight multiplications), `digital` and `total`; None for what is not known."""


@dataclass(frozen=True)
class StageCost:
    """Multiplications that run together."""

    stage: int
    start_ns: float
    latency_ns: float
    energy_pj: float | None
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The figures of a program for a token or an inference; None for what is not known, and `notes` say why."""

    per: Per
    """What they are for: a token, that is one vector in each multiplication, or an inference, that is one run."""

    chip: Mapping[str, Any]
    adc_model: str | None
    """The chip's ADC model by name, and where it comes from."""
    digital_set: str | None
    """The set of digital constants that the chip takes; None for numbers of its own."""
    mapping: str
    arrays: int
    arrays_lower_bound: int
    """With the weights in the formats that they have."""
    crossbars: int
    crossbars_lower_bound: int
    formats: tuple[FormatUse, ...]
    utilization: float
    """The share of the cells of all crossbars."""
    stored_weights: int
    coverage: Coverage
    """The share of the constant-weight multiply-accumulates that arrays do, and what stays digital."""
    sharing: Sharing
    """What equal tiles save that share a place."""
    copies: tuple[Copied, ...]
    """The weights that lie in the arrays more than once."""
    array_work: ArrayWork | None
    """How evenly arrays are at work, and what copies bought."""
    reload: Reload | None
    """What it takes that weights pass through the chip in parts; None where all stay in the arrays."""
    structures: Mapping[str, Mapping[str, int]]
    """For each kind of structure how many weights are multiplied by (`factors`), and how many `layers` they make."""
    dense_weights: int
    """Weights that the same products would store if they were dense matrices."""
    conversions_per_token: int
    stages: int
    row_groups: int
    may_clip: MayClip
    latency_ns: Split
    latency_lower_bound_ns: float | None
    """What `latency_ns.parameter` is at least, however the program's row groups lie in its arrays."""
    overlap_ns: float | None
    """What data flow saves: `parameter` and `digital` are that much longer than `total`."""
    energy_pj: Split
    energy_components_pj: Components
    area_um2: float | None
    area_components_um2: Components
    leakage_uw: Components
    largest_parts: Mapping[str, LargestPart]
    """By total, as in `energy_pj.total`: what is more than half of it, and where the numbers of that come from."""
    memory: Mapping[str, float | None]
    """Bytes: `held` between steps, the most at once; `moved`, read and written; `keys_and_values`, read and written."""
    prefill: Mapping[str, Mapping[str, Any] | None]
    """`parameter` and `total`: tokens, fill_ns, interval_ns, busiest, load_ns, proved, interval_over_load,
    latency_ns, tokens_per_second."""
    conditions: Mapping[str, Any]
    """What digital operators were counted for: dims, context, tokens of a run, and operators that are not known."""
    layers: tuple[Layer, ...]
    stage_costs: tuple[StageCost, ...]
    permutations_executed: int
    permutations_before_folding: int | None
    kernels: int
    notes: tuple[str, ...]
    options: Mapping[str, Json]
    """What else the compiler was asked for."""
    measured: Distance | None
    """How far the program was from its original, when it was compiled."""
    sources: Mapping[str, str]
    """The formula of each figure, and under `chip.KEY` the source of each number of the chip."""
    pipeline: Pipeline | None = field(compare=False, repr=False)
    """The schedule of many tokens that `prefill` is of, if it is proved; no part of the JSON."""

    def to_json(self) -> dict[str, Any]:
        """The report as plain numbers, texts, lists and dictionaries (docs/report.schema.json)."""
        layers = [{**vars(layer), "shape": list(layer.shape)} for layer in self.layers]
        stages = [{**vars(stage), "nodes": list(stage.nodes)} for stage in self.stage_costs]
        own: dict[str, Any] = {
            "sharing": vars(self.sharing),
            "copies": [vars(copied) for copied in self.copies],
            "array_work": None
            if self.array_work is None
            else {**vars(self.array_work), "ratio": self.array_work.ratio},
            "reload": None if self.reload is None else {**vars(self.reload), "lasts": self.reload.lasts},
            "layers": layers,
            "stage_costs": stages,
            "notes": list(self.notes),
        }
        own["largest_parts"] = {total: vars(part) for total, part in self.largest_parts.items()}
        clipping = {key: getattr(self.may_clip, key) for key in ("row_groups", "conversions", "layers")}
        own["formats"] = [vars(use) for use in self.formats]
        own |= {"may_clip": clipping, "measured": measured_json(self.measured), "coverage": self.coverage.to_json()}
        return {name: value for name, value in vars(self).items() if name != "pipeline"} | own


def measured_json(measured: Distance | None) -> dict[str, Any] | None:
    """What was measured, with the sums of what clipped and was converted; null for what was not counted."""
    if measured is None:
        return None
    clipped, conversions = measured.clipped or (None, None)
    return {**measured.to_json(), "clipped": clipped, "conversions": conversions}


def report_of(program: Program, conditions: Conditions = DECODE) -> Report:
    """The report of a program. Weights that several nodes share are stored, and counted, once.

    ProgramError for dimensions that the program does not have, or a schedule that the hardware cannot keep.
    """
    verify_schedule(program)
    return _Reporter(program, conditions).report()


class _Reporter:
    def __init__(self, program: Program, conditions: Conditions) -> None:
        self.program, self.conditions = program, conditions
        self.cost: Cost = cost_of(program, conditions)
        self.chip = chip_of_program(program)
        self.multiplies = self.cost.arrays.records
        self.layers = Layers(program, self.cost, self.chip.slices)

    def report(self) -> Report:
        program, cost = self.program, self.cost
        cells, conversions = program.chip.rows * program.chip.columns, self.layers.conversions
        formats = format_uses(program, self.multiplies, conversions)
        stored, made = sum(use.stored_weights for use in formats), round(float(conversions.sum()))
        opcodes = program.instructions["op"]
        return Report(
            per=cost.vectors.per,
            chip=program.chip.to_json(),
            adc_model=adc_description(self.chip),
            digital_set=self.chip.digital_set,
            mapping=program.mapping,
            arrays=len(program.arrays),
            arrays_lower_bound=sum(use.crossbars_lower_bound // use.slices for use in formats),
            crossbars=sum(use.crossbars for use in formats),
            crossbars_lower_bound=sum(use.crossbars_lower_bound for use in formats),
            formats=formats,
            utilization=utilization_of(formats, cells),
            stored_weights=stored,
            coverage=cost.coverage,
            sharing=sharing_of(program),
            copies=copied_weights(program),
            array_work=array_work(program, cost.time),
            reload=cost.reload,
            structures=structures_of(program.weights[m.weight].structure for m in program.multiplications),
            dense_weights=_optional(program.notes.get("dense_weights")) or stored,
            conversions_per_token=made,
            stages=len(program.stages),
            row_groups=len(self.multiplies),
            may_clip=replace(may_clip(program), conversions=sum(self.layers.clipping.values()), of_conversions=made),
            latency_ns=cost.latency_ns,
            latency_lower_bound_ns=cost.latency_lower_bound_ns,
            overlap_ns=cost.overlap_ns,
            energy_pj=cost.energy_pj,
            energy_components_pj=cost.energy,
            area_um2=add(cost.area.values()),
            area_components_um2=cost.area,
            leakage_uw=cost.leakage,
            largest_parts=self._largest_parts(),
            memory=dict.fromkeys(MEMORY) if cost.traffic is None else {k: vars(cost.traffic)[k] for k in MEMORY},
            prefill={name: None if times is None else _prefill(times) for name, times in cost.prefill.items()},
            conditions=self._conditions(),
            layers=tuple(self.layers.layer(m) for m in program.multiplications),
            stage_costs=tuple(self._stages()),
            permutations_executed=int((opcodes == Opcode.PERMUTE).sum()),
            permutations_before_folding=_optional(program.notes.get("permutations_before_folding")),
            kernels=len(program.kernels),
            notes=cost.notes,
            options=program.options,
            measured=program.measured,
            pipeline=cost.pipeline,
            sources=FORMULAS | {f"chip.{key}": source for key, source in chip_sources(program).items()},
        )

    def _conditions(self) -> dict[str, Any]:
        run = self.cost.run
        return {
            "dims": {} if run is None else dict(run.dims),
            "context": self.conditions.context,
            "tokens_of_a_run": None if run is None else run.tokens,
            "unknown_operators": {} if self.cost.digital is None else dict(self.cost.digital.unknown),
        }

    def _largest_parts(self) -> dict[str, LargestPart]:
        cost, sources = self.cost, dict(chip_sources(self.program))
        model = adc_description(self.chip)
        if model is not None:
            sources["adc_model"] = model
        return largest_parts(cost.energy, cost.leakage, cost.area, sources)

    def _stages(self) -> list[StageCost]:
        nodes = {m.y: m.node for m in self.program.multiplications}
        costs: list[StageCost] = []
        for stage in self.program.stages:
            chosen = self.multiplies["stage"] == stage.number
            written = np.unique(self.multiplies["y"][chosen]).tolist()
            costs.append(
                StageCost(
                    stage=stage.number,
                    start_ns=stage.start_ps / 1000,
                    latency_ns=self.layers.stage_ns(stage.number) or 0.0,
                    energy_pj=add(self.cost.arrays.components(chosen).values()),
                    nodes=tuple(nodes[y] for y in written),
                )
            )
        return costs


def _prefill(times: Prefill) -> dict[str, Any]:
    return {
        **asdict(times),
        "interval_over_load": times.interval_over_load,
        "latency_ns": times.latency_ns,
        "tokens_per_second": times.tokens_per_second,
    }


def _optional(value: object) -> int | None:
    return value if isinstance(value, int) else None
