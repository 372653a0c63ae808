"""The three forms of quantised activations; test_quantize.py checks the numbers that come of them."""

import numpy as np
import pytest
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.element_types import element_type, i32, ui8
from dialects.network import Network, shape_of
from dialects.weights import WeightStore
from passes.quantize.activations import Activation, marked, per_tensor, per_token, static
from passes.rewriting.digital import DigitalBuilder

TYPE = "tensor<?x4xf32>"


def builder() -> DigitalBuilder:
    ctx = make_context(WeightStore())
    text = f"func.func @main(%x: {TYPE}) -> {TYPE} {{ func.return %x : {TYPE} }}"
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    return DigitalBuilder(network, network.returned)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize(("form", "scale"), [("token", (DYNAMIC_INDEX, 1)), ("tensor", ()), ("static", ())])
def test_one_scale_for_each_token_or_for_all(form: str, scale: tuple[int, ...], bits: int) -> None:
    b = builder()
    x = b.network.block.args[0]
    forms = {
        "token": lambda: per_token(b, x, None, bits),
        "tensor": lambda: per_tensor(b, x, bits),
        "static": lambda: static(b, x, -1, 2, bits),
    }
    activation = forms[form]()
    assert activation.bits == bits
    assert element_type(activation.values.type) == ui8
    assert shape_of(activation.scale.type) == scale
    assert activation.zero is not None
    assert (element_type(activation.zero.type), shape_of(activation.zero.type)) == (i32, scale)


def test_a_product_that_was_marked_needs_no_other_sum() -> None:
    b = builder()
    x = b.network.block.args[0]
    scale = b.constant(np.ones((1, 1), np.float32), "scale")
    activation = Activation(x, scale, None)
    marked(b, activation, x, None, {x: scale})
    assert not any(op.is_a("ReduceSum") for op in b.network.body if isinstance(op, DigitalOp))
    marked(b, activation, x, None, {})
    assert any(op.is_a("ReduceSum") for op in b.network.body if isinstance(op, DigitalOp))
