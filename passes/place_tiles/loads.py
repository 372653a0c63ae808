"""Weights that pass through the chip in parts: which come together, what is cut first, and where they lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.locations import node_name
from dialects.network import Network
from passes.analysis.places import Placement
from passes.place_tiles.analysis.cuts import Strip, strips_of
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

    def cut(self, fill: bool) -> bool:
        """Cut each weight that alone takes more crossbars than the chip has; whether there was one.

        If that makes fewer loads, cut also those for which a load has not enough room left (`fill`). Weights in bodies
        of control flow stay whole, since all that a body needs has to be in the chip at once. UserError, with a node,
        if a tile of a weight takes more, or if the chip does not tell the time of programming.
        """
        _ = self.chip.program_row_ns
        strips, loads = self._strips(fill=False)
        if fill:
            more, fewer = self._strips(fill=True)
            strips = more if fewer < loads else strips
        users = self._users()
        for symbol, own in strips.items():
            cut(users[symbol], own, self.network, self.chip)
        return bool(strips)

    def _strips(self, fill: bool) -> tuple[dict[str, list[Strip]], int]:
        """Where which weights are cut, by symbol, and how many loads that makes."""
        units, bodies = self._units()
        room, strips = _Load(self), dict[str, list[Strip]]()
        for unit in units:
            own = {symbol: self.weights[symbol] for symbol in unit}
            if self.fit(room.members | own):
                room.members |= own
                continue
            (symbol, *_), is_large = unit, not self.fit(own)
            if symbol in bodies or not (fill or is_large):
                room.close()
                room.members |= own
                continue
            room.symbol = symbol
            parts = strips_of(own[symbol].tiles, self.network.weight(symbol).matrix_shape[1], room)
            if parts is None:
                raise UserError(f"node {node_name(self._users()[symbol][0])!r}: a tile alone {self._needs(own)}")
            if sum(len(strip.rows) for strip in parts) > 1:
                strips[symbol] = parts
        return strips, room.closed + 1

    def _users(self) -> dict[str, list[MultiplyOp]]:
        users: dict[str, list[MultiplyOp]] = {}
        for op in tiled_multiplies(self.network.ops):
            users.setdefault(op.symbol, []).append(op)
        return users

    def places(self) -> dict[str, tuple[Placement, int]]:
        """The place of each weight, and the part that it is in; weights of early stages are in early parts.

        Arrays of a part have numbers behind those of the parts before it. UserError where bodies of control flow
        need more at once than the chip has, with the node.
        """
        assert self.chip.crossbars is not None
        units, bodies = self._units()

        def members(numbers: Sequence[int]) -> dict[str, WeightTiles]:
            return {symbol: self.weights[symbol] for i in numbers for symbol in units[i]}

        loads = loads_of(
            range(len(units)), lambda some: self.place(members(some), self.chip.rows)[1], self.chip.crossbars
        )
        places: dict[str, tuple[Placement, int]] = {}
        before = 0
        for number, some in enumerate(loads):
            own = members(some)
            if not self.fit(own):
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

    def fit(self, weights: Mapping[str, WeightTiles]) -> bool:
        """Whether the chip has as many crossbars as they take together."""
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
        """Weights that have to come together, in the order of their first stages, and the node whose bodies want it."""
        unit = {symbol: [symbol] for symbol in self.weights}
        node_of: dict[str, str] = {}
        for node, symbols in self._bodies():
            merged = list(dict.fromkeys(other for symbol in symbols for other in unit[symbol]))
            merged.sort(key=lambda symbol: self.weights[symbol].stage)
            unit.update((symbol, merged) for symbol in merged)
            node_of.update((symbol, node) for symbol in merged)
        units = list({id(members): members for members in unit.values()}.values())
        return sorted(units, key=lambda members: self.weights[members[0]].stage), node_of


@dataclass
class _Load:
    """The load that weights are put in: those that are there, with the tiles of them that are."""

    of: Loads
    members: dict[str, WeightTiles] = field(default_factory=dict[str, WeightTiles])
    symbol: str = ""
    """Of the weight that is being cut."""
    closed: int = 0
    """How many loads are full."""

    def fits(self, tiles: Table) -> bool:
        return self.of.fit(self._with(tiles))

    def take(self, tiles: Table) -> None:
        self.members = self._with(tiles)

    def close(self) -> bool:
        had = bool(self.members)
        self.members, self.closed = {}, self.closed + had
        return had

    def _with(self, tiles: Table) -> dict[str, WeightTiles]:
        """What is there, and these tiles; of equal ones, and of what they are asked for, nothing is known."""
        known = self.members.get(self.symbol)
        tiles = tiles if known is None else np.concatenate([known.tiles, tiles])
        part = replace(self.of.weights[self.symbol], tiles=tiles, classes=None, works=(), work_of=None)
        return self.members | {self.symbol: part}


def _columns(placements: Sequence[Placement]) -> int:
    """Of all tiles: more where tiles are cut between rows."""
    return sum(int(placement.tiles[:, 3].sum()) for placement in placements)
