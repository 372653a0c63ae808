"""Tokens one after the other."""

from passes.analysis.cost.pipeline import prefill


def test_the_busiest_resource_gives_the_interval():
    found = prefill(10, 500.0, {"arrays": 100.0, "digital units": 120.0, "attention units": 0.0})
    assert (found.interval_ns, found.busiest) == (120.0, "digital units")
    assert found.latency_ns == 500 + 9 * 120
    assert found.tokens_per_second == 1e9 / 120
    assert found.load_ns == 120
    assert found.interval_over_load == 1
    assert not found.proved


def test_one_token_is_not_pipelined():
    assert prefill(1, 500.0, {"arrays": 100.0}).latency_ns == 500


def test_nothing_to_do():
    found = prefill(5, 0.0, {"arrays": 0.0})
    assert found.tokens_per_second is None
    assert found.interval_over_load is None
