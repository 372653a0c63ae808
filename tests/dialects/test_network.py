"""What a module says of its network: function, ports, operator sets."""

from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, Builtin, ModuleOp
from xdsl.dialects.func import Func, FuncOp
from xdsl.ir import Block
from xdsl.parser import Parser
from xdsl.printer import Printer

from dialects.cim import make_cim, weight_op
from dialects.errors import UserError
from dialects.network import OPSETS, Network, Port, main_block, main_function, opsets_attribute, shape_of, weights_of
from dialects.weights import WeightStore, digest_of

names = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\{}u:'))


def parse(text: str) -> ModuleOp:
    context = Context()
    for dialect in (Builtin, Func, make_cim()):
        context.load_dialect(dialect)
    return Parser(context, text).parse_module()


def through_text(module: ModuleOp) -> ModuleOp:
    """The module after it was printed and parsed."""
    text = StringIO()
    Printer(text, print_debuginfo=True).print_op(module)
    return parse(text.getvalue())


def identity() -> ModuleOp:
    return parse("func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {\n  func.return %x : tensor<?x4xf32>\n}")


@given(names, names, names)
def test_ports_come_back_exactly(name: str, other: str, dim: str):
    module = identity()
    ports = [Port(name, (dim, ""))], [Port(other, ("", dim))]
    Network(module, WeightStore()).set_ports(*ports)
    module = through_text(module)
    found = Network(module, WeightStore())
    assert ([p for _, p in found.inputs], [p for _, p in found.outputs]) == ports


def test_ports_without_names():
    module = identity()
    assert [port for _, port in Network(module, WeightStore()).inputs] == [Port("input0", ())]
    assert [port for _, port in Network(module, WeightStore()).outputs] == [Port("output0", ())]
    found = Network(module, WeightStore())
    assert found.inputs[0][0] is found.outputs[0][0]


@given(st.dictionaries(st.just("") | names.filter(lambda n: n != "ai.onnx"), st.integers(1, 99)))
def test_operator_sets_come_back_exactly(opsets: dict[str, int]):
    module = identity()
    module.attributes[OPSETS] = opsets_attribute(opsets)
    assert Network(through_text(module), WeightStore()).opsets == {"": 17} | opsets


def test_default_operator_set():
    assert Network(identity(), WeightStore()).opsets == {"": 17}


@pytest.mark.parametrize("entry", ["17", "ai.onnx:", "ai.onnx:x"])
def test_malformed_operator_sets(entry: str):
    module = parse(f'builtin.module attributes {{cim.opsets = ["{entry}"]}} {{}}')
    with pytest.raises(UserError) as error:
        Network(module, WeightStore()).opsets
    assert str(error.value) == f"operator set {entry!r}: expected domain and version, like 'ai.onnx:17'"


def test_module_without_main():
    with pytest.raises(UserError, match="no function @main, which is the network to compile"):
        main_function(parse("func.func @other() {\n  func.return\n}"))


def test_main_without_a_body():
    with pytest.raises(UserError, match="@main has no body, which is the network to compile"):
        main_block(parse("func.func private @main(tensor<4xf32>) -> tensor<4xf32>"))


def test_main_that_is_no_network():
    module = parse("func.func @main() {\n  func.return\n}")
    main_function(module).body.add_block(Block())
    with pytest.raises(UserError) as error:
        main_block(module)
    assert str(error.value) == "the function @main has 2 blocks: expected one, and control flow in cim.digital"
    with pytest.raises(UserError) as error:
        Network(parse("func.func @main() {\n  %none = cim.none : none\n}"), WeightStore()).returned
    assert str(error.value) == "the function @main ends with cim.none: expected func.return"


def test_weights_by_symbol():
    module = parse("cim.weight @w = dense<1> : tensor<2xi8>\nfunc.func @main() {\n  func.return\n}")
    network = Network(module, WeightStore())
    assert list(network.weights) == list(weights_of(module)) == ["w"]
    assert network.weight("w").tensor_type.get_shape() == (2,)
    assert network.array("w").tolist() == [1, 1]
    with pytest.raises(UserError, match="weight @v is used but not defined"):
        network.weight("v")


def test_symbols_stay_right_as_weights_come_and_go():
    network = Network(
        parse("cim.weight @w = dense<1> : tensor<2xi8>\nfunc.func @main() {\n  func.return\n}"), WeightStore()
    )
    ones, twos = np.full(2, 1, np.int8), np.full(2, 2, np.int8)
    assert network.same_named("w", digest_of(ones)) == ([network.weight("w")], "w.1")
    network.add_weight(weight_op("w.1", twos, network.store))
    assert network.same_named("w", digest_of(twos)) == ([network.weight("w.1")], "w.2")
    network.remove_weight(network.weight("w"))
    assert network.same_named("w", digest_of(ones)) == ([], "w")
    assert network.weights == weights_of(network.module)
    assert network.module.body.block.last_op is network.main


def test_shapes():
    function = main_function(identity())
    assert isinstance(function, FuncOp)
    assert shape_of(main_block(identity()).args[0].type) == (DYNAMIC_INDEX, 4)
    assert DYNAMIC_INDEX < 0
    assert shape_of(function.function_type) is None
