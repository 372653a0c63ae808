"""What mappings must know of the weights of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xdsl.ir import Operation, SSAValue

from dialects.array import MultiplyOp
from dialects.attributes.structure import MONARCH
from dialects.chip.formats import CellFormat
from dialects.cim import DigitalOp, PermuteOp
from dialects.hardware import ChipAttr
from dialects.network import Network
from passes.analysis.objectives import THROUGHPUT
from passes.place_tiles.analysis.choices import SPREAD
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.tile_work import vectors_of, works_of, works_of_a_run
from passes.rewriting.levels import sources, stage_numbers
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.weight_tiles import equal_tiles, whole_tiles


def known_weights(
    network: Network, chip: ChipAttr, mapping: str, objective: str
) -> tuple[dict[str, WeightTiles], dict[str, CellFormat]]:
    """What a mapping must know of each weight, and its format, by symbol.

    For `spread` that is also which tiles have equal cells, and what is asked of each.
    """
    weights = _weight_tiles(network, chip)
    formats = {multiply.symbol: multiply.cells(chip) for multiply in tiled_multiplies(network.ops)}
    if mapping == SPREAD:
        weights = _with_work(_with_classes(weights, formats, network), network, chip, objective)
    return weights, formats


def _weight_tiles(network: Network, chip: ChipAttr) -> dict[str, WeightTiles]:
    """The tiles of each weight, by symbol; a weight used twice belongs to the first stage."""
    ops = network.ops
    multiplies, level, second = tiled_multiplies(ops), stage_numbers(network), _second_factors(ops, network)
    tiles_of_symbol: dict[str, WeightTiles] = {}
    for op in sorted(multiplies, key=lambda multiply: level[multiply]):
        symbol = op.symbol
        if symbol not in tiles_of_symbol:
            dense = network.weight(symbol).structure is None
            tiles_of_symbol[symbol] = WeightTiles(whole_tiles(op, network, chip), dense, level[op], symbol in second)
    order = dict.fromkeys(op.symbol for op in multiplies)
    return {symbol: tiles_of_symbol[symbol] for symbol in order}


def _users(network: Network) -> dict[str, list[MultiplyOp]]:
    """The multiplications by each weight, by symbol, in the order of the network."""
    users: dict[str, list[MultiplyOp]] = {}
    for multiply in tiled_multiplies(network.ops):
        users.setdefault(multiply.symbol, []).append(multiply)
    return users


def _with_classes(
    weights: Mapping[str, WeightTiles], formats: Mapping[str, CellFormat], network: Network
) -> dict[str, WeightTiles]:
    """The same, and which tiles have equal cells: with centred offsets or without, they are not the same."""
    classes = equal_tiles({symbol: weight.tiles for symbol, weight in weights.items()}, network)
    return {
        symbol: replace(weight, classes=2 * own + formats[symbol].centred)
        for (symbol, weight), own in zip(weights.items(), classes)
    }


def _with_work(
    weights: Mapping[str, WeightTiles], network: Network, chip: ChipAttr, objective: str
) -> dict[str, WeightTiles]:
    """The same, with the vector that each multiplies first, and what that asks of its tiles.

    With `throughput` what all multiplications ask of them in a run, as far as shapes tell how many vectors that is.
    """
    users = _users(network)
    number: dict[SSAValue, int] = {}
    known: dict[str, WeightTiles] = {}
    for symbol, weight in weights.items():
        first = users[symbol][0]
        works, work_of = works_of(first, weight.tiles, network, chip)
        vectors = 1
        if objective == THROUGHPUT:
            works = works_of_a_run(works, users[symbol], chip)
            vectors = max(vectors_of(user.x.type) for user in users[symbol])
        source = number.setdefault(first.x, len(number))
        known[symbol] = replace(weight, source=source, works=works, work_of=work_of, vectors=vectors)
    return known


def _second_factors(ops: Sequence[Operation], network: Network) -> set[str]:
    """The weights of Monarch pairs that multiply what, but for digital operations, is the result of a first factor."""
    second: set[str] = set()
    after_first: dict[Operation, bool] = {}
    for op in ops:
        after = any(after_first.get(source, False) for source in sources(op))
        if isinstance(op, MultiplyOp):
            symbol = op.symbol
            is_factor = network.weight(symbol).kind == MONARCH
            if is_factor and after:
                second.add(symbol)
            after_first[op] = is_factor and not after
        elif isinstance(op, DigitalOp | PermuteOp):
            after_first[op] = after
    return second
