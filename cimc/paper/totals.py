"""Time and energy of one decoded token: parameter multiplications, and everything else beside them."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cimc.compiler import Options, compile_network
from cimc.hardware.digital_sets import read_digital_set
from cimc.hardware.library import load_chip, read_chip_file
from cimc.paper.latency import VARIANTS
from cimc.paper.layer import layer_model
from cimc.paper.shapes import Network
from cimc.paper.workload import GeneratedWeights, StageRun, Table, Workload
from cimc.program.records import Records, multiply_records
from cimc.report.cost.program_cost import add, cost_of
from cimc.report.largest_parts import MEMORIES, OTHERS, TOTAL, Components, LargestPart, largest_parts
from dialects.hardware import ChipAttr
from passes.analysis.cost.arrays import SUM_BITS, activity, array_energies
from passes.analysis.cost.hardware import leakage_uw, leaked_pj
from passes.place_tiles.analysis.placement import arrays_used


@dataclass(frozen=True)
class Digital:
    """What is no multiplication by weights in one decoded token: time [us], energy [uJ], and what leaks [uW]."""

    microseconds: float = 0.0
    digital_uj: float = 0.0
    attention_uj: float = 0.0
    memories_uj: float = 0.0
    leakage_uw: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of memories, for the layer that needs most of them."""


@dataclass(frozen=True)
class Total:
    """One decoded token of a network: times [us] and energies [uJ] of its parts."""

    network: str
    form: str
    mapping: str
    objective: str
    arrays: int
    parameter_us: float
    digital_us: float
    components_uj: dict[str, float]
    """Dynamic energy of parameter multiplications by component."""
    digital_uj: float
    attention_uj: float
    memories_uj: float
    """Buffers, and keys and values; 0 where the digital constants say nothing of them."""
    leakage_uj: float
    leakage_uw: dict[str, float | None]
    """Power by component."""
    largest: LargestPart | None
    """What is more than half of `total_uj`."""

    @property
    def parameter_uj(self) -> float:
        """Dynamic energy of parameter multiplications."""
        return sum(self.components_uj.values())

    @property
    def total_us(self) -> float:
        return self.parameter_us + self.digital_us

    @property
    def total_uj(self) -> float:
        return self.parameter_uj + self.digital_uj + self.attention_uj + self.memories_uj + self.leakage_uj


def totals(
    chip_name: str,
    networks: Sequence[Network],
    numbers: GeneratedWeights | None = None,
    digital: str | None = None,
) -> Iterator[Total]:
    """A row for each network and variant, by the lossless rule, with the chip's own ADCs.

    `numbers` are those that latencies of the same networks were of, if there are such: they know what was placed.
    `digital` is the name of a set of digital constants, None for the chip's own.
    """
    options, numbers = Options(chip=chip_name, digital=digital, measure=False), numbers or GeneratedWeights()
    chip, sources = load_chip(chip_name, None, digital), read_chip_file(chip_name).sources
    sources = sources if digital is None else read_digital_set(digital).sources_on(sources)
    known: dict[tuple[object, ...], Total] = {}
    for network in networks:
        beside = {form: digital_part(options, network, form) for form in ("dense", "monarch")}
        for form, mapping, objective in VARIANTS:
            key = (network.layers, network.context, form, mapping, objective)
            if key not in known:
                workload = Workload(network, form, mapping, chip, objective, numbers)
                known[key] = _total(workload, beside[form], sources)
            yield replace(known[key], network=network.name)


def digital_part(options: Options, network: Network, form: str) -> Digital:
    """Digital operators and attention: one layer of each kind is compiled, and taken as often as there are such."""
    sums = Digital()
    with tempfile.TemporaryDirectory() as folder:
        for layer, count in Counter(network.layers).items():
            file = Path(folder) / "layer.onnx"
            file.write_bytes(layer_model(layer, network.context, form == "monarch").SerializeToString())
            cost = cost_of(compile_network(file, options).program, with_many=False)
            memories = sum(energy for _, energy in _memories(cost.energy))
            sums = Digital(
                sums.microseconds + count * (cost.latency_ns["digital"] or 0) / 1000,
                sums.digital_uj + count * (cost.energy["digital"] or 0) / 1e6,
                sums.attention_uj + count * (cost.energy["attention"] or 0) / 1e6,
                sums.memories_uj + count * memories / 1e6,
                {name: max(power, sums.leakage_uw.get(name, 0)) for name, power in _memories(cost.leakage)},
            )
    return sums


def _memories(components: Components) -> list[tuple[str, float]]:
    """Those of the components that are memories and known."""
    return [(name, value) for name in MEMORIES if (value := components.get(name)) is not None]


def _total(workload: Workload, beside: Digital, sources: Mapping[str, str]) -> Total:
    chip = workload.chip
    runs = list(workload.token(workload.lossless()))
    parameter_us = sum(run.picoseconds for run in runs) / 1e6
    arrays = arrays_used(workload.placements)
    leakage = {**leakage_uw(chip.hardware_costs(), arrays * chip.slices), **beside.leakage_uw}
    total_ns = 1000 * (parameter_us + beside.microseconds)
    energies = {
        **_dynamic_uj(chip, runs),
        "digital": beside.digital_uj,
        "attention": beside.attention_uj,
        "memory": beside.memories_uj,
        "leakage": leaked_pj(add(leakage.values()) or 0.0, total_ns) / 1e6,
    }
    return Total(
        network=workload.network.name,
        form=workload.form,
        mapping=workload.mapping,
        objective=workload.objective,
        arrays=arrays,
        parameter_us=parameter_us,
        digital_us=beside.microseconds,
        components_uj={name: energy for name, energy in energies.items() if name not in OTHERS},
        digital_uj=beside.digital_uj,
        attention_uj=beside.attention_uj,
        memories_uj=beside.memories_uj,
        leakage_uj=energies["leakage"],
        leakage_uw=leakage,
        largest=largest_parts(energies, leakage, {}, sources).get(TOTAL),
    )


def _dynamic_uj(chip: ChipAttr, runs: Sequence[StageRun]) -> dict[str, float]:
    """The energy of the stages by component; vectors are permuted as 32-bit numbers, as in compiled programs."""
    made = np.concatenate([records for stage, run in enumerate(runs) for records in _records(stage, run)])
    costs, planes = chip.array_costs(), np.full(len(made), chip.planes(signed=False))
    energies = array_energies(activity(made, planes, costs.slices), made["adc_bits"].astype(np.int64), costs)
    energies_uj = {name: float(values.sum()) / 1e6 for name, values in energies.items() if values is not None}
    permuted_bits = SUM_BITS * sum(run.permuted for run in runs)
    energies_uj["transfer"] += permuted_bits * (costs.transfer_bit_pj or 0.0) / 1e6
    return energies_uj


def _records(stage: int, run: StageRun) -> Iterator[Records]:
    """The MULTIPLY records of a stage, values numbered within it; starts count from the start of the stage."""
    for number, (product, starts) in enumerate(zip(run.products, run.schedule.starts)):
        jobs: Table = product.jobs()
        array, row, rows, column, columns, source, k, _, bits, _ = jobs.T
        yield multiply_records(
            stage=stage,
            x=source,
            y=stage * 8 + number,
            array=array,
            k=k,
            n=product.tiles[product.groups[:, 0], 1],
            row=row,
            column=column,
            rows=rows,
            columns=columns,
            adc_bits=bits,
            bound=product.groups[:, 5],
            start=starts,
        )
