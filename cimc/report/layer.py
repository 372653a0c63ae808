"""The figures of a layer: one multiplication of the network by a weight."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.conversions import clipping_layers, conversions_of
from cimc.program.arrays.formats import are_centred, slices_of
from cimc.program.arrays.tiles import own_places
from cimc.program.distance import Distance
from cimc.program.errors import ProgramError
from cimc.program.metadata import MAXIMAL_DETAIL, Multiplication
from cimc.program.program import Program
from cimc.report.cost.program_cost import Components, Cost, add
from passes.analysis.cost.hardware import leaked_pj

_WEIGHT, _ARRAY, _ROWS, _COLUMNS = 0, 1, 4, 5
"""Columns of the tile table."""
_NUMBERS = ("_error", "weight_bits", "weight_group", "smoothing")
"""What names of notes end with that are numbers."""


@dataclass(frozen=True)
class Layer:
    """One multiplication of the network: an ONNX node and the weight it multiplies by."""

    node: str
    kind: str
    shape: tuple[int, int]
    stored_weights: int
    tiles: int
    arrays: int
    crossbars: int
    copies: int
    """How often the weight lies in the arrays; weights, tiles, arrays and crossbars are those of all copies."""
    bits: int
    """Of a weight in its arrays; the most, if these have several formats."""
    encoding: str
    centred: bool
    """Whether a column has another offset than the midpoint."""
    input_bits: int
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


def have_formats(layers: Iterable[Layer]) -> bool:
    """Whether formats tell layers apart, or from the usual 8 bits: otherwise there is nothing to be said of them."""
    formats = {(layer.bits, layer.encoding, layer.centred) for layer in layers}
    return len(formats) > 1 or any(bits != 8 or centred for bits, _, centred in formats)


class Layers:
    """Makes the layers of a program, whose cost is known; `slices` are those of an array of 8-bit weights."""

    def __init__(self, program: Program, cost: Cost, slices: int) -> None:
        self.program, self.cost, self.slices = program, cost, slices
        self.multiplies = cost.arrays.records
        self.conversions = conversions_of(self.multiplies, program) * cost.arrays.vectors
        self.clipping = {y: n * int(cost.vectors.taken([y])[0]) for y, n in clipping_layers(program).items()}
        self._crossbars = slices_of(program)
        self._centred = are_centred(program)
        self._sizes = np.prod(program.tiles[:, [_ROWS, _COLUMNS]].astype(np.int64), axis=1)

    def layer(self, multiplication: Multiplication) -> Layer:
        """The figures of a multiplication. ProgramError if what is noted of it is damaged."""
        program, cost = self.program, self.cost
        weight = program.weights[multiplication.weight]
        tiles = np.flatnonzero(program.tiles[:, _WEIGHT] == multiplication.weight)
        arrays = np.unique(program.tiles[tiles, _ARRAY])
        numbers: list[int] = np.unique(program.array_formats[arrays]).tolist()
        formats = [program.formats[number] for number in numbers]
        chosen = self.multiplies["y"] == multiplication.y
        own = self.multiplies[chosen]
        energy = cost.arrays.components(chosen)
        stage = int(own["stage"][0]) if len(own) else 0
        vectors = int(cost.vectors.taken([multiplication.y])[0])
        places = tiles[own_places(program.tiles[tiles])]  # tiles at one place take their cells together
        share = self._share(places)
        area, leakage = self._per_array
        total_ns = cost.latency_ns["total"]
        return Layer(
            node=multiplication.node,
            kind=weight.structure,
            shape=(weight.rows, weight.columns),
            stored_weights=int(self._sizes[places].sum()),
            tiles=len(tiles),
            arrays=len(arrays),
            crossbars=int(self._crossbars[arrays].sum()),
            copies=weight.copies,
            bits=max((format.bits for format in formats), default=0),
            encoding=", ".join(sorted({format.encoding for format in formats})),
            centred=bool(self._centred[tiles].any()),
            input_bits=multiplication.input_bits,
            adc_bits=int(own["adc_bits"].max(initial=0)),
            vectors=vectors,
            conversions=round(float(self.conversions[chosen].sum())),
            conversions_that_may_clip=self.clipping.get(multiplication.y, 0),
            stage=stage,
            latency_ns=self._product_ns(multiplication, stage),
            energy_pj=add(energy.values()),
            energy_components_pj=energy,
            area_um2=None if area is None else share * area,
            leakage_pj=None if leakage is None or total_ns is None else leaked_pj(share * leakage, total_ns),
            stage_clipped_share=_clipped_share(program.measured, stage),
            notes=_layer_notes(program, multiplication.node),
        )

    def stage_ns(self, number: int) -> float | None:
        """How long a stage takes; what the program says of one vector where it tells no times of parts."""
        if self.cost.time is not None:
            return self.cost.time.stages_ns.get(number)
        return next((stage.duration_ps / 1000 for stage in self.program.stages if stage.number == number), None)

    def _product_ns(self, multiplication: Multiplication, stage: int) -> float | None:
        """From when its vector moves in to when its product is out; as `stage_ns` where that is not known."""
        if self.cost.time is None:
            return self.stage_ns(stage)
        return self.cost.time.products_ns.get(multiplication.y, 0.0)

    def _share(self, tiles: NDArray[np.intp]) -> float:
        """How many arrays of 8-bit weights have as many cells as these tiles take in all their crossbars."""
        cells = int((self._sizes[tiles] * self._crossbars[self.program.tiles[tiles, _ARRAY]]).sum())
        return cells / self.slices / (self.program.chip.rows * self.program.chip.columns)

    @cached_property
    def _per_array(self) -> tuple[float | None, float | None]:
        """Area [um2] and leakage [uW] of an array of 8-bit weights with its ADCs."""
        count = max(1, int(self._crossbars.sum())) / self.slices
        area = add(self.cost.area[name] for name in ("cells", "dac", "adc", "shift_add"))
        leakage = add(self.cost.leakage[name] for name in ("arrays", "adc"))
        return None if area is None else area / count, None if leakage is None else leakage / count


def _clipped_share(measured: Distance | None, stage: int) -> float | None:
    clipped, made = (measured.clipping or {}).get(stage, (0, 0)) if measured is not None else (0, 0)
    return clipped / made if made else None


def _layer_notes(program: Program, node: str) -> dict[str, Any]:
    """What is said of a node, in one dictionary: texts and numbers. ProgramError for anything else."""
    entries = program.notes.get("layers")
    notes: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("node") == node:
            notes |= {name: value for name, value in entry.items() if name != "node"}
    for name, value in notes.items():
        is_number = isinstance(value, int | float) and abs(value) <= MAXIMAL_DETAIL
        if not (is_number if name.endswith(_NUMBERS) else is_number or isinstance(value, str)):
            raise ProgramError(f"damaged: metadata program.notes.layers: {name} of node {node} is not a number or text")
    return notes
