"""Sizes of the symbolic dimensions for which digital operators are counted: one token, after a context."""

from collections.abc import Mapping, Sequence

from cimc.program.errors import ProgramError
from cimc.program.metadata import Input


def dimensions(inputs: Sequence[Input], given: Mapping[str, int], context: int) -> dict[str, int]:
    """A size for every named dimension of the inputs.

    As `given`; otherwise `context` for a name that speaks of a past, a context or a cache, one more for a total, and
    1. A name that is a sum, like `past + sequence`, is the sum of its parts. ProgramError for a name in `given` that
    no input has.
    """
    names = sorted({dim for value in inputs for dim in value.shape or () if isinstance(dim, str)})
    for name in given:
        if name not in names:
            raise ProgramError(f"dimension {name} is unknown, the inputs have {', '.join(names) or 'none'}")
    return {name: _size(name, given, context) for name in names}


def _size(name: str, given: Mapping[str, int], context: int) -> int:
    if name in given:
        return given[name]
    if "+" in name:
        return sum(_size(part.strip(), given, context) for part in name.split("+"))
    if name.isdecimal():
        return int(name)
    if "total" in name:
        return context + 1
    return context if any(word in name for word in ("past", "context", "cache")) else 1
