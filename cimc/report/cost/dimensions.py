"""Sizes of the symbolic dimensions for which digital operators are counted: one token, after a context."""

from collections.abc import Collection, Mapping, Sequence

from cimc.program.dimension_sums import summands
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input
from cimc.program.one_line import one_line
from cimc.program.open_sizes import sides


def dimensions(inputs: Sequence[Input], given: Mapping[str, int], context: int) -> dict[str, int]:
    """A size for every named dimension of the inputs.

    As `given`; otherwise that of `sides` where windows slide over it, `context` for a name that speaks of a past, a
    context or a cache, one more for a total, and 1. A name that is a sum, like `past + sequence`, is the sum of its
    parts (`summands`). ProgramError for a name in `given` that no input has.
    """
    names = sorted({dim for value in inputs for dim in value.shape or () if isinstance(dim, str)})
    for name in given:
        if name not in names:
            raise ProgramError(f"dimension {name} is unknown, the inputs have {', '.join(names) or 'none'}")
    known = {**sides(inputs), **given}
    return {name: _size(name, names, known, context) for name in names}


def sizes_text(dims: Mapping[str, int]) -> str:
    """The sizes of dimensions in words, without sums of others; "" for none."""
    return ", ".join(f"{one_line(name)} = {size}" for name, size in dims.items() if not summands(name, dims))


def _size(name: str, names: Collection[str], given: Mapping[str, int], context: int) -> int:
    if name in given:
        return given[name]
    if parts := summands(name, names):
        return sum(_size(part, names, given, context) for part in parts)
    if name.isdecimal():
        return int(name)
    if "total" in name:
        return context + 1
    return context if any(word in name for word in ("past", "context", "cache")) else 1
