"""Each weight gets its format: in how many bits, and in which encoding, it stands in arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.array import FormatAttr, MultiplyOp, TableAttr
from dialects.attributes.tables import Table
from dialects.chip.formats import AUTO, CellFormat, Format
from dialects.hardware import ChipAttr, chip_of
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.objectives import ARRAYS, DEFAULT_OBJECTIVE, check_objective
from passes.analysis.offsets import Weights
from passes.choose_formats.analysis.crossbars import Room
from passes.choose_formats.analysis.encodings import Converters, fewest_crossbars, least_time
from passes.choose_formats.analysis.needs import need_of
from passes.choose_formats.analysis.widths import choose_widths
from passes.rewriting.chip_times import array_times
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.weight_tiles import equal_tiles, whole_tiles
from passes.rules import TILED_RIGHTLY, require


@dataclass(frozen=True)
class ChooseFormatsPass(ModulePass):
    """Say of each weight in how many bits, and in which encoding, it stands in its arrays: in the fewest that hold it.

    Before, for cells of 2 bits:
    ```mlir
    %acc = array.multiply %q by @w {
      tile 0: rows 0 to 3, columns 0 to 3
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    ```
    After:
    ```mlir
    %acc = array.multiply %q by @w in 2 bits "offset" {
      tile 0: rows 0 to 3, columns 0 to 3
    } : tensor<?x4xui8> -> tensor<?x4xi32>
    ```
    The bits follow from the integers, in encoding `offset` from what a column of a tile spans. Of the numbers of bits
    that need equally many crossbars the greatest is taken, and no more formats than save crossbars of the network.
    Where the chip's encoding is `auto`, each weight has centred offsets, two's complement or differential cells,
    whichever suits the objective.

    Needs tiles (`tile-blocks`). Where tiles have places already and a format changes, all lose their places, since the
    tiles of an array have one format; all else is left alone. Works on the network as a whole, for weights share the
    arrays.
    """

    name = "choose-formats"
    objective: str = DEFAULT_OBJECTIVE
    """What `auto` aims at: few `arrays`, or little time for `latency` or `throughput`."""

    def __post_init__(self) -> None:
        check_objective(self.objective)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        require(op, TILED_RIGHTLY, self.name)
        network, chip = Network.of(ctx, op), chip_of(op)
        multiplies = tiled_multiplies(network.ops)
        users = {multiply.symbol: multiply for multiply in reversed(multiplies)}
        tiles = {symbol: whole_tiles(user, network, chip) for symbol, user in reversed(users.items())}
        chosen = dict(zip(tiles, self._formats(tiles, network, chip)))
        if any(multiply.cells(chip) != chosen[multiply.symbol] for multiply in multiplies):
            _forget_places(multiplies, tiles)
        for multiply in multiplies:
            multiply.format = FormatAttr(chosen[multiply.symbol])

    def _formats(self, tiles: Mapping[str, Table], network: Network, chip: ChipAttr) -> list[CellFormat]:
        """The format of each weight, which has these tiles."""
        classes = equal_tiles(tiles, network)
        room = Room.of(list(tiles.values()), classes, chip.rows * chip.columns)
        distinct = _distinct(tiles, classes, network)
        needs = [need_of(distinct(number)) for number in range(len(tiles))]
        if chip.encoding != AUTO:
            own = [need.bits(chip.encoding) for need in needs]
            widths = choose_widths(own, chip.encoding, chip.cell_bits, room)
            return [CellFormat(Format(bits, chip.encoding)) for bits in widths]
        converters = Converters(chip.cell_bits, chip.dac_bits, chip.adc_bits, array_times(chip))
        if self.objective == ARRAYS:
            return fewest_crossbars(needs, distinct, converters, room)
        return least_time(needs, distinct, converters, room, chip.crossbars)


def _distinct(
    tiles: Mapping[str, Table], classes: Sequence[Table], network: Network
) -> Callable[[int], Sequence[Weights]]:
    """Gives the numbers of a weight's tiles, equal ones once, by the number of the weight."""
    symbols, tables = list(tiles), list(tiles.values())

    def of(number: int) -> list[Weights]:
        stored = stored_matrix(network.weight(symbols[number]), network)
        first = np.sort(np.unique(classes[number], return_index=True)[1])
        return [np.ascontiguousarray(stored.tile(*tile)) for tile in tables[number][first].tolist()]

    return of


def _forget_places(multiplies: Sequence[MultiplyOp], tiles: Mapping[str, Table]) -> None:
    """Let all multiplications have the tiles that they had before these got places."""
    for multiply in multiplies:
        multiply.places, multiply.copies, multiply.tiles = None, None, TableAttr.of(tiles[multiply.symbol])
