"""What a program needs of the chip, as figures by layer, stage and program; docs/cost-model.md has the formulas."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cimc.options.conditions import DECODE, Conditions
from cimc.program.conversions import MayClip, clipping_layers, conversions_of, may_clip
from cimc.program.distance import Distance
from cimc.program.errors import ProgramError
from cimc.program.metadata import MAXIMAL_DETAIL, Json, Multiplication
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.program.verifier import own_places
from cimc.report.cost.coverage import Coverage
from cimc.report.cost.program_chip import adc_description, chip_of_program, chip_sources
from cimc.report.cost.program_cost import Components, Cost, add, cost_of
from cimc.report.cost.vectors import Per
from cimc.report.formulas import FORMULAS
from cimc.report.sharing import Sharing, sharing_of
from cimc.report.structures import structures_of
from passes.analysis.cost.hardware import leaked_pj
from passes.analysis.cost.pipeline import Prefill

Split: TypeAlias = dict[str, float | None]
"""`parameter` (constant-weight multiplications), `digital` and `total`; None for what is not known."""

ROWS, COLUMNS = 4, 5
"""Columns of the tile table: rows and columns of each tile."""


@dataclass(frozen=True)
class Layer:
    """One multiplication of the network: an ONNX node and the weight it multiplies by."""

    node: str
    kind: str
    shape: tuple[int, int]
    stored_weights: int
    tiles: int
    arrays: int
    adc_bits: int
    vectors: int
    """Of what the figures are for: a token, or an inference."""
    conversions: int
    conversions_that_may_clip: int
    stage: int
    latency_ns: float | None
    energy_pj: float | None
    energy_components_pj: Components
    area_um2: float | None
    leakage_pj: float | None
    stage_clipped_share: float | None
    """Of the conversions of its stage when the program was measured; None if it was not run."""
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was said of the layer on the way: errors of a projection, why it is dense."""


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
    mapping: str
    arrays: int
    arrays_lower_bound: int
    utilization: float
    stored_weights: int
    coverage: Coverage
    """The share of the constant-weight multiply-accumulates that arrays do, and what stays digital."""
    sharing: Sharing
    """What equal tiles save that share a place."""
    structures: Mapping[str, Mapping[str, int]]
    """For each kind of structure how many weights are multiplied by (`factors`), and how many `layers` they make."""
    dense_weights: int
    """Weights that the same products would store if they were dense matrices."""
    conversions_per_token: int
    stages: int
    row_groups: int
    may_clip: MayClip
    latency_ns: Split
    energy_pj: Split
    energy_components_pj: Components
    area_um2: float | None
    area_components_um2: Components
    leakage_uw: Components
    prefill: Mapping[str, Mapping[str, Any] | None]
    """`parameter` and `total`: tokens, fill_ns, interval_ns, busiest, latency_ns, tokens_per_second."""
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

    def to_json(self) -> dict[str, Any]:
        """The report as plain numbers, texts, lists and dictionaries (docs/report.schema.json)."""
        layers = [{**vars(layer), "shape": list(layer.shape)} for layer in self.layers]
        stages = [{**vars(stage), "nodes": list(stage.nodes)} for stage in self.stage_costs]
        own: dict[str, Any] = {
            "sharing": vars(self.sharing),
            "layers": layers,
            "stage_costs": stages,
            "notes": list(self.notes),
        }
        clipping = {key: getattr(self.may_clip, key) for key in ("row_groups", "conversions", "layers")}
        own |= {"may_clip": clipping, "measured": measured_json(self.measured), "coverage": self.coverage.to_json()}
        return {**vars(self), **own}


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
        vectors = self.cost.vectors
        self.clipping = {y: n * int(vectors.taken([y])[0]) for y, n in clipping_layers(program).items()}
        self.conversions = conversions_of(self.multiplies, program) * self.cost.arrays.vectors
        self.sizes = np.prod(program.tiles[:, [ROWS, COLUMNS]].astype(np.int64), axis=1)
        self.own = own_places(program.tiles)

    def report(self) -> Report:
        program, cost = self.program, self.cost
        stored, arrays, cells = (
            int(self.sizes[self.own].sum()),
            len(program.arrays),
            program.chip.rows * program.chip.columns,
        )
        opcodes = program.instructions["op"]
        return Report(
            per=cost.vectors.per,
            chip=program.chip.to_json(),
            adc_model=adc_description(self.chip),
            mapping=program.mapping,
            arrays=arrays,
            arrays_lower_bound=-(-stored // cells),
            utilization=stored / (arrays * cells) if arrays else 0.0,
            stored_weights=stored,
            coverage=cost.coverage,
            sharing=sharing_of(program),
            structures=structures_of(program.weights[m.weight].structure for m in program.multiplications),
            dense_weights=_optional(program.notes.get("dense_weights")) or stored,
            conversions_per_token=int(self.conversions.sum()),
            stages=len(program.stages),
            row_groups=len(self.multiplies),
            may_clip=replace(
                may_clip(program), conversions=sum(self.clipping.values()), of_conversions=int(self.conversions.sum())
            ),
            latency_ns=cost.latency_ns,
            energy_pj=cost.energy_pj,
            energy_components_pj=cost.energy,
            area_um2=add(cost.area.values()),
            area_components_um2=cost.area,
            leakage_uw=cost.leakage,
            prefill={name: None if times is None else _prefill(times) for name, times in cost.prefill.items()},
            conditions=self._conditions(),
            layers=tuple(self._layer(m) for m in program.multiplications),
            stage_costs=tuple(self._stages()),
            permutations_executed=int((opcodes == Opcode.PERMUTE).sum()),
            permutations_before_folding=_optional(program.notes.get("permutations_before_folding")),
            kernels=len(program.kernels),
            notes=cost.notes,
            options=program.options,
            measured=program.measured,
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

    def _layer(self, multiplication: Multiplication) -> Layer:
        program, cost = self.program, self.cost
        weight = program.weights[multiplication.weight]
        own_tiles = program.tiles[:, 0] == multiplication.weight
        chosen = self.multiplies["y"] == multiplication.y
        own, stored = self.multiplies[chosen], self._stored(own_tiles)
        energy = cost.arrays.components(chosen)
        stage = int(own["stage"][0]) if len(own) else 0
        vectors = int(cost.vectors.taken([multiplication.y])[0])
        duration = self._stage_ns(stage) if vectors or not len(own) else 0.0
        area, leakage = self._per_array()
        share = stored / (program.chip.rows * program.chip.columns)
        total_ns = cost.latency_ns["total"]
        return Layer(
            node=multiplication.node,
            kind=weight.structure,
            shape=(weight.rows, weight.columns),
            stored_weights=stored,
            tiles=int(own_tiles.sum()),
            arrays=len(np.unique(program.tiles[own_tiles, 1])),
            adc_bits=int(own["adc_bits"].max(initial=0)),
            vectors=vectors,
            conversions=int(self.conversions[chosen].sum()),
            conversions_that_may_clip=self.clipping.get(multiplication.y, 0),
            stage=stage,
            latency_ns=duration,
            energy_pj=add(energy.values()),
            energy_components_pj=energy,
            area_um2=None if area is None else share * area,
            leakage_pj=None if leakage is None or total_ns is None else leaked_pj(share * leakage, total_ns),
            stage_clipped_share=_clipped_share(program.measured, stage),
            notes=_layer_notes(program, multiplication.node),
        )

    def _stored(self, chosen: NDArray[np.bool_]) -> int:
        """How many cells the chosen tiles take; those at one place take them together."""
        numbers = np.flatnonzero(chosen)
        return int(self.sizes[numbers[own_places(self.program.tiles[numbers])]].sum())

    def _stage_ns(self, number: int) -> float | None:
        """How long a stage takes; what the program says of one vector where it tells no times of parts."""
        if self.cost.time is not None:
            return self.cost.time.stages_ns.get(number)
        return next((stage.duration_ps / 1000 for stage in self.program.stages if stage.number == number), None)

    def _per_array(self) -> tuple[float | None, float | None]:
        """Area [um2] and leakage [uW] of one array with its ADCs."""
        count = max(1, len(self.program.arrays))
        area = add(self.cost.area[name] for name in ("cells", "dac", "adc", "shift_add"))
        leakage = add(self.cost.leakage[name] for name in ("arrays", "adc"))
        return None if area is None else area / count, None if leakage is None else leakage / count

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
                    latency_ns=self._stage_ns(stage.number) or 0.0,
                    energy_pj=add(self.cost.arrays.components(chosen).values()),
                    nodes=tuple(nodes[y] for y in written),
                )
            )
        return costs


def _clipped_share(measured: Distance | None, stage: int) -> float | None:
    clipped, made = (measured.clipping or {}).get(stage, (0, 0)) if measured is not None else (0, 0)
    return clipped / made if made else None


def _prefill(times: Prefill) -> dict[str, Any]:
    return {**asdict(times), "latency_ns": times.latency_ns, "tokens_per_second": times.tokens_per_second}


def _layer_notes(program: Program, node: str) -> dict[str, Any]:
    """What is said of a node, in one dictionary: texts and numbers. ProgramError for anything else."""
    entries = program.notes.get("layers")
    notes: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("node") == node:
            notes |= {name: value for name, value in entry.items() if name != "node"}
    for name, value in notes.items():
        is_number = isinstance(value, int | float) and abs(value) <= MAXIMAL_DETAIL
        if not (is_number if name.endswith("_error") else is_number or isinstance(value, str)):
            raise ProgramError(f"damaged: metadata program.notes.layers: {name} of node {node} is not a number or text")
    return notes


def _optional(value: object) -> int | None:
    return value if isinstance(value, int) else None
