"""Digital operators of a run: time, busy units, energy, and what is left out."""

from dataclasses import replace

from cimc.report.cost.digital_cost import DigitalCost, digital_cost
from cimc.report.cost.kernel_runs import Operator, Run, Shape
from dialects.chip.costs import DigitalCosts

COSTS = DigitalCosts(2, 4, 1, 2, 4, 10, 1, 2, vector_pj=20, mac_pj=3)


def operator(op_type: str, inputs: str, outputs: str, shape: Shape = (4,)) -> Operator:
    names, results = tuple(inputs.split()), tuple(outputs.split())
    return Operator(op_type, "", "", names, results, (shape,) * len(names), (shape,) * len(results), "")


def run(*kernels: tuple[Operator, ...], vectors: int = 1) -> Run:
    return Run({}, kernels, tuple(frozenset({"c"}) for _ in kernels), {0: vectors}, {})


def times(cost: DigitalCost) -> list[list[int]]:
    """What operators take, in ps, by kernel."""
    return [[operator.picoseconds for operator in kernel] for kernel in cost.operators]


def test_one_vector_each() -> None:
    kernel = (operator("Add", "x c", "a"), operator("Mul", "x c", "b"), operator("Sub", "a b", "y"))
    found = digital_cost(run(kernel), COSTS, 1)
    assert times(found) == [[2000] * 3]
    assert (found.digital_busy_ns, found.digital_pj) == (6 / 2, 60)
    assert (found.attention_busy_ns, found.attention_pj) == (0, 0)


def test_operators_in_bodies_take_all_iterations() -> None:
    kernel = (operator("Relu", "x", "a"),)
    several = replace(run(kernel, kernel), executions={0: 1, 1: 3})
    assert times(digital_cost(several, COSTS, 1)) == [[1000], [3000]]


def test_arithmetic_on_constants_and_shapes_is_free() -> None:
    kernel = (operator("Shape", "x", "s"), operator("Add", "s c", "t"), operator("Exp", "x", "y"))
    found = digital_cost(run(kernel), COSTS, 1)
    assert (times(found), found.digital_pj) == ([[0, 0, 4000]], 20)


def test_bodies_are_not_free_if_what_they_read_is_not() -> None:
    """A branch on a constant that reads `a`."""
    branch = replace(operator("If", "c", "y"), seen=("a",))
    found = digital_cost(run((operator("Exp", "x", "a"), branch)), COSTS, 1)
    assert (times(found), found.digital_pj) == ([[4000, 2000]], 40)


def test_figures_of_several_tokens_are_divided() -> None:
    kernel = (operator("Gelu", "x", "y", (32,)), operator("MatMul", "y y", "z", (2, 2)), operator("Odd", "z", "w"))
    found = digital_cost(run(kernel, vectors=4), COSTS, 4)
    assert times(found) == [[4 * 4000, 8 * 500, 2000]]
    assert found.digital_pj == (8 + 1) * 20 / 4
    assert found.attention_pj == 8 * 3 / 4
    assert found.unknown == {"Odd": 1}
