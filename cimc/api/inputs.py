"""Inputs of programs as a notebook has them, with messages that say what the program takes."""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.listing import value_text
from cimc.program.one_line import brief
from cimc.program.program import Program

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
"""One array for each input or output, by its name."""


def arrays_of(program: Program, inputs: object) -> dict[str, NDArray[Any]]:
    """Inputs by name as arrays; ProgramError, saying what the program takes, for anything else."""
    if not isinstance(inputs, Mapping):
        raise ProgramError(f"inputs are {_shown(inputs)}: expected a dictionary of arrays by name: {taken(program)}")
    given = cast(Mapping[object, object], inputs)
    for name in given:
        if not isinstance(name, str):
            raise ProgramError(f"inputs have the key {brief(repr(name))}: expected names: {taken(program)}")
    return {cast(str, name): _array(program, cast(str, name), value) for name, value in given.items()}


def taken(program: Program) -> str:
    """What a program takes, in one line."""
    return "the program takes " + (", ".join(value_text(value) for value in program.inputs) or "no inputs")


def _array(program: Program, name: str, value: object) -> NDArray[Any]:
    """A value as numpy takes it, and as torch's tensors of the processor give themselves."""
    try:
        return np.asarray(value)
    except Exception as error:  # whatever object it is raises what it likes
        raise ProgramError(
            f"input {name} is {_shown(value)}, which numpy makes no array of ({brief(error)}): {taken(program)}"
        ) from error


def _shown(value: object) -> str:
    """What an object is, briefly."""
    if isinstance(value, np.ndarray):
        array = cast(NDArray[Any], value)
        return f"an array {array.dtype}{list(array.shape)}"
    return f"of type {type(value).__qualname__}"
