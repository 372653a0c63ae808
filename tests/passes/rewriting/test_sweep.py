"""What contributes nothing goes, what does stays: values that bodies see, scales of weights."""

from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, main_block, main_function, operations, weights_of
from dialects.weights import WeightStore
from passes.rewriting.sweep import sweep

TEXT = """
cim.weight @used = dense<1> : tensor<2x2xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<1.0> : tensor<2xf32>
cim.weight @zero = dense<1> : tensor<2xi32>
cim.weight @inside = dense<1.0> : tensor<2xf32>
cim.weight @unused = dense<1> : tensor<2x2xi8> as #cim.affine<@unused_scale>
cim.weight @unused_scale = dense<1.0> : tensor<2xf32>
func.func @main(%x: tensor<?x2xf32>, %go: tensor<i1>) -> (tensor<?x2xf32>, tensor<2xf32>) {
  %y = cim.matmul %x, @used : tensor<?x2xf32> -> tensor<?x2xf32>
  %gone = cim.matmul %x, @unused : tensor<?x2xf32> -> tensor<?x2xf32>
  %chain = cim.digital "Neg"(%gone) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %two = cim.constant dense<2.0> : tensor<f32>
  %inside = cim.read @inside : tensor<2xf32>
  %z = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %nobody = cim.digital "Neg"(%inside) : (tensor<2xf32>) -> tensor<2xf32>
    cim.yield %inside : tensor<2xf32>
  } {
    %0 = cim.digital "Mul"(%inside, %two) : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  func.return %y, %z : tensor<?x2xf32>, tensor<2xf32>
}"""


def test_sweep():
    module = Parser(make_context(), TEXT).parse_module()
    sweep(Network(module, WeightStore()))
    module.verify()
    assert list(weights_of(module)) == ["used", "scale", "zero", "inside"]
    names = [result.name_hint for op in operations(main_block(module)) for result in op.results]
    assert names == ["y", "two", "inside", "z", None]


def test_a_second_sweep_finds_nothing():
    module = Parser(make_context(), TEXT).parse_module()
    sweep(Network(module, WeightStore()))
    text = str(module)
    sweep(Network(module, WeightStore()))
    assert str(module) == text


def test_the_function_s_type_is_that_of_what_it_returns() -> None:
    """Whatever pass put another value there, however it did so."""
    text = """func.func @main(%x: tensor<?x2xf32>) -> tensor<5x2xf32> {
      %y = cim.digital "Neg"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
      %z = cim.digital "Abs"(%x) : (tensor<?x2xf32>) -> tensor<5x2xf32>
      func.return %z : tensor<5x2xf32>
    }"""
    module = Parser(make_context(), text).parse_module()
    Network(module, WeightStore()).returned.operands[0] = next(iter(main_block(module).ops)).results[0]
    sweep(Network(module, WeightStore()))
    module.verify()
    assert str(main_function(module).function_type.outputs.data[0]) == "tensor<?x2xf32>"


def test_all_that_a_weight_needs_stays() -> None:
    """Scale and zero point, and the order of its columns too."""
    text = """
    cim.weight @w = dense<1> : tensor<2x1x1xi8> as #cim.affine<@scale, @zero>
      structure #cim.block_diagonal<2 blocks of 1x1, "monarch", columns = @order>
    cim.weight @scale = dense<1.0> : tensor<2xf32>
    cim.weight @zero = dense<1> : tensor<2xi32>
    cim.weight @order = dense<[1, 0]> : tensor<2xi64>
    cim.weight @unused = dense<[1, 0]> : tensor<2xi64>
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
      func.return %y : tensor<?x2xf32>
    }"""
    module = Parser(make_context(), text).parse_module()
    sweep(Network(module, WeightStore()))
    assert list(weights_of(module)) == ["w", "scale", "zero", "order"]
