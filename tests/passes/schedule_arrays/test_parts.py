"""Parts of blocks, and the steps that they are."""

import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.hardware import chip_of
from dialects.network import Network
from passes.schedule_arrays.analysis.steps import Operator, Permutation, Stage
from passes.schedule_arrays.parts import StepMaker, parts_of

TEXT = """
builtin.module attributes {hardware.chip = #hardware.chip<"small", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1,
    adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0,
    transfer_ns = 5.0, link_bits_per_ns = 16.0, digital_units = 1, add_ns = 2.0, vector_width = 4, compare_ns = 1.0,
    function_ns = 1.0, normalize_ns = 1.0, attention_units = 1, attention_macs_per_ns = 1.0>} {
  cim.weight @w = dense<127> : tensor<4x2xi8>
  cim.weight @swap = dense<[1, 0, 3, 2]> : tensor<4xi64>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xui8>) -> tensor<?x2xi32> {
    %three = cim.constant dense<3> : tensor<ui8>
    %a = cim.digital "Max"(%x, %three) : (tensor<?x4xui8>, tensor<ui8>) -> tensor<?x4xui8>
    %p = cim.permute %a, @swap : tensor<?x4xui8> -> tensor<?x4xui8>
    %q = cim.digital "Max"(%p, %a) : (tensor<?x4xui8>, tensor<?x4xui8>) -> tensor<?x4xui8>
    %b = array.multiply %z of 4 bits by @w { tile 0: rows 0 to 3, columns 0 to 1 in array 0 at row 0, column 0 }
      : tensor<?x4xui8> -> tensor<?x2xi32>
    %c = array.multiply %q by @w { tile 0: rows 0 to 3, columns 0 to 1 in array 0 at row 0, column 0 }
      : tensor<?x4xui8> -> tensor<?x2xi32>
    %sum = cim.digital "Add"(%b, %c) : (tensor<?x2xi32>, tensor<?x2xi32>) -> tensor<?x2xi32>
    func.return %sum : tensor<?x2xi32>
  }
}
"""


@pytest.fixture
def network() -> Network:
    context = make_context()
    return Network.of(context, Parser(context, TEXT).parse_module())


def test_parts_in_order(network: Network) -> None:
    parts = [[op.results[0].name_hint for op in part.ops] for part in parts_of(network.block)]
    assert parts == [["three", "a"], ["p"], ["q"], ["b", "c"], ["sum"]]


def test_steps(network: Network) -> None:
    """Values are numbered as they are made; 4 inputs have 16 or 32 bits, sums and what is permuted 32 each."""
    parts = parts_of(network.block)
    first, permutation, second, stage, last = (
        step for row in StepMaker(network, chip_of(network.module), 0).rows(parts) for step in row
    )
    assert isinstance(first, Operator)
    assert isinstance(second, Operator)
    assert isinstance(last, Operator)
    assert isinstance(stage, Stage)
    assert [list(operator.needs) for operator in (first, second, last)] == [[], [1, 0], [3, 4]]
    assert [operator.cost.picoseconds for operator in (first, second, last)] == [1000, 1000, 2000]
    assert permutation == Permutation(5000 + 128 * 1000 // 16, [0])
    assert (list(stage.needs), stage.ins) == ([[], [2]], [5000 + 1000, 5000 + 2000])
    assert stage.outs == [5000 + 64 * 1000 // 16] * 2
    assert [(product.source, product.planes) for product in stage.products] == [(0, 4), (1, 8)]
    assert [len(part.steps) for part in parts] == [1, 1, 1, 1, 1]
