"""The conversions of a program, and which of them may clip: those whose sums may be more than their ADC can tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_values
from cimc.program.arrays.formats import slices_of
from cimc.program.arrays.planes import planes_of
from cimc.program.program import Program
from cimc.program.records import Opcode, Records


@dataclass(frozen=True)
class MayClip:
    """What of a program may clip: how much, and how much there is, for one vector."""

    row_groups: int
    of_row_groups: int
    conversions: int
    of_conversions: int
    layers: int
    """Multiplications with any."""
    of_layers: int

    def __bool__(self) -> bool:
        return self.row_groups > 0


def conversions_of(records: Records, program: Program) -> NDArray[np.int64]:
    """Conversions of each MULTIPLY record for one vector that it takes: `planes * slices * columns`."""
    slices = slices_of(program)[records["array"]]
    return records["columns"].astype(np.int64) * slices * planes_of(records, program)


def are_lossy(records: Records) -> NDArray[np.bool_]:
    """Which MULTIPLY records can meet a sum that their ADC clips or rounds: those that do not keep to N9."""
    largest = (1 << records["adc_bits"].astype(np.int64)) - 1
    return (records["bound"] > largest) | (records["adc_shift"] > 0)


def may_clip(program: Program) -> MayClip:
    """What of a program may clip."""
    records = _multiplies(program)
    lossy, made = are_lossy(records), _for_each_vector(records, program)
    layers, of_layers = (len(np.unique(ys)) for ys in (records["y"][lossy], records["y"]))
    return MayClip(int(lossy.sum()), len(records), round(made[lossy].sum()), round(made.sum()), layers, of_layers)


def clipping_layers(program: Program) -> dict[int, int]:
    """By the value that a multiplication writes, how many of its conversions for one vector may clip, if any."""
    records = _multiplies(program)
    records = records[are_lossy(records)]
    values, places = np.unique(records["y"], return_inverse=True)
    counts = np.bincount(places.reshape(-1), _for_each_vector(records, program), len(values))
    return {value: round(count) for value, count in zip(values.tolist(), counts.tolist(), strict=True)}


def _for_each_vector(records: Records, program: Program) -> NDArray[np.float64]:
    """Conversions of each record for a vector, on average: copies of a weight take turns."""
    copies = copies_of_values(program.multiplications, program.weights, program.slots)[records["y"]]
    return conversions_of(records, program) / copies


def _multiplies(program: Program) -> Records:
    return program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
