"""How an int8 weight stands in unsigned memory cells: one number per crossbar of the array's bank."""

import numpy as np
import numpy.typing as npt

from dialects.chip.formats import DIFFERENTIAL, MOST_BITS, OFFSET, CellFormat
from passes.analysis.offsets import column_offsets

Cells = npt.NDArray[np.uint8]


def cells_of(weights: npt.NDArray[np.int8], cell_bits: int, cells: CellFormat) -> Cells:
    """Cells uint8 [slices, ..., rows, columns] of programmed tiles [..., rows, columns], lowest slice first.

    `offset`: the digits of `w + o`, o being the offset of its column. `twos-complement`: the digits of `w`, with the
    sign bit in a slice of its own (for 1-bit cells the digits are the bits). `differential`: digits of `max(w, 0)`,
    then those of `max(-w, 0)`. The weights must fit the format.
    """
    bits, encoding = cells.format.bits, cells.format.encoding
    if encoding == OFFSET:
        if bits == MOST_BITS and not cells.centred:
            return _digits(weights.view(np.uint8) ^ np.uint8(0x80), cell_bits, bits)
        offsets = column_offsets(weights, cells, cell_bits).astype(np.uint8)  # modulo 256, as the sum is
        return _digits(weights.view(np.uint8) + offsets[..., None, :], cell_bits, bits)
    if encoding == DIFFERENTIAL:
        wide = weights.astype(np.int16)
        halves = (np.maximum(wide, 0).astype(np.uint8), np.maximum(-wide, 0).astype(np.uint8))
        return np.concatenate([_digits(half, cell_bits, bits) for half in halves])
    stored = weights.view(np.uint8)
    if cell_bits == 1:
        return _digits(stored, 1, bits)
    low = stored & np.uint8((1 << (bits - 1)) - 1)
    return np.concatenate([_digits(low, cell_bits, bits - 1), (stored >> np.uint8(7))[None]])


def _digits(values: npt.NDArray[np.uint8], width: int, bits: int) -> Cells:
    """The digits of so many bits, lowest first, [digits, ...]; eight bytes are shifted at once where they lie in rows.

    What comes over from the byte above lies outside of the mask.
    """
    shifts, mask = range(0, bits, width), (1 << width) - 1
    digits = np.empty((len(shifts), *values.shape), np.uint8)
    whole = values.ndim > 0 and values.flags.c_contiguous and values.shape[-1] % 8 == 0
    source, target = (values.view(np.uint64), digits.view(np.uint64)) if whole else (values, digits)
    masks = source.dtype.type(mask * 0x0101_0101_0101_0101 if whole else mask)
    for number, shift in enumerate(shifts):
        np.right_shift(source, source.dtype.type(shift), out=target[number])
        target[number] &= masks
    return digits
