"""Digital operators of a run: time, busy units, energy, and what is left out."""

from dataclasses import replace

from cimc.report.cost.digital_cost import digital_cost
from cimc.report.cost.kernel_runs import Operator, Run, Shape
from dialects.chip.costs import DigitalCosts

COSTS = DigitalCosts(2, 4, 1, 2, 4, 10, 1, 2, vector_pj=20, mac_pj=3)


def operator(op_type: str, inputs: str, outputs: str, shape: Shape = (4,)) -> Operator:
    names, results = tuple(inputs.split()), tuple(outputs.split())
    return Operator(op_type, "", "", names, results, (shape,) * len(names), (shape,) * len(results), "")


def run(*kernels: tuple[Operator, ...], vectors: int = 1) -> Run:
    return Run({}, kernels, tuple(frozenset({"c"}) for _ in kernels), {0: vectors}, {})


def test_operators_run_side_by_side_on_two_units() -> None:
    """Two additions at once, then a third; one vector each."""
    kernel = (operator("Add", "x c", "a"), operator("Mul", "x c", "b"), operator("Sub", "a b", "y"))
    found = digital_cost(run(kernel), COSTS, 1)
    assert (found.span_ns, found.digital_busy_ns, found.digital_pj) == (4, 6 / 2, 60)
    assert (found.attention_busy_ns, found.attention_pj) == (0, 0)


def test_kernels_run_one_after_the_other() -> None:
    kernel = (operator("Relu", "x", "a"),)
    assert digital_cost(run(kernel, kernel), COSTS, 1).span_ns == 2


def test_arithmetic_on_constants_and_shapes_is_free() -> None:
    kernel = (operator("Shape", "x", "s"), operator("Add", "s c", "t"), operator("Exp", "x", "y"))
    found = digital_cost(run(kernel), COSTS, 1)
    assert (found.span_ns, found.digital_pj) == (4, 20)


def test_bodies_wait_for_what_they_read() -> None:
    """A branch on a constant that reads `a` is not free, and comes after `a` although a unit is idle."""
    branch = replace(operator("If", "c", "y"), seen=("a",))
    found = digital_cost(run((operator("Exp", "x", "a"), branch)), COSTS, 1)
    assert (found.span_ns, found.digital_pj) == (4 + 2, 40)


def test_figures_of_several_tokens_are_divided() -> None:
    kernel = (operator("Gelu", "x", "y", (32,)), operator("MatMul", "y y", "z", (2, 2)), operator("Odd", "z", "w"))
    found = digital_cost(run(kernel, vectors=4), COSTS, 4)
    assert found.span_ns == (4 * 4 + 8 / 2 + 2) / 4
    assert found.digital_pj == (8 + 1) * 20 / 4
    assert found.attention_pj == 8 * 3 / 4
    assert found.unknown == {"Odd": 1}
