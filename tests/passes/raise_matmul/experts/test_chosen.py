"""What is a weight that an index chooses, and what is none."""

import itertools

import numpy as np
import pytest
from xdsl.ir import SSAValue
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.element_types import Array
from dialects.network import Network, Port, operations
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.raise_matmul.experts.chosen import MOST_EXPERTS, ChosenWeight, chosen_weight
from passes.rewriting.digital import DigitalBuilder

FLOATS = "%w = cim.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]]> : tensor<3x1x2xf32>"
BYTES = "%q = cim.constant dense<[[[1, 2]], [[3, 4]], [[5, 6]]]> : tensor<3x1x2xi8>"
GATHER = 'cim.digital "Gather"(%w, %i) : (tensor<3x1x2xf32>, tensor<?xi64>) -> tensor<?x1x2xf32>'


def chosen(text: str) -> tuple[Network, ChosenWeight | None]:
    """What the last operator of a function gives, whose input `%i` is an index."""
    ctx = make_context(WeightStore())
    function = f"func.func @main(%i: tensor<?xi64>) -> tensor<?xi64> {{ {text} func.return %i : tensor<?xi64> }}"
    network = Network.of(ctx, Parser(ctx, function).parse_module())
    last = [op for op in operations(network.block) if isinstance(op, DigitalOp)][-1]
    return network, chosen_weight(last.outputs[0], network)


def values_of(network: Network, values: list[SSAValue]) -> list[Array]:
    """What values of the network are."""
    outputs = [(value, Port(f"value {i}", ())) for i, value in enumerate(values)]
    model = GraphWriter(network).model(network.body, [(network.block.args[0], Port("i", ()))], outputs)
    results = run_graph(model, {"i": np.zeros(1, np.int64)})
    return [results[port.name] for _, port in outputs]


def test_a_stack() -> None:
    network, weight = chosen(f"{FLOATS} %g = {GATHER}")
    assert weight is not None
    assert (weight.experts, weight.rows, weight.columns) == (3, 1, 2)
    assert weight.index == network.block.args[0]
    matrices = [weight.matrix(DigitalBuilder(network, network.returned), expert) for expert in range(3)]
    assert [array.tolist() for array in values_of(network, matrices)] == [[[1, 2]], [[3, 4]], [[5, 6]]]


def test_scales_by_expert_and_for_all() -> None:
    """A scale that the stack has by expert, one that all share, and a zero point."""
    network, weight = chosen(
        f"""{BYTES}
        %s = cim.constant dense<[[[0.5, 1.0]], [[2.0, 4.0]], [[1.0, 8.0]]]> : tensor<3x1x2xf32>
        %z = cim.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
        %f = cim.digital "Cast"(%q) with {{to = 1 : i64}} : (tensor<3x1x2xi8>) -> tensor<3x1x2xf32>
        %c = cim.digital "Sub"(%f, %z) : (tensor<3x1x2xf32>, tensor<1x2xf32>) -> tensor<3x1x2xf32>
        %w = cim.digital "Mul"(%c, %s) : (tensor<3x1x2xf32>, tensor<3x1x2xf32>) -> tensor<3x1x2xf32>
        %g = {GATHER}
        %t = cim.digital "Transpose"(%g) with {{perm = array<i64: 0, 2, 1>}} : (tensor<?x1x2xf32>) -> tensor<?x2x1xf32>
        """
    )
    assert weight is not None
    assert (weight.rows, weight.columns) == (2, 1)
    (matrix,) = values_of(network, [weight.matrix(DigitalBuilder(network, network.returned), 1)])
    assert matrix.tolist() == [[(3 - 1) * 2], [(4 - 2) * 4]]


NONE = {
    "along another axis": """%w = cim.constant dense<1.0> : tensor<3x1x2xf32>
        %g = cim.digital "Gather"(%w, %i) with {axis = 1 : i64}
             : (tensor<3x1x2xf32>, tensor<?xi64>) -> tensor<3x?x2xf32>""",
    "rows of a table": """%w = cim.constant dense<1.0> : tensor<3x2xf32>
        %g = cim.digital "Gather"(%w, %i) : (tensor<3x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>""",
    "a single matrix": """%w = cim.constant dense<1.0> : tensor<1x1x2xf32>
        %g = cim.digital "Gather"(%w, %i) : (tensor<1x1x2xf32>, tensor<?xi64>) -> tensor<?x1x2xf32>""",
    "too many": f"""%w = cim.constant dense<1.0> : tensor<{MOST_EXPERTS + 1}x1x2xf32>
        %g = cim.digital "Gather"(%w, %i) : (tensor<{MOST_EXPERTS + 1}x1x2xf32>, tensor<?xi64>) -> tensor<?x1x2xf32>""",
    "integers": """%w = cim.constant dense<1> : tensor<3x1x2xi8>
        %g = cim.digital "Gather"(%w, %i) : (tensor<3x1x2xi8>, tensor<?xi64>) -> tensor<?x1x2xi8>""",
    "mixed with other experts": f"""{FLOATS} %g = {GATHER}
        %t = cim.digital "Transpose"(%g) with {{perm = array<i64: 1, 0, 2>}} : (tensor<?x1x2xf32>) -> tensor<1x?x2xf32>
        """,
    "a function of all": f"""{FLOATS} %g = {GATHER}
        %s = cim.digital "Softmax"(%g) with {{axis = 0 : i64}} : (tensor<?x1x2xf32>) -> tensor<?x1x2xf32>""",
    "no constant": """%f = cim.digital "Cast"(%i) with {to = 1 : i64} : (tensor<?xi64>) -> tensor<?xf32>
        %s = cim.constant dense<[3, 1, 2]> : tensor<3xi64>
        %w = cim.digital "Reshape"(%f, %s) : (tensor<?xf32>, tensor<3xi64>) -> tensor<3x1x2xf32>
        %g = cim.digital "Gather"(%w, %i) : (tensor<3x1x2xf32>, tensor<?xi64>) -> tensor<?x1x2xf32>""",
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_none(name: str) -> None:
    assert chosen(NONE[name])[1] is None


def test_long_chains_are_no_weights() -> None:
    """What is followed ends soon, so that a network of thousands of operators is none of a search of thousands."""
    names = ["%g", *(f"%n{i}" for i in range(2000))]
    step = "(tensor<?x1x2xf32>) -> tensor<?x1x2xf32>"
    steps = [f'{y} = cim.digital "Neg"({x}) : {step}' for x, y in itertools.pairwise(names)]
    _, weight = chosen(f"{FLOATS} %g = {GATHER} {' '.join(steps)}")
    assert weight is None
