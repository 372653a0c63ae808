"""Conditions of a report: what counts if nothing is said."""

from cimc.options.conditions import DECODE, DEFAULT_CONTEXT, Conditions


def test_one_token_after_the_default_context() -> None:
    assert DECODE == Conditions({}, DEFAULT_CONTEXT, None)
    assert DEFAULT_CONTEXT == 512
