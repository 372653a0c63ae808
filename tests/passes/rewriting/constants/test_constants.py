"""Matrices that are dequantised on their way: what scale and zero point make of their shape."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.element_types import Array
from dialects.network import Network, main_block
from passes.rewriting.constants.constants import ComputedConstants, ConstantMatrix, constant_matrix, turned


def found(scale: str, node: str) -> ConstantMatrix | None:
    """The matrix that `node` makes of the weight `[[1, 2, 3]]` and a scale of ones of that shape."""
    context = make_context()
    module = Parser(
        context,
        f"""cim.weight @w = dense<[[1, 2, 3]]> : tensor<1x3xi8>
        cim.weight @s = dense<1.0> : tensor<{scale}xf32>
        func.func @main() -> tensor<*xf32> {{
          %w = cim.read @w : tensor<1x3xi8>
          %s = cim.read @s : tensor<{scale}xf32>
          %c = cim.digital "Cast"(%w) with {{to = 1 : i64}} : (tensor<1x3xi8>) -> tensor<1x3xf32>
          %y = cim.digital {node} -> tensor<*xf32>
          func.return %y : tensor<*xf32>
        }}""",
    ).parse_module()
    last = [op for op in main_block(module).ops if isinstance(op, DigitalOp)][-1]
    return constant_matrix(last.outputs[0], Network.of(context, module))


@pytest.mark.parametrize(
    ("scale", "values"),
    [("3", [[1, 2, 3]]), ("1x3", [[1, 2, 3]]), ("2x1", [[1, 2, 3]] * 2), ("2x3", [[1, 2, 3]] * 2)],
)
def test_a_scale_may_make_a_matrix_larger(scale: str, values: list[list[int]]) -> None:
    matrix = found(scale, f'"Mul"(%c, %s) : (tensor<1x3xf32>, tensor<{scale}xf32>)')
    assert matrix is not None
    integers: Array = matrix.values
    assert (integers.dtype, integers.tolist()) == (np.int8, values)
    assert matrix.floats().tolist() == values


def test_scales_that_do_not_fit() -> None:
    assert found("2", '"Mul"(%c, %s) : (tensor<1x3xf32>, tensor<2xf32>)') is None
    assert found("2", '"DequantizeLinear"(%w, %s) with {axis = 0 : i64} : (tensor<1x3xi8>, tensor<2xf32>)') is None


def test_what_is_made_of_constants_alone() -> None:
    """However long the way; an absent input does not count, and an operator without inputs is none."""
    chain = "\n".join(
        f'%c{i} = cim.digital "Add"(%c{i - 1}, %c{i // 2}) : (tensor<f32>, tensor<f32>) -> tensor<f32>'
        for i in range(1, 2000)
    )
    module = Parser(
        make_context(),
        f"""func.func @main(%x: tensor<f32>) {{
          %none = cim.none : none
          %c0 = cim.constant dense<1.0> : tensor<f32>
          {chain}
          %clipped = cim.digital "Clip"(%c1999, %none) : (tensor<f32>, none) -> tensor<f32>
          %mixed = cim.digital "Add"(%clipped, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          %after = cim.digital "Add"(%mixed, %c0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
          %drawn = cim.digital "RandomNormal"() : () -> tensor<f32>
          func.return
        }}""",
    ).parse_module()
    constants, block = ComputedConstants(), main_block(module)
    found = {r.name_hint: constants.has(r) for op in reversed(block.ops) for r in op.results}
    assert [name for name, constant in found.items() if not constant] == ["drawn", "after", "mixed", "none"]
    assert not constants.has(block.args[0])
    assert constants.has()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (600, 7), (256, 512)])
def test_turned(shape: tuple[int, int]) -> None:
    values = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    result = turned(values)
    assert result.flags.c_contiguous
    assert np.array_equal(result, values.T)
    assert np.array_equal(turned(values.T), values)
