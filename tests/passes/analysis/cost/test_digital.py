"""Digital operators: their class, unit, time and energy, worked out by hand."""

from dataclasses import replace

import pytest

from dialects.chip.costs import DigitalCosts
from passes.analysis.cost.digital import WORK, OperatorCost, Unit, Work, free_of_data, operator_cost

COSTS = DigitalCosts(
    digital_units=2,
    vector_width=4,
    compare_ns=1,
    add_ns=2,
    function_ns=4,
    normalize_ns=10,
    attention_units=2,
    attention_macs_per_ns=8,
    vector_pj=20,
    mac_pj=3,
)


@pytest.mark.parametrize("operator", ["Reshape", "Unsqueeze", "Shape", "Constant", "Identity"])
def test_what_names_or_reshapes_takes_nothing(operator: str):
    assert operator_cost(COSTS, operator, [(1000, 1000)], [(1000000,)]) == OperatorCost(Unit.NONE)


@pytest.mark.parametrize(
    ("operator", "nanoseconds"), [("Relu", 1), ("Add", 2), ("Gelu", 4), ("LayerNormalization", 10), ("Cast", 2)]
)
def test_vectors_are_spread_over_the_digital_units(operator: str, nanoseconds: int):
    """17 elements are 5 vectors of 4, which two units work on in 3 rounds."""
    assert operator_cost(COSTS, operator, [(17,)], [(17,)]) == OperatorCost(Unit.VECTOR, 2, 3000 * nanoseconds, 100)


def test_one_vector_occupies_one_unit():
    assert operator_cost(COSTS, "Add", [(4,), ()], [(4,)]) == OperatorCost(Unit.VECTOR, 1, 2000, 20)


def test_reductions_work_on_their_input_and_moves_on_their_output():
    assert operator_cost(COSTS, "ReduceMax", [(8, 4)], [(1, 4)]).picojoules == 8 * 20
    assert operator_cost(COSTS, "Gather", [(1000, 4), (3,)], [(3, 4)]).picojoules == 3 * 20
    assert operator_cost(COSTS, "Split", [(8,)], [(4,), (4,)]).picojoules == 2 * 20


def test_no_elements_take_no_time():
    assert operator_cost(COSTS, "Concat", [(0, 4), (0, 4)], [(0, 4)]) == OperatorCost(Unit.VECTOR, 0, 0, 0)


def test_unknown_operators_are_elementwise_and_say_so():
    found = operator_cost(COSTS, "Frobnicate", [(8,)], [(8,)])
    assert found == OperatorCost(Unit.VECTOR, 2, 2000, 40, known=False)
    assert operator_cost(COSTS, "Relu", [(8,)], [(8,)], domain="my.domain") == found
    assert operator_cost(COSTS, "Relu", [(8,)], [(8,)], domain="com.microsoft").known


def test_products_of_activations_go_to_the_attention_units():
    """2 heads, 3 queries of 5 with 7 keys: 210 products at 16 a nanosecond."""
    found = operator_cost(COSTS, "MatMul", [(2, 3, 5), (2, 5, 7)], [(2, 3, 7)])
    assert found == OperatorCost(Unit.ATTENTION, 2, 13125, 630)


def test_energy_that_the_chip_does_not_give():
    bare = replace(COSTS, vector_pj=None, mac_pj=None)
    assert operator_cost(bare, "Relu", [(8,)], [(8,)]).picojoules is None
    assert operator_cost(bare, "MatMul", [(1, 2), (2, 3)], [(1, 3)]).picojoules is None
    assert operator_cost(bare, "Reshape", [(8,)], [(8,)]).picojoules == 0


def test_every_operator_has_one_class():
    assert len(WORK) > 150
    assert WORK["Softmax"] is Work.NORMALIZE
    assert WORK["Einsum"] is Work.MULTIPLY


def test_arithmetic_on_shapes_and_constants_is_free():
    operators: list[tuple[str, list[str], list[str]]] = [
        ("Shape", ["x"], ["s"]),
        ("Gather", ["s", "zero"], ["n"]),
        ("Mul", ["n", "n"], ["m"]),
        ("Add", ["x", "m"], ["y"]),
        ("Clip", ["m", "", "zero"], ["c"]),
        ("Constant", [], ["k"]),
        ("Relu", ["y"], ["z"]),
    ]
    assert free_of_data(operators, constants=["zero"]) == {0, 1, 2, 4, 5}
