"""Weights that are needed once more when their load has gone: an equal weight of their own, if that programs less."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.network import Network
from passes.analysis.places import Placement
from passes.place_tiles.weights_again import with_weights_again

BYTES, SUMS = "tensor<?x4xui8>", "tensor<?x4xi32>"
TILES = np.array([[0, 0, 4, 4]])


def network(*weights: str) -> Network:
    """Multiplications one after the other."""
    text = "".join(f"cim.weight @{name} = dense<{i}> : tensor<4x4xi8> " for i, name in enumerate("abc"))
    text += f"func.func @main(%x0: {BYTES}) {{ "
    for i, weight in enumerate(weights):
        tile = "tile 0: rows 0 to 3, columns 0 to 3"
        text += f"%y{i} = array.multiply %x{i} by @{weight} {{ {tile} }} : {BYTES} -> {SUMS} "
        text += f'%x{i + 1} = cim.digital "Cast"(%y{i}) with {{to = 2 : i64}} : ({SUMS}) -> {BYTES} '
    return Network.of(context := make_context(), Parser(context, f"{text} func.return }}").parse_module())


def placed(**loads: int) -> dict[str, tuple[Placement, int]]:
    """An array for each weight, in the order of loads."""
    return {name: (Placement(TILES, np.array([[i, 0, 0]])), load) for i, (name, load) in enumerate(loads.items())}


def symbols(network: Network) -> list[str]:
    return [op.symbol for op in network.ops if isinstance(op, MultiplyOp)]


def test_a_weight_of_its_own_where_that_programs_fewer_arrays() -> None:
    """Loads of a and b, of c, and of a and b again; or of a and b, of c and what a is."""
    given = network("a", "b", "c", "a")
    better = placed(a=0, b=0, c=1) | {"a.again": (Placement(TILES, np.array([[3, 0, 0]])), 1)}
    assert with_weights_again(given, placed(a=0, b=0, c=1), lambda: better) is better
    assert symbols(given) == ["a", "b", "c", "a.again"]
    again = given.weight("a.again")
    assert (again.value, again.structure) == (given.weight("a").value, None)


def test_the_same_weights_where_it_does_not() -> None:
    given, before = network("a", "b", "a"), placed(a=0, b=1)
    other = placed(a=0, b=1) | {"a.again": (Placement(TILES, np.array([[2, 0, 0]])), 2)}
    assert with_weights_again(given, before, lambda: other) is before
    assert symbols(given) == ["a", "b", "a"]
    assert set(given.weights) == {"a", "b", "c"}


@pytest.mark.parametrize("weights", [("a", "b", "c"), ("a", "a", "c"), ("a", "b", "a")])
def test_a_weight_whose_load_is_still_there(weights: tuple[str, ...]) -> None:
    before = placed(a=0, b=0, c=1)
    assert with_weights_again(network(*weights), before, lambda: {}) is before
