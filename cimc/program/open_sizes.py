"""Sizes of dimensions that a network leaves open and windows slide over: those of an image, a signal, a volume."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from cimc.program.metadata import Input
from cimc.program.one_line import one_line

SIDES = {1: 256, 2: 224, 3: 32}
"""By how many open dimensions of the input windows slide over; strides of 32 divide all of them."""
LARGER = (64, 256, 512, 1024)
"""What is tried, one after the other, for the last dimensions of inputs of a network that does not run with less."""


def side_of(value: Input) -> int:
    """The size of an open dimension of an input that windows slide over."""
    shape = value.shape or ()
    return SIDES[min(max(1, sum(not isinstance(shape[axis], int) for axis in value.slides)), max(SIDES))]


def sides(inputs: Sequence[Input]) -> dict[str, int]:
    """The sizes of the named dimensions that windows slide over."""
    sizes: dict[str, int] = {}
    for value in inputs:
        for axis in value.slides:
            name = (value.shape or ())[axis]
            if isinstance(name, str):
                sizes.setdefault(name, side_of(value))
    return sizes


def assumed(inputs: Sequence[Input]) -> Iterator[str]:
    """What is made up of dimensions that have no name, and that windows slide over."""
    for value in inputs:
        axes = [str(axis) for axis in value.slides if (value.shape or ())[axis] is None]
        if axes:
            yield (
                f"input {one_line(value.name)}: dimension {' and '.join(axes)} without a name is taken to be "
                f"{side_of(value)}"
            )


def last_names(inputs: Sequence[Input]) -> set[str]:
    """The names of last dimensions that windows do not slide over, and that are not the first of another input."""
    shapes = [value.shape for value in inputs if value.shape]
    last = {shape[-1] for shape in shapes if len(shape) > 1}
    return {dim for dim in last if isinstance(dim, str)} - {shape[0] for shape in shapes} - set(sides(inputs))


def longer_inputs(
    inputs: Sequence[Input], given: Container[str] = ()
) -> Iterator[tuple[int, list[Input], dict[str, int]]]:
    """LARGER sizes, one after the other, the inputs with that size as last dimension, and the named ones that have it.

    Nothing where no last dimension is open; names in `given` are not.
    """
    names = sorted(name for name in last_names(inputs) if name not in given)
    if names or lengthened(inputs, 0) != list(inputs):
        for size in LARGER:
            yield size, lengthened(inputs, size), dict.fromkeys(names, size)


def lengthened(inputs: Sequence[Input], size: int) -> list[Input]:
    """The inputs with this size where the last of some dimensions has no name, and 1 for the others without one.

    Not those that windows slide over.
    """
    return [
        replace(value, shape=tuple(_length(value, axis, size) for axis in range(len(value.shape))))
        if value.shape
        else value
        for value in inputs
    ]


def _length(value: Input, axis: int, size: int) -> int | str | None:
    shape = value.shape or ()
    if shape[axis] is not None or axis in value.slides:
        return shape[axis]
    return size if axis == len(shape) - 1 > 0 and not value.slides else 1
