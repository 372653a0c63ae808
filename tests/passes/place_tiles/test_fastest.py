"""Of several placements that is taken which is scheduled fastest."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from cimc.clock.graph import Kind
from cimc.clock.retiming import retimed
from cimc.clock.steps import steps_of
from cimc.compiler import Options, compile_network
from cimc.universe import make_context
from dialects.hardware import chip_of
from dialects.network import Network
from passes.analysis.objectives import OBJECTIVES
from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.work import Work
from passes.place_tiles.fastest import fastest_places, places_in_few_arrays, stages_ps

ONES = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1,
    adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0,
    transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, vector_width = 4>} {
  cim.weight @w = dense<1> : tensor<4x4xi8>
  func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
    %a = array.multiply %x by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x4xi32>) -> tensor<?x4xui8>
    %b = array.multiply %q by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
  }
}
"""


def placement(tiles: list[tuple[int, ...]], places: list[tuple[int, ...]]) -> Placement:
    return Placement(np.array(tiles), np.array(places))


WHOLE = placement([(0, 0, 4, 4)], [(0, 0, 0)])
COLUMNS = placement([(0, 0, 4, 2), (0, 2, 4, 2)], [(0, 0, 0), (1, 0, 0)])
ROWS = placement([(0, 0, 2, 4), (2, 0, 2, 4)], [(0, 0, 0), (1, 0, 0)])
TIMES = [(WHOLE, 8 * (10 + 4 * 4)), (COLUMNS, 8 * (10 + 2 * 4)), (ROWS, 8 * (10 + 4 * 3) + 2)]
"""4 rows need 4 bits, 2 rows 3 and an addition."""
SPARE = placement([(0, 0, 2, 4), (2, 0, 2, 4)], [(0, 0, 0), (2, 0, 0)])
IN_ONE_ARRAY = placement([(0, 0, 2, 4), (2, 0, 2, 4)], [(0, 0, 0), (0, 2, 0)])


@pytest.mark.parametrize(("own", "ns"), TIMES)
def test_stages_take_what_they_are_scheduled_for(own: Placement, ns: int) -> None:
    """The weight is multiplied twice, one after the other."""
    context = make_context()
    module = Parser(context, ONES).parse_module()
    assert stages_ps({"w": own}, Network.of(context, module), chip_of(module)) == 2 * 1000 * ns


@pytest.mark.parametrize(("most", "expected"), [(2, COLUMNS), (1, WHOLE), (0, COLUMNS)])
def test_the_fastest_that_fits(most: int, expected: Placement) -> None:
    context = make_context()
    module = Parser(context, ONES).parse_module()
    ways = {"latency": [ROWS], "arrays": [WHOLE], "throughput": [COLUMNS]}

    def fits(way: list[Placement]) -> bool:
        return int(way[0].places[:, 0].max()) < most

    def place(weights: Sequence[WeightTiles], objective: str) -> list[Placement]:
        assert [weight.parts for weight in weights] == [None]
        return ways[objective]

    weights = {"w": WeightTiles(WHOLE.tiles, True)}
    assert fastest_places(weights, place, fits, Network.of(context, module), chip_of(module)) == [expected]


def test_parts_are_tried() -> None:
    """With ADCs of 3 bits, two rows are a row group."""
    context = make_context()
    module = Parser(context, ONES.replace("adc_bits = 8", "adc_bits = 3")).parse_module()
    tried: list[int] = []

    def place(weights: Sequence[WeightTiles], objective: str) -> list[Placement]:
        tried.append(0 if weights[0].parts is None else len(weights[0].parts))
        return [WHOLE if weights[0].parts is None else ROWS]

    weights = {"w": WeightTiles(WHOLE.tiles, True)}
    network, chip = Network.of(context, module), chip_of(module)
    assert fastest_places(weights, place, lambda way: True, network, chip) == [ROWS]
    assert tried == [0, 2, 0, 0]


@pytest.mark.parametrize(
    ("bits", "parts", "expected"),
    [(8, ROWS, WHOLE), (3, ROWS, ROWS), (3, SPARE, WHOLE), (3, IN_ONE_ARRAY, WHOLE)],
    ids=["no parts", "faster", "more arrays", "not faster"],
)
def test_the_fewest_arrays(bits: int, parts: Placement, expected: Placement) -> None:
    """A tile that needs two row groups of an ADC of 3 bits; there is another array, which whole tiles leave empty."""
    context = make_context()
    module = Parser(context, ONES.replace("adc_bits = 8", f"adc_bits = {bits}")).parse_module()
    works = (Work(8, 4, 8, 2.0),)
    weights = {"w": WeightTiles(WHOLE.tiles, True, works=works, work_of=np.array([0]))}

    def place(some: Sequence[WeightTiles], objective: str) -> list[Placement]:
        assert objective == "arrays"
        if some[0].parts is None:
            return [WHOLE if expected is not ROWS else replace(WHOLE, places=np.array([(1, 0, 0)]))]
        assert some[0].parts[:, 3].tolist() == [2, 2]
        return [parts]

    (placed,) = places_in_few_arrays(weights, place, Network.of(context, module), chip_of(module))
    assert placed.tiles.tolist() == expected.tiles.tolist()


def test_where_a_row_is_too_much_for_the_adc() -> None:
    context = make_context()
    module = Parser(context, ONES.replace("adc_bits = 8", "adc_bits = 1")).parse_module()
    assert stages_ps({"w": WHOLE}, Network.of(context, module), chip_of(module)) is None


@pytest.mark.parametrize("seed", [1, 3, 11])
@pytest.mark.parametrize("more", [0, 3])
def test_no_other_objective_is_faster(seed: int, more: int, onnx_file: Callable[..., Path]) -> None:
    """Chains on the fewest arrays, and on some more, as whole programs."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(20, 320, 4).tolist()
    weights: dict[str, NDArray[np.float32]] = {}
    for number, shape in enumerate(pairwise(sizes)):
        weights[f"w{number}"] = rng.standard_normal(shape).astype(np.float32)
    body = "  ".join(f"v{number + 1} = MatMul(v{number}, w{number})" for number in range(3))
    network = onnx_file(f"g (float[n,{sizes[0]}] v0) => (float[n,{sizes[-1]}] v3) {{ {body} }}", weights)
    arrays = more + len(compile_network(network, Options(measure=False)).program.arrays)
    latencies: dict[str, int] = {}
    for objective in OBJECTIVES:
        program = compile_network(network, Options(objective=objective, arrays=arrays, measure=False)).program
        steps = steps_of(program)
        steps = replace(steps, duration=np.where(steps.kind == Kind.OPERATOR, 0, steps.duration))
        latencies[objective] = retimed(steps).latency
    assert latencies["latency"] == min(latencies.values())
