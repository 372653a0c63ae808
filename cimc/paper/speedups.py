"""How much less time than linear the mappings of arXiv 2510.11192 take, from scheduled programs on 3dsim-256."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cimc.clock.steps import steps_of
from cimc.hardware.library import load_chip
from cimc.paper.latency import ADCS
from cimc.paper.programs import QuantisedLayers
from cimc.paper.serial import flow_ps, serial_ps
from cimc.paper.shapes import NETWORKS, Network
from cimc.program.program import Program
from cimc.report.cost.array_cost import array_cost
from cimc.report.cost.program_cost import add
from cimc.report.cost.vectors import ONE
from dialects.hardware import ChipAttr
from passes.analysis.cost.hardware import leakage_uw, leaked_pj

CHIP = "3dsim-256"


@dataclass(frozen=True)
class Variant:
    """A form of the network under a mapping, with the bits that the paper's ADCs have there.

    So many `layers` are compiled. In `linear` and `sparsemap`, each layer has arrays of its own, so all take as long;
    in `densemap` they do from where the diagonals of any stage have arrays enough. `spread` has more arrays to spread
    each layer over, the more layers there are: a few layers take rather more time each than all of them.
    """

    name: str
    form: str
    mapping: str
    objective: str
    adc_bits: int
    layers: int


LINEAR = Variant("linear", "dense", "linear", "arrays", 8, 1)
SPARSEMAP = Variant("sparsemap", "monarch", "sparsemap", "arrays", 5, 1)
DENSEMAP = Variant("densemap", "monarch", "densemap", "arrays", 3, 2)
VARIANTS = (LINEAR, SPARSEMAP, DENSEMAP, Variant("spread", "monarch", "spread", "arrays", 5, 4))
_DENSEMAP_5 = replace(DENSEMAP, adc_bits=5)
"""With the bits of sparsemap: as many rows reach a column."""
REPORTED = {"sparsemap": 1.59, "densemap": 1.73}
"""How many times lower than linear's the paper says that latency is."""
REPORTED_ENERGY = {"densemap": 1.74}


@dataclass(frozen=True)
class Speedup:
    """One decoded token of a network: parameter multiplications under a mapping, with so many ADCs a crossbar."""

    network: str
    mapping: str
    adcs: int
    adc_bits: int
    layers_compiled: int
    arrays: int
    """Of the whole network."""
    serial_us: float
    """Stages one after the other, permutations folded into what the arrays read, as the paper has them."""
    flow_us: float
    """As the program runs: permutations move vectors, and what need not wait for each other overlaps."""
    dynamic_uj: float
    """Energy of the parameter multiplications but for leakage."""
    leakage_uj: float
    """What leaks in `serial_us`, digital units included."""


@dataclass(frozen=True)
class Condition:
    """What becomes of the speedups, at the chip's own number of ADCs, under another assumption."""

    condition: str
    sparsemap: float | None
    densemap: float | None


class Speedups:
    """Scheduled programs of some layers of a network, which are quantised once for each form and number of layers."""

    def __init__(self, network: Network = NETWORKS[0]) -> None:
        self.network, self.chip = network, load_chip(CHIP)
        self.quantised: dict[tuple[str, int], QuantisedLayers] = {}

    def rows(self, adcs: Sequence[int] = ADCS, variants: Sequence[Variant] = VARIANTS) -> Iterator[Speedup]:
        """For each number of ADCs and variant."""
        for count in adcs:
            for variant in variants:
                yield self.row(variant, {"adcs": count})

    def conditions(self) -> list[Condition]:
        """Without the dense network's additions of partial sums, and with equal bits where as many rows are driven."""
        free = [self.row(variant, {"add_ns": 0.0}).serial_us for variant in (LINEAR, SPARSEMAP, DENSEMAP)]
        linear, alike = (self.row(variant, {}).serial_us for variant in (LINEAR, _DENSEMAP_5))
        return [
            Condition("without additions of partial sums", free[0] / free[1], free[0] / free[2]),
            Condition("densemap with the 5 bits of sparsemap", None, linear / alike),
        ]

    def row(self, variant: Variant, changes: Mapping[str, int | float]) -> Speedup:
        """The variant on the chip with other values of some keys."""
        key = variant.form, min(variant.layers, len(self.network.layers))
        if key not in self.quantised:
            self.quantised[key] = QuantisedLayers.of(self.network, *key, self.chip)
        chip = ChipAttr.from_dict({**self.chip.to_dict(), **changes})
        program = self.quantised[key].program(chip, variant.mapping, variant.objective, variant.adc_bits)
        return self._scaled(variant, chip, program, key[1])

    def _scaled(self, variant: Variant, chip: ChipAttr, program: Program, layers: int) -> Speedup:
        """The figures of all layers, from a program of some."""
        share, steps = len(self.network.layers) / layers, steps_of(program)
        arrays = round(share * len(program.arrays))
        serial_us = share * serial_ps(steps) / 1e6
        dynamic_pj = add(array_cost(program, chip.array_costs(), {}, ONE).components().values())
        power = add(leakage_uw(chip.hardware_costs(), arrays * chip.slices).values())
        assert dynamic_pj is not None
        assert power is not None
        return Speedup(
            network=self.network.name,
            mapping=variant.name,
            adcs=chip.adcs,
            adc_bits=variant.adc_bits,
            layers_compiled=layers,
            arrays=arrays,
            serial_us=serial_us,
            flow_us=share * flow_ps(steps) / 1e6,
            dynamic_uj=share * dynamic_pj / 1e6,
            leakage_uj=leaked_pj(power, 1000 * serial_us) / 1e6,
        )
