"""What lies in the arrays: the matrix that a multiplication multiplies by, read back from where its tiles were put."""

import numpy as np

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.element_types import Array
from dialects.network import Network
from dialects.semantics.weight_values import column_order, ordered, stored_matrix

Image = dict[int, Array]
"""Contents of each array by number: int32 [rows, columns] of the highest row and column in use."""


def matrix_of(op: MultiplyOp, network: Network, image: Image) -> Array:
    """The int8 matrix [in, out] that `op` multiplies by, as far as its tables say.

    Tiles without a place are read from the weight, placed ones from the `image`; rows that no row group activates
    count as zero, so a wrong table shows as a wrong product. Of a weight with copies, that of the first one, or of
    another that differs from it.
    """
    weight_op = network.weight(op.symbol)
    weight = stored_matrix(weight_op, network)
    matrices = np.zeros((op.count_of_copies, *weight.shape), np.int32)
    copy_of_tiles: list[int] = op.copy_of_tiles.tolist()
    for tile, first, rows in _active_rows(op):
        k, n, _, columns = op.tiles.array[tile].tolist()
        if op.places is None:
            content = weight.tile(k + first, n, rows, columns)
        else:
            array, row, column = op.places.array[tile].tolist()
            content = image[array][row + first : row + first + rows, column : column + columns]
        matrices[copy_of_tiles[tile], k + first : k + first + rows, n : n + columns] += content
    differs = (matrices != matrices[0]).any(axis=(1, 2))
    matrix = matrices[int(differs.argmax())]
    return ordered(matrix.astype(np.int8), column_order(weight_op, network))


def image_of(ops: list[MultiplyOp], network: Network) -> Image:
    """The arrays after all placed tiles were written, in order: a later tile overwrites an earlier one."""
    image: Image = {}
    for op in ops:
        if op.places is None:
            continue
        weight = stored_matrix(network.weight(op.symbol), network)
        for (k, n, rows, columns), (array, row, column) in zip(op.tiles.array.tolist(), op.places.array.tolist()):
            content = _grown(image.get(array), row + rows, column + columns)
            content[row : row + rows, column : column + columns] = weight.tile(k, n, rows, columns)
            image[array] = content
    return image


def _active_rows(op: MultiplyOp) -> Table:
    """Rows (tile, first row, rows) that take part: the row groups, or each tile whole before there are any."""
    if op.groups is not None:
        return op.groups.array[:, :3]
    rows = op.tiles.array[:, 2]
    return np.stack([np.arange(len(rows)), np.zeros_like(rows), rows], axis=1)


def _grown(content: Array | None, rows: int, columns: int) -> Array:
    if content is not None and content.shape[0] >= rows and content.shape[1] >= columns:
        return content
    old = np.zeros((0, 0), np.int32) if content is None else content
    grown = np.zeros((max(rows, old.shape[0]), max(columns, old.shape[1])), np.int32)
    grown[: old.shape[0], : old.shape[1]] = old
    return grown
