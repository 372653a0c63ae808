"""The names by which exporters call what a language model takes and gives."""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from cimc.program.metadata import Input, Value


class Role(Enum):
    """What an input is for, if it is no part of the cache."""

    IDS = "ids"
    MASK = "mask"
    POSITIONS = "positions"


ROLES = {
    "input_ids": Role.IDS,
    "ids": Role.IDS,
    "token_ids": Role.IDS,
    "tokens": Role.IDS,
    "attention_mask": Role.MASK,
    "mask": Role.MASK,
    "position_ids": Role.POSITIONS,
    "positions": Role.POSITIONS,
    "cache_position": Role.POSITIONS,
}

_CACHE_WORDS = {"past", "present", "cache", "kv"}
_PARTS = {"key": "key", "keys": "key", "k": "key", "value": "value", "values": "value", "v": "value"}
_PARTS_BY_NUMBER = ("key", "value")
_OTHER_WORDS = {"input", "output", "layer", "layers", "self", "decoder", "attn", "attention", "new", "updated", "out"}


class CacheName(NamedTuple):
    """Whose keys or values an input or output holds; `part` is key, value, or both for one tensor with both."""

    layer: int
    part: str


def role_of(name: str) -> Role | None:
    """The role of an input with this name; None for any other, those of the cache included."""
    return ROLES.get(name.lower().rpartition(".")[2])


def cache_name(name: str) -> CacheName | None:
    """Layer and part of a tensor of the cache; None for names of anything else.

    past_key_values.0.key, present.0.key (optimum, ONNX Runtime's model builder); past_key_0, present_value_0;
    past_0, present_0 (both parts in one); past_key_values_key_cache_0, key_cache_0, past_key_values_0_1
    (torch.onnx); input.past_key_values.layers.0.keys, output.past_key_values.layers.0.keys (transformers).
    """
    words = re.findall(r"[a-z]+|\d+", name.lower())
    known = _CACHE_WORDS | _PARTS.keys() | _OTHER_WORDS
    if not _CACHE_WORDS.intersection(words) or any(not word.isdecimal() and word not in known for word in words):
        return None
    for i in range(len(words) - 2):
        if words[i] in ("past", "present") and words[i + 1 : i + 3] == ["key", "values"]:
            del words[i + 1 : i + 3]  # what both parts are called together
            break
    numbers = [int(word) for word in words if word.isdecimal()]
    parts = {_PARTS[word] for word in words if word in _PARTS}
    if not numbers or len(parts) > 1:
        return None
    if parts:
        return CacheName(numbers[0], parts.pop()) if len(numbers) == 1 else None
    if len(numbers) == 2 and numbers[1] < len(_PARTS_BY_NUMBER):
        return CacheName(numbers[0], _PARTS_BY_NUMBER[numbers[1]])
    return CacheName(numbers[0], "both") if len(numbers) == 1 else None


def cache_pairs(inputs: Sequence[Input], outputs: Sequence[Value]) -> list[tuple[int, int]]:
    """For each input that holds keys or values of the tokens before, its value and that of the output that becomes it.

    Outputs are known by their names. Where none says that it becomes an input, any of its type and as many dimensions
    may, and so may any output at all if there is none of these.
    """
    presents = {name: value.slot for value in outputs if (name := cache_name(value.name)) is not None}
    pairs: list[tuple[int, int]] = []
    for past in inputs:
        name = cache_name(past.name)
        if name is None:
            continue
        if name in presents:
            pairs.append((past.slot, presents[name]))
        else:
            alike = [v.slot for v in outputs if (v.dtype, len(v.shape or ())) == (past.dtype, len(past.shape or ()))]
            pairs += [(past.slot, slot) for slot in alike or [value.slot for value in outputs]]
    return pairs


def lengths_of_caches(inputs: Iterable[Input]) -> list[str]:
    """The dimensions by which the inputs that hold keys and values alone are told from all others: their lengths."""
    caches: set[str] = set()
    others: set[str] = set()
    for value in inputs:
        names = caches if cache_name(value.name) is not None else others
        names.update(dim for dim in value.shape or () if isinstance(dim, str))
    return sorted(caches - others)
