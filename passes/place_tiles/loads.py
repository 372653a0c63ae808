"""Weights that pass through the chip in parts: which come together, what is cut first, and where they lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.locations import node_name
from dialects.network import Network
from passes.analysis.places import Placement
from passes.place_tiles.analysis.cuts import strips_of
from passes.place_tiles.analysis.loads import loads_of
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.cutting import cut
from passes.rewriting.levels import is_staged
from passes.rewriting.multiplications import tiled_multiplies

Place = Callable[[Mapping[str, WeightTiles], int], tuple[list[Placement], int]]
"""Some weights, by symbol, and how many rows of arrays they may have -> their places, from array 0 on, and how many
crossbars these arrays have; no places where the cells alone need more crossbars than the chip has."""


@dataclass(frozen=True)
class Loads:
    """The weights of a network that pass through a chip in parts."""

    network: Network
    chip: ChipAttr
    weights: Mapping[str, WeightTiles]
    place: Place
    may_be_low: bool = False
    """Whether weights can be placed in fewer rows, to be programmed sooner."""

    def cut_large(self) -> bool:
        """Cut each weight that alone takes more crossbars than the chip has; whether there was one.

        Weights in bodies of control flow stay whole, since all that a body needs has to be in the chip at once.
        UserError, with a node, if a tile of a weight takes more, or if the chip does not tell the time of programming.
        """
        _ = self.chip.program_row_ns
        large = [symbol for symbol in self.weights if not self._fits({symbol: self.weights[symbol]})]
        users: dict[str, list[MultiplyOp]] = {}
        for op in tiled_multiplies(self.network.ops):
            users.setdefault(op.symbol, []).append(op)
        kept = {symbol for _, symbols in self._bodies() for symbol in symbols}
        for symbol in [symbol for symbol in large if symbol not in kept]:
            own = self.weights[symbol]
            alone = replace(own, classes=None, times=None, works=(), work_of=None)

            def fits(tiles: Table, symbol: str = symbol, alone: WeightTiles = alone) -> bool:
                return self._fits({symbol: replace(alone, tiles=tiles)})

            strips = strips_of(own.tiles, self.network.weight(symbol).matrix_shape[1], fits)
            if strips is None or sum(len(strip.rows) for strip in strips) < 2:
                raise UserError(f"node {node_name(users[symbol][0])!r}: a tile alone {self._needs({symbol: own})}")
            cut(users[symbol], strips, self.network, self.chip)
        return len(set(large) - kept) > 0

    def places(self) -> dict[str, tuple[Placement, int]]:
        """The place of each weight, and the part that it is in; weights of early stages are in early parts.

        Arrays of a part have numbers behind those of the parts before it. UserError where bodies of control flow
        need more at once than the chip has, with the node.
        """
        assert self.chip.crossbars is not None
        units, bodies = self._units()
        order = sorted(range(len(units)), key=lambda i: self.weights[units[i][0]].stage)

        def members(numbers: Sequence[int]) -> dict[str, WeightTiles]:
            return {symbol: self.weights[symbol] for i in numbers for symbol in units[i]}

        loads = loads_of(order, lambda some: self.place(members(some), self.chip.rows)[1], self.chip.crossbars)
        places: dict[str, tuple[Placement, int]] = {}
        before = 0
        for number, some in enumerate(loads):
            own = members(some)
            if not self._fits(own):
                node = bodies.get(next(iter(own)), "")
                raise UserError(
                    f"node {node!r}: what its bodies multiply by comes into the chip before it begins, and "
                    f"{self._needs(own)}"
                )
            placements = self._low(own) if self.may_be_low else self.place(own, self.chip.rows)[0]
            for symbol, placement in zip(own, placements, strict=True):
                places[symbol] = replace(placement, places=placement.places + np.array([before, 0, 0])), number
            before += arrays_used(placements)
        return places

    def _fits(self, weights: Mapping[str, WeightTiles]) -> bool:
        return self.place(weights, self.chip.rows)[1] <= (self.chip.crossbars or 0)

    def _low(self, weights: Mapping[str, WeightTiles]) -> list[Placement]:
        """Places of a load in the fewest rows of arrays that a search which halves finds, for programming takes as long
        as rows do; no tile is cut between rows for it."""
        high = self.chip.rows
        low = max(int(weight.tiles[:, 2].max(initial=1)) for weight in weights.values())
        best, _ = self.place(weights, high)
        columns = _columns(best)
        while low < high:
            middle = (low + high) // 2
            placements, crossbars = self.place(weights, middle)
            if crossbars > (self.chip.crossbars or 0) or _columns(placements) > columns:
                low = middle + 1
            else:
                best, high = placements, middle
        return best

    def _needs(self, weights: Mapping[str, WeightTiles]) -> str:
        """That weights need more than the chip has, and what to do."""
        chip = self.chip
        placements, crossbars = self.place(weights, chip.rows)
        arrays = f"{crossbars} crossbars in {arrays_used(placements)} arrays"
        needed = arrays if placements else f"at least {crossbars} crossbars"
        return f"needs {needed}, chip {chip.chip_name!r} has {chip.crossbars} in {chip.arrays}: raise its `arrays`"

    def _bodies(self) -> list[tuple[str, list[str]]]:
        """The node of each control flow, and the weights that its bodies multiply by, those inside of others too."""
        staged = [op for op in self.network.block.ops if is_staged(op)]
        return [(node_name(op), [m.symbol for m in op.walk() if isinstance(m, MultiplyOp)]) for op in staged]

    def _units(self) -> tuple[list[list[str]], dict[str, str]]:
        """Weights that have to come together, those of the earliest stage first, and the node whose bodies want it."""
        unit = {symbol: [symbol] for symbol in self.weights}
        node_of: dict[str, str] = {}
        for node, symbols in self._bodies():
            merged = list(dict.fromkeys(other for symbol in symbols for other in unit[symbol]))
            merged.sort(key=lambda symbol: self.weights[symbol].stage)
            unit.update((symbol, merged) for symbol in merged)
            node_of.update((symbol, node) for symbol in merged)
        return list({id(members): members for members in unit.values()}.values()), node_of


def _columns(placements: Sequence[Placement]) -> int:
    """Of all tiles: more where tiles are cut between rows."""
    return sum(int(placement.tiles[:, 3].sum()) for placement in placements)
