"""Weights that pass through the chip in parts: which come together, what is cut, and where they lie."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.network import Network
from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.loads import Loads
from passes.rewriting.levels import stage_numbers
from passes.rewriting.multiplications import tiled_multiplies

CHIP: dict[str, object] = {
    **{"name": "few", "rows": 4, "columns": 4, "cell_bits": 8, "dac_bits": 1, "adc_bits": 8, "adcs": 1},
    **{"encoding": "offset", "arrays": 2, "program_row_ns": 10.0},
}
BYTES, SUMS = "tensor<?x4xui8>", "tensor<?x4xi32>"


def multiply(weight: str, x: str = "x") -> str:
    tile = "tile 0: rows 0 to 3, columns 0 to 3"
    return f'%{weight}y = array.multiply %{x} by @{weight} {{ {tile} }} : {BYTES} -> {SUMS} loc("/{weight}")'


def branch(*weights: str, node: str = "/if") -> str:
    """An `If` that multiplies by weights in a body."""
    inner = " ".join(multiply(weight) for weight in weights)
    body = f"{{ {inner} cim.yield %{weights[0]}y : {SUMS} }}"
    other = f"{{ cim.yield %z : {SUMS} }}"
    names = '["then_branch", "else_branch"]'
    return (
        f'%{weights[0]}if = cim.digital "If"(%go) bodies {names} {body} {other} : (tensor<i1>) -> {SUMS} loc("{node}")'
    )


def own_arrays(weights: Mapping[str, WeightTiles], rows: int) -> tuple[list[Placement], int]:
    """An array for each tile."""
    ends = np.cumsum([len(weight.tiles) for weight in weights.values()]).tolist()
    placements = [
        Placement(weight.tiles, np.array([[end - len(weight.tiles) + i, 0, 0] for i in range(len(weight.tiles))]))
        for weight, end in zip(weights.values(), ends)
    ]
    return placements, ends[-1]


def loads(*operations: str, **chip: object) -> Loads:
    context = make_context()
    weights = "".join(f"cim.weight @{name} = dense<1> : tensor<4x4xi8> " for name in "abcd")
    arguments = f"%x: {BYTES}, %w: tensor<?x12xui8>, %z: {SUMS}, %go: tensor<i1>"
    text = f"""{weights} cim.weight @large = dense<2> : tensor<12x4xi8> cim.weight @huge = dense<3> : tensor<12x4xi8>
      cim.weight @vast = dense<4> : tensor<12x4xi8>
      func.func @main({arguments}) {{ {" ".join(operations)} func.return }}"""
    network = Network.of(context, Parser(context, text).parse_module())
    stages = stage_numbers(network)
    known = {
        op.symbol: WeightTiles(op.tiles.array, dense=True, stage=stages[op]) for op in tiled_multiplies(network.ops)
    }
    values = {key: value for key, value in (CHIP | chip).items() if value is not None}
    return Loads(network, ChipAttr.from_dict(values), known, own_arrays)


LARGE = (
    "%y = array.multiply %w by @large { tile 0: rows 0 to 3, columns 0 to 3 tile 1: rows 4 to 7, columns 0 to 3 "
    f'tile 2: rows 8 to 11, columns 0 to 3 }} : tensor<?x12xui8> -> {SUMS} loc("wide")'
)
LATER = f'%later = cim.digital "Cast"(%by) with {{to = 2 : i64}} : ({SUMS}) -> {BYTES}'


def placed(given: Loads) -> dict[str, tuple[int, int]]:
    """The load of each weight, and its first array."""
    assert not given.cut(fill=False)
    return {name: (load, int(own.places[0, 0])) for name, (own, load) in given.places().items()}


def test_early_stages_are_in_early_parts_and_arrays_go_on() -> None:
    given = loads(multiply("b"), LATER, multiply("a", "later"), multiply("c"))
    assert placed(given) == {"b": (0, 0), "c": (0, 1), "a": (1, 2)}


def test_what_bodies_need_comes_together() -> None:
    assert placed(loads(multiply("a"), branch("b", "c"), multiply("d"))) == {
        **{"a": (0, 0), "d": (0, 1)},
        **{"b": (1, 2), "c": (1, 3)},
    }


def test_weights_of_two_constructs_come_together_where_they_share_one() -> None:
    given = loads(branch("a", "b"), branch("b", "c").replace("%b", "%n"), multiply("d"), arrays=3)
    assert {name: load for name, (load, _) in placed(given).items()} == {"d": 0, "a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: loads(branch("a", "b", "c"), multiply("d")),
            "node '/if': what its bodies multiply by comes into the chip before it begins, and needs 3 crossbars in 3 "
            "arrays, chip 'few' has 2 in 2: raise its `arrays`",
        ),
        (
            lambda: loads(multiply("a"), program_row_ns=None),
            "chip 'few' gives no program_row_ns: add it to the chip, the cost model needs it",
        ),
    ],
)
def test_what_cannot_be(make: Callable[[], Loads], message: str) -> None:
    with pytest.raises(UserError) as error:
        placed(make())
    assert str(error.value) == message


def test_a_weight_that_alone_is_too_large_is_cut() -> None:
    """What is left of the first load takes a part of it."""
    given = loads(multiply("a"), LARGE)
    assert given.cut(fill=False)
    rows = [given.network.weight(op.symbol).matrix_shape[0] for op in tiled_multiplies(given.network.ops)]
    assert rows == [4, 4, 8]


@pytest.mark.parametrize(("fill", "rows"), [(True, [12, 8, 4, 12]), (False, [12, 12, 12])])
def test_a_weight_is_cut_to_fill_a_load_if_there_are_fewer_then(fill: bool, rows: list[int]) -> None:
    """Twice 3 arrays on 4: two loads either way; three times, on 5: two instead of three."""
    other, last = (LARGE.replace("%y", f"%{name}").replace("@large", f"@{name}") for name in ("huge", "vast"))
    assert not loads(LARGE, other, arrays=4).cut(fill)
    given = loads(LARGE, other, last, arrays=5)
    assert given.cut(fill) == fill
    heights = [given.network.weight(op.symbol).matrix_shape[0] for op in tiled_multiplies(given.network.ops)]
    assert heights == rows


def test_a_tile_that_alone_is_too_large() -> None:
    given = loads(LARGE)
    no_room = Loads(given.network, given.chip, given.weights, lambda some, rows: (own_arrays(some, rows)[0], 8))
    with pytest.raises(UserError) as error:
        no_room.cut(fill=False)
    assert str(error.value) == (
        "node 'wide': a tile alone needs 8 crossbars in 3 arrays, chip 'few' has 2 in 2: raise its `arrays`"
    )


@pytest.mark.parametrize(("low", "rows", "cut"), [(True, 2, False), (False, 4, False), (True, 4, True)])
def test_a_load_lies_in_as_few_rows_as_fit(low: bool, rows: int, cut: bool) -> None:
    """Tiles of 1x4, as many in an array as it has rows: in one of 4 rows, or in two of 2; none is cut for it."""

    def stacked(weights: Mapping[str, WeightTiles], rows: int) -> tuple[list[Placement], int]:
        numbers, count = np.arange(4), 2 if cut and rows < 4 else 1
        tiles = np.repeat(np.array([[0, 0, 1, 4]]), count, axis=0)
        places = [np.repeat([[i // rows, i % rows, 0]], count, axis=0) for i in numbers.tolist()]
        return [Placement(tiles, own) for own in places[: len(weights)]], -(-len(weights) // rows)

    tile = np.array([[0, 0, 1, 4]])
    weights = {name: WeightTiles(tile, dense=True) for name in "abcd"}
    given = loads(multiply("a"))
    placed = Loads(given.network, given.chip, weights, stacked, may_be_low=low).places()
    assert max(int(own.places[:, 1].max()) for own, _ in placed.values()) == rows - 1
    assert {load for _, load in placed.values()} == {0}
