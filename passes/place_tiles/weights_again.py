"""Weights that are multiplied by once more when the load that they came with is gone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xdsl.dialects.builtin import SymbolRefAttr

from dialects.array import MultiplyOp
from dialects.cim import WeightOp
from dialects.network import Network
from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import arrays_used
from passes.rewriting.levels import stage_numbers
from passes.rewriting.multiplications import tiled_multiplies

Placed = Mapping[str, tuple[Placement, int]]
"""The place of each weight, by symbol, and the load that it is in."""


def with_weights_again(network: Network, placed: Placed, place: Callable[[], Placed]) -> Placed:
    """Give multiplications by a weight whose load has gone and would come again for them an equal weight of their own,
    if fewer arrays are programmed in a run then. Returns places of all weights; `place` finds those of the network.
    """
    again = _Again.of(network, placed)
    if not again.before:
        return placed
    other = place()
    if _programmed_arrays(network, other) < again.arrays:
        return other
    again.undo()
    return placed


def _programmed_arrays(network: Network, placed: Placed) -> int:
    """How many arrays are programmed in a run: those of each load, each time that it comes."""
    arrays: dict[int, int] = {}
    first: dict[int, int] = {}
    for placement, load in placed.values():
        arrays[load] = max(arrays.get(load, 0), arrays_used([placement]))
        first[load] = min(first.get(load, arrays[load]), int(placement.places[:, 0].min(initial=arrays[load])))
    visits = {number: load for _, (number, load) in _visits(network, placed)}
    return sum(arrays[load] - first[load] for load in visits.values())


def _visits(network: Network, placed: Placed) -> list[tuple[MultiplyOp, tuple[int, int]]]:
    """For each multiplication the load that it needs, and how many have come when that does."""
    stages = stage_numbers(network)
    needs = [(stages[op], placed[op.symbol][1], op) for op in tiled_multiplies(network.ops)]
    visits: list[tuple[MultiplyOp, tuple[int, int]]] = []
    loaded: int | None = None
    number = 0
    for _, load, op in sorted(needs, key=lambda need: need[:2]):
        number, loaded = number + (load != loaded), load
        visits.append((op, (number, load)))
    return visits


@dataclass
class _Again:
    """Multiplications that have got a weight of their own, equal to that of earlier ones, and can give it back."""

    network: Network
    arrays: int
    """How many were programmed in a run before."""
    before: dict[MultiplyOp, str] = field(default_factory=dict[MultiplyOp, str])
    weights: list[WeightOp] = field(default_factory=list[WeightOp])

    @staticmethod
    def of(network: Network, placed: Placed) -> "_Again":
        """Those by weights that are needed when their load has gone and come again: one weight for each time.

        Weights of bodies of control flow stay as they are.
        """
        own = _Again(network, _programmed_arrays(network, placed))
        top = set(network.block.ops)
        inside = {op.symbol for op in tiled_multiplies(network.ops) if op not in top}
        times: dict[str, dict[int, str]] = {}
        for op, (number, _) in _visits(network, placed):
            symbol = op.symbol
            if symbol in inside:
                continue
            known = times.setdefault(symbol, {})
            if number not in known:
                known[number] = own._weight(symbol) if known else symbol
            if known[number] != symbol:
                own.before[op] = symbol
                op.weight = SymbolRefAttr(known[number])
        return own

    def _weight(self, symbol: str) -> str:
        """A weight that is equal to another one."""
        weight = self.network.weight(symbol)
        name = self.network.same_named(f"{symbol}.again", weight.digest)[1]
        equal = WeightOp(name, weight.value, weight.tensor_type, weight.affine, weight.structure)
        equal.location = weight.location
        self.network.add_weight(equal)
        self.weights.append(equal)
        return name

    def undo(self) -> None:
        """Multiply by the weights of before."""
        for op, symbol in self.before.items():
            op.weight = SymbolRefAttr(symbol)
        for weight in self.weights:
            self.network.remove_weight(weight)
