"""Names of ports and dimensions as other tools for language models have them, from those of the exporter."""

import re
from collections.abc import Mapping, Sequence

BATCH, SEQUENCE, PAST = "batch", "sequence", "past"
TOTAL = f"{PAST} + {SEQUENCE}"
"""The dimension of what the tokens of a run see: those in the cache and their own."""

_TOKENS = ("input_ids", "attention_mask", "position_ids", "token_type_ids")
"""Inputs with one number a token."""
_CACHE = re.compile(r"(input\.|output\.)?past_key_values\.layers\.(\d+)\.(key|value)s")
_SYMBOL = re.compile(r"[A-Za-z_]\w*")


def port_name(name: str, is_input: bool) -> str:
    """The name of a port: `past_key_values.0.key` and `present.0.key` for a layer's cache, else what it was called."""
    cache = _CACHE.fullmatch(name)
    if cache is None:
        return re.sub(r"^(input|output)\.", "", name)
    return f"{'past_key_values' if is_input else 'present'}.{cache[2]}.{cache[3]}"


def dimension_names(port: str, rank: int, has_cache: bool) -> tuple[str, ...]:
    """The names of an input's dimensions, "" for those of a fixed size."""
    if port.startswith("past_key_values.") and rank == 4:
        return (BATCH, "", PAST, "")
    if port not in _TOKENS or rank != 2:
        return ("",) * rank
    return (BATCH, TOTAL if has_cache and port == "attention_mask" else SEQUENCE)


def symbol_names(ports: Mapping[str, Sequence[str]], has_cache: bool) -> dict[str, str]:
    """What the exporter's symbols mean, from the dimensions that it gave the inputs; `ports` by their new names."""
    meanings: dict[str, str] = {}
    for port, dims in ports.items():
        for symbol, name in zip(dims, dimension_names(port, len(dims), has_cache), strict=True):
            if name and _SYMBOL.fullmatch(symbol):
                meanings.setdefault(symbol, name)
    return meanings


def renamed(dimension: str, meanings: Mapping[str, str]) -> str:
    """A dimension with its symbols replaced: `s36 + s70` is `past + sequence`, whichever of them came first."""
    written = _SYMBOL.sub(lambda symbol: _bracketed(meanings.get(symbol[0], symbol[0]), dimension), dimension)
    return " + ".join(sorted(written.split(" + "))) if re.fullmatch(r"\w+( \+ \w+)+", written) else written


def _bracketed(name: str, around: str) -> str:
    return name if _SYMBOL.fullmatch(around) or " " not in name else f"({name})"
