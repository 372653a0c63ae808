"""What a multiplication asks of its tiles, by its chip, its inputs and the numbers of its weight."""

from dataclasses import replace

import pytest
from xdsl.dialects.builtin import UnrankedTensorType, i8
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.hardware import ChipAttr, chip_of
from dialects.network import Network
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.tile_work import prices_of, vectors_of, with_parts, works_of, works_of_a_run

TILED = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<[[3, 1], [-1, 1]]> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x2xi8>) -> tensor<?x2xi32> {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 1, columns 0 to 1
    } : tensor<?x2xi8> -> tensor<?x2xi32>
    func.return %a : tensor<?x2xi32>
  }
}
"""  # noqa: E501


def test_work() -> None:
    """128 + 3 and 128 - 1 have digits 2 0 0 3 and 1 3 3 3: the lowest of the first column come to 6 in two rows."""
    context = make_context()
    module = Parser(context, TILED).parse_module()
    (multiply,) = [op for op in module.walk() if isinstance(op, MultiplyOp)]
    (work,), work_of = works_of(multiply, multiply.tiles.array, Network.of(context, module), chip_of(module))
    assert work_of.tolist() == [0]
    assert (work.planes, work.slices, work.input_bits, work.peak) == (8, 4, 8, 3.0)


def test_parts() -> None:
    """Digits of 128 + 3 and 128 - 1: with ADCs of 2 bits each row is alone."""
    context = make_context()
    for bits, rows in ((8, []), (2, [1, 1])):
        module = Parser(context, TILED.replace("adc_bits = 8", f"adc_bits = {bits}")).parse_module()
        (multiply,) = [op for op in module.walk() if isinstance(op, MultiplyOp)]
        network, chip = Network.of(context, module), chip_of(module)
        works, work_of = works_of(multiply, multiply.tiles.array, network, chip)
        weight = WeightTiles(multiply.tiles.array, True, works=works, work_of=work_of)
        known = with_parts({"w": weight}, network, chip)["w"]
        assert known.parts is not None
        assert known.parts[:, 3].tolist() == rows
        numbers: list[int] = known.parts[:, -1].tolist()
        assert [known.works[number].peak for number in numbers] == [3.0 for _ in rows]


RUN = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<2x2xi8>
  func.func @main(%x: tensor<?x5x2xui8>, %z: tensor<?x2xi8>) -> (tensor<?x5x2xi32>, tensor<?x2xi32>) {
    %a = array.multiply %x of 4 bits by @w {
      tile 0: rows 0 to 1, columns 0 to 1
    } : tensor<?x5x2xui8> -> tensor<?x5x2xi32>
    %b = array.multiply %z by @w {
      tile 0: rows 0 to 1, columns 0 to 1
    } : tensor<?x2xi8> -> tensor<?x2xi32>
    func.return %a, %b : tensor<?x5x2xi32>, tensor<?x2xi32>
  }
}
"""  # noqa: E501


def test_all_vectors_of_a_run() -> None:
    """Five vectors of 4 planes and one of 8."""
    context = make_context()
    module = Parser(context, RUN).parse_module()
    users, chip = [op for op in module.walk() if isinstance(op, MultiplyOp)], chip_of(module)
    works, _ = works_of(users[0], users[0].tiles.array, Network.of(context, module), chip)
    assert [work.planes for work in works] == [4]
    assert works_of_a_run(works, users, chip) == (replace(works[0], planes=5 * 4 + 8),)
    assert [vectors_of(user.x.type) for user in users] == [5, 1]
    assert vectors_of(UnrankedTensorType(i8)) == 1


@pytest.mark.parametrize(("bits", "rows"), [(8, []), (2, [1, 1])])
def test_row_groups_alone(bits: int, rows: list[int]) -> None:
    context = make_context()
    module = Parser(context, TILED.replace("adc_bits = 8", f"adc_bits = {bits}")).parse_module()
    (multiply,) = [op for op in module.walk() if isinstance(op, MultiplyOp)]
    network, chip = Network.of(context, module), chip_of(module)
    works, work_of = works_of(multiply, multiply.tiles.array, network, chip)
    weight = WeightTiles(multiply.tiles.array, True, works=works, work_of=work_of)
    known = with_parts({"w": weight}, network, chip, columns=False)["w"]
    assert known.parts is not None
    assert known.parts[:, 3].tolist() == rows
    unknown = with_parts({"w": replace(weight, work_of=None)}, network, chip, columns=False)["w"]
    assert unknown.parts is not None
    assert len(unknown.parts) == 0


def test_prices() -> None:
    chip = load_chip("tiny-4")
    prices = prices_of(chip)
    assert prices is not None
    assert (prices.times.settle_ps, prices.times.adcs) == (10_000, 1)
    keys = chip.to_dict()
    assert prices_of(ChipAttr.from_dict({key: keys[key] for key in keys if key != "settle_ns"})) is None


def test_times_are_known_of_adcs_whose_energy_is_not() -> None:
    keys = {key: value for key, value in load_chip("pcm-256").to_dict().items() if key != "adc_model"}
    chip = ChipAttr.from_dict({**keys, "adc_bits": 11, "adc_model": "survey", "node_nm": 32, "adc_rate_mhz": 100.0})
    prices = prices_of(chip)
    assert prices is not None
    assert prices.costs is None
    assert len(prices.times.adc_ps) == 11
