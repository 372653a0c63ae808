"""Time and energy of one decoded token: parameter multiplications, and everything else beside them."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cimc.compiler import Options, compile_network
from cimc.hardware.library import load_chip
from cimc.paper.latency import VARIANTS
from cimc.paper.layer import layer_model
from cimc.paper.shapes import Network
from cimc.paper.workload import GeneratedWeights, StageRun, Table, Workload
from cimc.program.records import Records, multiply_records
from cimc.report.cost.program_cost import add, cost_of
from dialects.hardware import ChipAttr
from passes.analysis.cost.arrays import SUM_BITS, activity, array_energies
from passes.analysis.cost.hardware import leakage_uw, leaked_pj
from passes.place_tiles.analysis.placement import arrays_used


@dataclass(frozen=True)
class Digital:
    """What is no multiplication by weights in one decoded token: time [us] and energy [uJ]."""

    microseconds: float
    digital_uj: float
    attention_uj: float


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
    leakage_uj: float

    @property
    def parameter_uj(self) -> float:
        """Dynamic energy of parameter multiplications."""
        return sum(self.components_uj.values())

    @property
    def total_us(self) -> float:
        return self.parameter_us + self.digital_us

    @property
    def total_uj(self) -> float:
        return self.parameter_uj + self.digital_uj + self.attention_uj + self.leakage_uj


def totals(chip_name: str, networks: Sequence[Network]) -> Iterator[Total]:
    """A row for each network and variant, by the lossless rule, with the chip's own ADCs."""
    chip, numbers = load_chip(chip_name), GeneratedWeights()
    known: dict[tuple[object, ...], Total] = {}
    for network in networks:
        beside = {form: digital_part(chip_name, network, form) for form in ("dense", "monarch")}
        for form, mapping, objective in VARIANTS:
            key = (network.layers, network.context, form, mapping, objective)
            if key not in known:
                known[key] = _total(Workload(network, form, mapping, chip, objective), numbers, beside[form])
            yield replace(known[key], network=network.name)


def digital_part(chip_name: str, network: Network, form: str) -> Digital:
    """Digital operators and attention: one layer of each kind is compiled, and taken as often as there are such."""
    microseconds = digital = attention = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for layer, count in Counter(network.layers).items():
            file = Path(folder) / "layer.onnx"
            file.write_bytes(layer_model(layer, network.context, form == "monarch").SerializeToString())
            cost = cost_of(compile_network(file, Options(chip=chip_name, measure=False)).program)
            assert cost.digital is not None
            microseconds += count * (cost.latency_ns["digital"] or 0) / 1000
            digital += count * (cost.digital.digital_pj or 0) / 1e6
            attention += count * (cost.digital.attention_pj or 0) / 1e6
    return Digital(microseconds, digital, attention)


def _total(workload: Workload, numbers: GeneratedWeights, beside: Digital) -> Total:
    chip = workload.chip
    runs = list(workload.token(workload.lossless(numbers)))
    parameter_us = sum(run.picoseconds for run in runs) / 1e6
    arrays = arrays_used(workload.placements)
    leakage = add(leakage_uw(chip.hardware_costs(), arrays * chip.slices).values())
    total_ns = 1000 * (parameter_us + beside.microseconds)
    return Total(
        network=workload.network.name,
        form=workload.form,
        mapping=workload.mapping,
        objective=workload.objective,
        arrays=arrays,
        parameter_us=parameter_us,
        digital_us=beside.microseconds,
        components_uj=_dynamic_uj(chip, runs),
        digital_uj=beside.digital_uj,
        attention_uj=beside.attention_uj,
        leakage_uj=leaked_pj(leakage or 0.0, total_ns) / 1e6,
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
