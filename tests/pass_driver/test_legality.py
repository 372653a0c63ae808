"""Rules by pass: each says what it needs, and what it leaves lets the next one run."""

from itertools import pairwise

import pytest

from cimc.pass_driver.legality import LEGAL_AFTER, LEGAL_BEFORE
from cimc.pass_driver.pipeline import CHIP
from cimc.universe import PASSES


def test_every_pass_says_what_it_needs() -> None:
    assert {one.name for one in PASSES} == set(LEGAL_BEFORE)


def test_rules_are_of_passes() -> None:
    assert set(LEGAL_AFTER) <= {one.name for one in PASSES}


@pytest.mark.parametrize(("first", "second"), list(pairwise(step.of.name for step in CHIP)))
def test_what_a_pass_leaves_is_what_the_next_one_needs_of_it(first: str, second: str) -> None:
    """Rules that only the earlier pass can bring about are checked when it is done."""
    brought = {rule for rule in LEGAL_BEFORE[second] if f"{first} first" in rule.advice}
    assert brought <= set(LEGAL_AFTER[first])
