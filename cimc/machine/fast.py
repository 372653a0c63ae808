"""The fast engine: compiled loops that count bits where an ADC could clip, and multiply where it provably cannot."""

import numpy as np
from numpy.typing import NDArray

from cimc.machine.encoding import cell_fields, code_bits, excess, input_fields, weight_codes
from cimc.machine.loops import (
    JOB_FIELDS,
    WORD,
    add_conversions,
    add_products,
    largest_sums,
    pack_bits,
)
from cimc.program.program import Program
from cimc.program.records import Opcode, Records
from cimc.program.verifier import programmed_cells, tiles_by_array


class FastEngine:
    """Executes the MULTIPLY records of a program.

    For every record the largest analog sum is computed from the cells as they are (the bound in the file is not
    trusted). Where no conversion can clip and the ADC drops no bits, the ADC is the identity and the record is one
    product of integers; docs/numerics.md has the proof. The other arrays are kept bit-packed as well.
    """

    def __init__(self, program: Program) -> None:
        self.chip = program.chip
        self.instructions = arrange(program.instructions)
        self.jobs = np.stack([self.instructions[name].astype(np.int64) for name in JOB_FIELDS], axis=1)
        self.arrays = program.arrays.view()
        self.arrays.flags.writeable = False  # mapped files are; one type is one compilation
        self.is_exact = np.zeros(len(self.jobs), np.bool_)
        self.image_of = np.zeros(len(self.arrays), np.int64)
        self.slices = cell_fields(self.chip.encoding, self.chip.cell_bits)
        self.images = self._prepare(program.tiles)

    def multiply(self, first: int, last: int, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1, y [vectors, N] += x [vectors, K] * cells; counts clipped conversions."""
        jobs, exact = self.jobs[first:last], self.is_exact[first:last]
        if exact.any():
            add_products(jobs, exact, self.arrays, x.astype(np.int16), y)
        if exact.all():
            return 0
        planes = input_fields(self.chip.dac_bits, signed=x.dtype == np.int8)
        return add_conversions(
            jobs,
            ~exact,
            self.images,
            self.image_of,
            (planes.firsts, planes.widths, planes.significances),
            (self.slices.firsts, self.slices.widths, self.slices.significances),
            excess(self.chip.encoding),
            x.view(np.uint8),
            y.view(np.uint32),
        )

    def _prepare(self, tiles: NDArray[np.int32]) -> NDArray[np.uint64]:
        """Fills `is_exact` and `image_of`; returns the images of the arrays that need one."""
        _, rows, columns = self.arrays.shape
        table, bits = weight_codes(self.chip.encoding), code_bits(self.chip.encoding)
        multiplies = np.flatnonzero(self.instructions["op"] == Opcode.MULTIPLY)
        members = tiles_by_array(tiles, len(self.arrays))
        images: list[NDArray[np.uint64]] = []
        for numbers in _by_array(multiplies, self.jobs[:, 0]):
            array = int(self.jobs[numbers[0], 0])
            programmed = programmed_cells(tiles[members[array]], rows, columns)
            codes = table[self.arrays[array].view(np.uint8)] * programmed
            self.is_exact[numbers] = self._cannot_clip(codes, self.jobs[numbers])
            if not self.is_exact[numbers].all():
                image = np.zeros((bits + 1, -(-rows // WORD), columns), np.uint64)
                pack_bits(codes, image[:bits])
                pack_bits(programmed.astype(np.uint16), image[bits:])
                self.image_of[array] = len(images)
                images.append(image)
        return np.stack(images) if images else np.zeros((0, bits + 1, 0, columns), np.uint64)

    def _cannot_clip(self, codes: NDArray[np.uint16], jobs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The lossless rule, per job of one array, from the codes of its cells."""
        sums = np.zeros(len(jobs), np.int64)
        largest_sums(codes, self.slices.firsts, self.slices.widths, jobs, sums)
        bounds = sums * ((1 << self.chip.dac_bits) - 1)
        return (bounds < 1 << jobs[:, 7]) & (jobs[:, 8] == 0)


def arrange(records: Records) -> Records:
    """Brings multiplications of the same values together, inside each run of MULTIPLY records.

    They may change places: addition modulo 2**32 commutes, and a value that is being summed up is not yet read.
    """
    multiplies = records["op"] == Opcode.MULTIPLY
    runs = np.cumsum(np.diff(multiplies, prepend=False) | ~multiplies)
    return records[np.lexsort((records["y"], records["stage"], runs))]


def _by_array(numbers: NDArray[np.intp], array_of: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """The numbers, divided by the array that each belongs to."""
    ordered = numbers[np.argsort(array_of[numbers], kind="stable")]
    return [part for part in np.split(ordered, np.flatnonzero(np.diff(array_of[ordered])) + 1) if len(part)]
