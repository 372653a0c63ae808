"""Stages: what depends on a multiplication comes after it, and nothing waits longer than it must."""

from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.levels import levels


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[bool]]:
    """Earlier nodes that each node reads, and which nodes multiply."""
    count = draw(st.integers(0, 12))
    needs = [draw(st.lists(st.integers(0, i - 1), unique=True)) if i else [] for i in range(count)]
    return needs, draw(st.lists(st.booleans(), min_size=count, max_size=count))


@given(graphs())
def test_a_level_is_the_longest_chain_of_multiplications_before(graph: tuple[list[list[int]], list[bool]]):
    needs, multiplies = graph
    found = levels(needs, multiplies)

    def longest_chain(node: int) -> int:
        return max((longest_chain(j) + multiplies[j] for j in needs[node]), default=0)

    assert found == [longest_chain(i) for i in range(len(needs))]


def test_query_key_and_value_are_one_stage():
    x, q, k, v, attention, out = range(6)
    needs: list[list[int]] = [[], [x], [x], [x], [q, k, v], [attention]]
    assert levels(needs, [False, True, True, True, False, True]) == [0, 0, 0, 0, 1, 1]
    assert out == 5
