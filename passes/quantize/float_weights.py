"""Float weights as integers: each is quantised once, however many multiplications read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from dialects.attributes.structure import REPEATED, BlocksAttr
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network
from dialects.notes import LayerNotes
from dialects.weights import Remake
from passes.quantize.analysis.choices import FULL, Resolution
from passes.quantize.analysis.grids import Grid
from passes.quantize.analysis.quantization import Quantised, as_blocks, quantised
from passes.quantize.analysis.tied_columns import tied_columns
from passes.rewriting.digital import DigitalBuilder

_NOWHERE = np.empty(0, np.int8)
"""The values of a weight that is in the store, which need not keep them in memory."""
NAMES = ("weight_bits", "weight_group", "quantisation_error", "largest_scale_error")
"""What is noted of each multiplication by a weight that is not simply of 8 bits, with a scale for each column."""

Rounding = Callable[[str, Array, Resolution, npt.NDArray[np.int64] | None], Quantised | None]
"""Makes integers of the weight of a symbol, [in, out] or blocks [blocks, rows, columns], in a way of its own.

The last argument names for each column the group of columns that are tied to one scale, and whose equal numbers must
become equal integers. None where it has no better way than `quantised`.
"""


@dataclass(frozen=True)
class FloatWeights:
    """The integers of float weights, by `resolution` or, for the symbols in `others`, as these say."""

    network: Network
    resolution: Resolution
    notes: LayerNotes
    others: Mapping[str, Resolution] = field(default_factory=dict[str, Resolution])
    rounding: Rounding | None = None
    _known: dict[str, tuple[str, Quantised]] = field(default_factory=dict[str, tuple[str, Quantised]])

    def stored(self, builder: DigitalBuilder, matmul: MatmulOp) -> tuple[str, Quantised]:
        """The symbol of the integers that a multiplication's weight becomes, and what they are."""
        if matmul.symbol in self._known:
            name, known = self._known[matmul.symbol]
            made = replace(known, values=self.network.array(name))
        else:
            name, made = self._made(builder, matmul)
            self._known[matmul.symbol] = name, replace(made, values=_NOWHERE)
        self._note(matmul, made)
        return name, made

    def _made(self, builder: DigitalBuilder, matmul: MatmulOp) -> tuple[str, Quantised]:
        symbol, store = matmul.symbol, self.network.store
        weight, how = self.network.weight(symbol), self.others.get(symbol, self.resolution)
        floats = weight.array(store)
        assert floats.dtype.kind == "f", f"weight @{symbol} of {floats.dtype} has no scale"
        try:
            tied = _tied(weight, floats)
            made = None if self.rounding is None else self.rounding(symbol, floats, how, tied)
            nearest = made is None
            made = quantised(floats, how, tied) if made is None else made
        except OverflowError as error:
            raise UserError(
                f"node {node_name(matmul)!r}: weight @{symbol} has {error} (NaN, infinite or too large), which "
                "integers with a scale cannot stand for"
            ) from error
        source = weight.again(store) if nearest else None
        again = None if source is None else partial(_rounded_again, source, made.grid)
        name = builder.weight(made.values, f"{symbol}.int{how.bits}", structure=weight.structure, again=again)
        return name, made

    def _note(self, matmul: MatmulOp, made: Quantised) -> None:
        how = self.others.get(matmul.symbol, self.resolution)
        if how == FULL:
            self.notes.look_at(node_name(matmul))
            return
        group = {} if how.group is None else {"weight_group": float(how.group)}
        errors = {"quantisation_error": made.error, "largest_scale_error": made.largest_error}
        self.notes.add(node_name(matmul), weight_bits=float(how.bits), **group, **errors)


def _tied(weight: WeightOp, floats: Array) -> npt.NDArray[np.int64] | None:
    """Which columns of a weight have one scale; None if each has its own."""
    structure = weight.structure
    if not isinstance(structure, BlocksAttr) or weight.kind != REPEATED:
        return None
    return tied_columns(floats, structure.rectangles)


def _rounded_again(floats: Remake, grid: Grid) -> Array:
    matrix = floats()
    return grid.rounded(as_blocks(matrix)).reshape(matrix.shape)
