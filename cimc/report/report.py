"""What a program needs of the chip: arrays, conversions, time, by layer; docs/cost-model.md tells each formula."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cimc.machine.encoding import cell_fields, input_fields
from cimc.program.metadata import Multiplication
from cimc.program.program import Program
from cimc.program.records import Opcode, Records

Split: TypeAlias = dict[str, float | None]
"""`parameter` (constant-weight multiplications), `digital` and `total`; None for what is not modelled yet."""

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
    conversions: int
    stage: int
    latency_ns: float
    energy_pj: float | None = None
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was said of the layer on the way: errors of a projection, why it is dense."""


@dataclass(frozen=True)
class Report:
    """The figures of a program for one vector, that is one token."""

    chip: Mapping[str, Any]
    mapping: str
    arrays: int
    arrays_lower_bound: int
    utilization: float
    stored_weights: int
    dense_weights: int
    """Weights that the same products would store if they were dense matrices."""
    conversions_per_token: int
    stages: int
    row_groups: int
    latency_ns: Split
    energy_pj: Split
    area_um2: float | None
    layers: tuple[Layer, ...]
    permutations_executed: int
    permutations_before_folding: int | None
    kernels: int
    sources: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The report as plain numbers, texts, lists and dictionaries."""
        return {**vars(self), "layers": [{**vars(layer), "shape": list(layer.shape)} for layer in self.layers]}


def report_of(program: Program) -> Report:
    """The report of a program. Weights that several nodes share are stored, and counted, once."""
    chip, records = program.chip, program.instructions
    stored = int(np.prod(program.tiles[:, [ROWS, COLUMNS]].astype(np.int64), axis=1).sum())
    cells = chip.rows * chip.columns
    arrays = len(program.arrays)
    multiplies = records[records["op"] == Opcode.MULTIPLY]
    latency = sum(stage.duration_ps for stage in program.stages) / 1000
    return Report(
        chip=chip.to_json(),
        mapping=program.mapping,
        arrays=arrays,
        arrays_lower_bound=-(-stored // cells),
        utilization=stored / (arrays * cells) if arrays else 0.0,
        stored_weights=stored,
        dense_weights=_optional(program.notes.get("dense_weights")) or stored,
        conversions_per_token=int(conversions(multiplies, program).sum()),
        stages=len(program.stages),
        row_groups=len(multiplies),
        latency_ns={"parameter": latency, "digital": None, "total": None},
        energy_pj={"parameter": None, "digital": None, "total": None},
        area_um2=None,
        layers=tuple(_layer(program, m, multiplies) for m in program.multiplications),
        permutations_executed=int((records["op"] == Opcode.PERMUTE).sum()),
        permutations_before_folding=_optional(program.notes.get("permutations_before_folding")),
        kernels=len(program.kernels),
        sources=_SOURCES,
    )


_SOURCES = {
    "arrays_lower_bound": "ceil(stored weights / (rows * columns))",
    "conversions_per_token": "sum over row groups of planes * slices * columns",
    "latency_ns.parameter": "sum of the stages' durations; a row group takes planes * (settle_ns + "
    "ceil(columns / adcs) * adc_ns(adc_bits)), those of one array run in turn, a stage adds two transfers",
    "latency_ns.digital, energy_pj, area_um2": "not modelled yet",
}


def conversions(records: Records, program: Program) -> NDArray[np.int64]:
    """Conversions of each MULTIPLY record for one vector: `planes * slices * columns`."""
    chip = program.chip
    slices = len(cell_fields(chip.encoding, chip.cell_bits).widths)
    unsigned, signed = (len(input_fields(chip.dac_bits, sign).widths) for sign in (False, True))
    of_signed = np.isin(records["y"], [m.y for m in program.multiplications if m.signed])
    return records["columns"].astype(np.int64) * slices * np.where(of_signed, signed, unsigned)


def _layer(program: Program, multiplication: Multiplication, multiplies: Records) -> Layer:
    weight = program.weights[multiplication.weight]
    tiles = program.tiles[program.tiles[:, 0] == multiplication.weight]
    own = multiplies[multiplies["y"] == multiplication.y]
    stage = int(own["stage"][0]) if len(own) else 0
    duration = next((s.duration_ps for s in program.stages if s.number == stage), 0)
    return Layer(
        node=multiplication.node,
        kind=weight.structure,
        shape=(weight.rows, weight.columns),
        stored_weights=int(np.prod(tiles[:, [ROWS, COLUMNS]].astype(np.int64), axis=1).sum()),
        tiles=len(tiles),
        arrays=len(np.unique(tiles[:, 1])),
        adc_bits=int(own["adc_bits"].max(initial=0)),
        conversions=int(conversions(own, program).sum()),
        stage=stage,
        latency_ns=duration / 1000,
        notes=_layer_notes(program, multiplication.node),
    )


def _layer_notes(program: Program, node: str) -> dict[str, Any]:
    """What is said of a node, in one dictionary."""
    entries = program.notes.get("layers")
    found: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("node") == node:
            found |= {name: value for name, value in entry.items() if name != "node"}
    return found


def _optional(value: object) -> int | None:
    return value if isinstance(value, int) else None
