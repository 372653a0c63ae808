"""Kernels: what is given to them, which constants stand outside, and operators that nobody runs."""

import numpy as np
import pytest
from onnx import load_model_from_string
from xdsl.parser import Parser

from cimc.emitter.kernels import EXTERNAL_BYTES, ConstantPool, kernel_of, unsupported
from cimc.emitter.slots import Slots
from cimc.universe import make_context
from dialects.array import KernelOp
from dialects.cim import DigitalOp, weight_op
from dialects.errors import UserError
from dialects.network import Network, operations
from dialects.weights import WeightStore, digest_of

V = "tensor<?x4xf32>"


def network_of(body: str, result: str = V) -> Network:
    """A network of one kernel, in which `%x` and `%big`, a constant of 16 KiB outside, may be read."""
    context = make_context(WeightStore())
    text = f"""func.func @main(%x: {V}, %go: tensor<i1>) -> {result} {{
      %big = cim.read @big : tensor<1024x4xf32>
      %y = array.kernel 0 start_ps 0 duration_ps 0 {{
        {body}
        array.yield %z : {result}
      }} : {result}
      func.return %y : {result}
    }}"""
    network = Network.of(context, Parser(context, text).parse_module())
    network.add_weight(weight_op("big", np.arange(4096, dtype=np.float32).reshape(1024, 4), network.store))
    return network


def kernel_in(network: Network) -> KernelOp:
    return next(op for op in network.body if isinstance(op, KernelOp))


def test_what_comes_in_and_goes_out() -> None:
    """What bodies read from outside of the kernel comes in, too; constants do not."""
    body = f"""
    %one = cim.constant dense<1.0> : tensor<f32>
    %a = cim.digital "Add"(%x, %one) : ({V}, tensor<f32>) -> {V} loc("/a")
    %z = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {{
      %b = cim.digital "Mul"(%a, %x) : ({V}, {V}) -> {V}
      cim.yield %b : {V}
    }} {{
      cim.yield %a : {V}
    }} : (tensor<i1>) -> {V} loc("/if")"""
    network, slots = network_of(body), Slots()
    op = kernel_in(network)
    kernel, places = kernel_of(network, op, slots, ConstantPool())
    x, go = network.block.args
    assert set(kernel.inputs) == {slots.of(x), slots.of(go)}
    assert kernel.outputs == (slots.of(op.results[0]),)
    assert kernel.nodes == ("/a", "/if")
    assert kernel.constants == ()
    graph = load_model_from_string(kernel.model).graph
    assert [entry.name for entry in graph.input] == [f"v{slot}" for slot in kernel.inputs]
    assert [graph.node[places[operator]].op_type for operator in op.operators] == ["Add", "If"]


def test_large_constants_stand_outside() -> None:
    body = """
    %i = cim.constant dense<0> : tensor<i64>
    %z = cim.digital "Gather"(%big, %i) : (tensor<1024x4xf32>, tensor<i64>) -> tensor<4xf32>"""
    network, pool = network_of(body, "tensor<4xf32>"), ConstantPool()
    kernel, _ = kernel_of(network, kernel_in(network), Slots(), pool)
    assert kernel.constants == (0,)
    assert [array.shape for array in pool.arrays] == [(1024, 4)]
    assert len(kernel.model) < 1000


def test_the_pool_keeps_equal_arrays_once() -> None:
    pool = ConstantPool()
    large = np.zeros(EXTERNAL_BYTES, np.uint8)
    assert pool.name(large) == pool.name(large.copy()) == "constant0"
    assert pool.name(large + 1, digest_of(large + 1)) == pool.name(large + 1) == "constant1"
    assert pool.name(large[1:]) is None
    assert pool.name(np.array(["text"] * EXTERNAL_BYTES, object)) is None
    assert len(pool.arrays) == 2


def test_types_that_cannot_travel() -> None:
    unknown = 'tensor<?x!cim.element<"undefined">>'
    network = network_of(f'%z = cim.digital "Neg"(%x) : ({V}) -> {unknown} loc("/n")', unknown)
    with pytest.raises(UserError) as error:
        kernel_of(network, kernel_in(network), Slots(), ConstantPool())
    assert str(error.value) == (
        f"node '/n': the type of its output z is {unknown}, which cannot travel between stages: expected a tensor of a "
        "type that shape inference knows"
    )


def test_the_first_operator_that_cannot_run() -> None:
    body = f"""
    %a = cim.digital "Neg"(%x) : ({V}) -> {V}
    %z = cim.digital "Strange" of "com.other"(%a) : ({V}) -> {V} loc("/strange")"""
    network = network_of(body)
    digital = [op for op in operations(network.block) if isinstance(op, DigitalOp)]
    assert unsupported(network, digital[:1]) is None
    message = unsupported(network, digital)
    assert message is not None
    assert message.startswith("node '/strange': operator Strange of domain com.other cannot run: ")
