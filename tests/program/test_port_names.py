"""Names by which exporters call the ports of language models."""

import pytest

from cimc.program.metadata import Input, Value
from cimc.program.port_names import CacheName, Role, cache_name, cache_pairs, lengths_of_caches, role_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("past_key_values.0.key", CacheName(0, "key")),
        ("past_key_values.11.value", CacheName(11, "value")),
        ("present.3.key", CacheName(3, "key")),
        ("present_key_values.3.value", CacheName(3, "value")),
        ("past_key_2", CacheName(2, "key")),
        ("present_value_2", CacheName(2, "value")),
        ("past_5", CacheName(5, "both")),
        ("present_5", CacheName(5, "both")),
        ("past_key_values.5", CacheName(5, "both")),
        ("past_key_values_1_0", CacheName(1, "key")),
        ("past_key_values_1_1", CacheName(1, "value")),
        ("past_key_values_key_cache_4", CacheName(4, "key")),
        ("value_cache_4", CacheName(4, "value")),
        ("input.past_key_values.layers.29.keys", CacheName(29, "key")),
        ("output.past_key_values.layers.0.values", CacheName(0, "value")),
        ("kv_cache.1", CacheName(1, "both")),
        ("cache_k_7", CacheName(7, "key")),
    ],
)
def test_tensors_of_the_cache(name: str, expected: CacheName) -> None:
    assert cache_name(name) == expected
    assert cache_name(name.upper()) == expected


@pytest.mark.parametrize(
    "name",
    [
        "logits",
        "cache_position",
        "past_conv.0",
        "past_key_values.0.encoder.key",
        "past_key_values_1_2",
        "past_key_values_1_0_1",
        "past_key_value_0",
        "key_0",
        "x",
        "",
    ],
)
def test_other_names(name: str) -> None:
    assert cache_name(name) is None


def test_roles() -> None:
    assert role_of("input_ids") is Role.IDS
    assert role_of("input.attention_mask") is Role.MASK
    assert role_of("cache_position") is Role.POSITIONS
    assert role_of("past_key_values.0.key") is None


def test_lengths_of_caches() -> None:
    """What an input that is no cache has as well counts sequences, or other things."""
    ids, mask = Input("input_ids", "int64", ("batch", "n"), 0), Input("attention_mask", "int64", ("batch", "all"), 1)
    key = Input("past_key_values.0.key", "float32", ("batch", 3, "past", 64), 2)
    value = Input("past_key_values.0.value", "float32", ("batch", 3, "past", 64), 3)
    assert lengths_of_caches([ids, mask, key, value]) == ["past"]
    assert lengths_of_caches([ids, mask]) == []
    assert lengths_of_caches([Input("past_0", "float32", None, 0)]) == []


def test_pairs_of_caches() -> None:
    inputs = [
        Input("ids", "int64", ("batch", "tokens"), 3),
        Input("past.1.key", "float32", None, 4),
        Input("past.0.key", "float32", None, 5),
    ]
    outputs = [
        Value("logits", "float32", None, 6),
        Value("present.0.key", "float32", None, 7),
        Value("present.1.key", "float32", None, 8),
    ]
    assert cache_pairs(inputs, outputs) == [(4, 8), (5, 7)]
    assert cache_pairs(inputs[:1], outputs) == []


def test_without_a_name_all_that_are_alike_may_become_a_past() -> None:
    past = Input("past.0.key", "float32", ("b", 2, "t", 4), 1)
    logits = Value("logits", "float32", ("b", "t", 9), 2)
    others = [Value("a", "float32", ("b", 2, "t", 4), 3), Value("b", "float32", (None,) * 4, 4)]
    assert cache_pairs([past], [logits, *others]) == [(1, 3), (1, 4)]
    assert cache_pairs([past], [logits]) == [(1, 2)]
