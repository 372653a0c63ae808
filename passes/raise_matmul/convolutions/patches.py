"""The gather in front of a convolution (im2col): for each position, the elements that the kernel sees as one vector.

Channels move to the last axis first, so that what is gathered lies together. One `Gather` with a table of places makes
vectors of kernel points and channels; groups, which are blocks of the weight, move before the kernel points. Where
positions share no element, as in the patch embedding of a vision transformer, it takes no gather: the image is cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i32, i64
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.element_types import Array
from dialects.network import shape_of
from passes.raise_matmul.convolutions.windows import Window
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.sizes import Size, Sizes, known

_TABLE_BYTES = 1 << 16
"""Larger tables of several axes are added up before the run, and not kept in the program."""
_TABLE_PLACES = 1 << 20
"""Tables of an axis with more places are computed before the run."""


@dataclass(frozen=True)
class Patches:
    """`vectors` [batch, positions in the order `axes`, group x kernel points x channels of a group]."""

    vectors: SSAValue
    axes: Sequence[int]
    """The spatial axes, counted from 0, in the order of the vectors; kernel points have the same order."""


def patches(
    builder: DigitalBuilder,
    x: SSAValue,
    windows: Sequence[Window],
    channels: tuple[int, int],
    border: SSAValue | None = None,
    *,
    channels_last: bool = False,
) -> Patches:
    """The vectors that windows see of `x` [batch, channels, axes] (or [batch, axes, channels]).

    `channels` are (groups, channels of a group), `border` what lies outside of `x`, 0 for None.
    """
    image = _Image(builder, x, list(windows), channels, channels_last)
    image.thin_out()
    wide = [i for i, window in enumerate(image.windows) if not window.is_point]
    if not wide:
        axes = list(range(len(windows)))
        return Patches(builder.transpose(image.x, image.order(axes)), axes)
    if all(image.windows[i].is_block for i in wide):
        return image.cut()
    axes = [i for i in range(len(windows)) if i not in wide] + wide
    return Patches(image.gathered(axes, len(wide), border), axes)


@dataclass
class _Image:
    """`x` on its way to vectors, and the windows on what it is by now."""

    builder: DigitalBuilder
    x: SSAValue
    windows: list[Window]
    channels: tuple[int, int]
    channels_last: bool

    @property
    def rank(self) -> int:
        return len(self.windows)

    def axis(self, i: int) -> int:
        """The dimension that is spatial axis `i`."""
        return i + (1 if self.channels_last else 2)

    def order(self, axes: Iterable[int]) -> list[int]:
        """The dimensions with channels last and spatial axes as in `axes`."""
        return [0, *(self.axis(i) for i in axes), self.rank + 1 if self.channels_last else 1]

    def thin_out(self) -> None:
        """A window of one point that leaves out elements does so by a slice."""
        for i, window in enumerate(self.windows):
            if window.is_point and window.stride > 1:
                sizes = Sizes(self.builder)
                count = sizes.divide(sizes.add(window.size, window.stride - 1), window.stride)
                self.x = _every(self.builder, self.x, self.axis(i), window.stride, count)
                self.windows[i] = Window(count, 1)

    def gathered(self, axes: Sequence[int], wide: int, border: SSAValue | None) -> SSAValue:
        """One gather over the last `wide` of `axes`, the others having windows of one point."""
        builder, sizes = self.builder, Sizes(self.builder)
        groups, inputs = self.channels
        image = builder.transpose(self.x, self.order(axes))
        moved = [self.windows[i] for i in axes[-wide:]]
        image = _bordered(builder, image, moved, border, sizes)
        first = 1 + len(axes) - wide
        padded = [sizes.add(sizes.add(window.size, window.begin), window.end) for window in moved]
        if wide > 1:
            joined = sizes.product(padded)
            image = _reshaped(builder, image, [*[0] * first, joined, groups * inputs], sizes)
        table = _table(builder, moved, padded, sizes)
        assert isa(image.type, TensorType)
        assert isa(table.type, TensorType)
        shape = image.type.get_shape()
        places = [*shape[:first], *table.type.get_shape(), groups * inputs]
        image = builder.op("Gather", [image, table], TensorType(image.type.element_type, places), axis=first)
        return self._joined(image, 1 + len(axes))

    def _joined(self, image: SSAValue, leading: int) -> SSAValue:
        """Kernel points and channels of each position as one vector, groups first."""
        groups, inputs = self.channels
        points = prod(window.kernel for window in self.windows)
        if groups > 1 and points > 1:
            image = self.builder.reshape_last(image, leading, [points, groups, inputs])
            image = self.builder.transpose(image, [*range(leading), leading + 1, leading, leading + 2])
        return self.builder.reshape_last(image, leading, [groups * points * inputs])

    def cut(self) -> Patches:
        """No element is seen twice: the image is cut along its axes, without a gather."""
        builder, sizes = self.builder, Sizes(self.builder)
        groups, inputs = self.channels
        parts: list[Size] = []
        for i, window in enumerate(self.windows):
            if window.kernel == 1:
                parts.append(window.size)
                continue
            count = sizes.divide(window.size, window.kernel) if window.count is None else window.count
            used = sizes.multiply(count, window.kernel)
            if used != window.size:
                self.x = _first(builder, self.x, self.axis(i), used, sizes)
            parts += [count, window.kernel]
        lengths = [1 if window.kernel == 1 else 2 for window in self.windows]
        lead = 1 if self.channels_last else 3
        starts = [lead + sum(lengths[:i]) for i in range(self.rank)]
        middle = [groups, inputs]
        shape = [0, *parts, *middle] if self.channels_last else [0, *middle, *parts]
        image = _reshaped(builder, self.x, shape, sizes)
        group = len(shape) - 2 if self.channels_last else 1
        points = [start + 1 for start, length in zip(starts, lengths) if length == 2]
        image = builder.transpose(image, [0, *starts, group, *points, group + 1])
        vectors = builder.reshape_last(image, 1 + self.rank, [groups * inputs * prod(w.kernel for w in self.windows)])
        return Patches(vectors, list(range(self.rank)))


def _every(builder: DigitalBuilder, x: SSAValue, axis: int, step: int, count: Size) -> SSAValue:
    """Every `step`-th element of an axis."""
    assert isa(x.type, TensorType)
    shape = list(x.type.get_shape())
    shape[axis] = known(count)
    numbers = (0, np.iinfo(np.int64).max, axis, step)
    values = [builder.constant(np.array([number], np.int64), "slice") for number in numbers]
    return builder.op("Slice", [x, *values], TensorType(x.type.element_type, shape))


def _first(builder: DigitalBuilder, x: SSAValue, axis: int, count: Size, sizes: Sizes) -> SSAValue:
    """The first `count` elements of an axis."""
    assert isa(x.type, TensorType)
    shape = list(x.type.get_shape())
    shape[axis] = known(count)
    values = [sizes.vector([size]) for size in (0, count, axis)]
    return builder.op("Slice", [x, *values], TensorType(x.type.element_type, shape))


def _bordered(
    builder: DigitalBuilder, x: SSAValue, moved: Sequence[Window], border: SSAValue | None, sizes: Sizes
) -> SSAValue:
    """`x` [..., axes of `moved`, channels] with a border around it."""
    if not any(window.is_bordered for window in moved):
        return x
    assert isa(x.type, TensorType)
    shape = list(x.type.get_shape())
    first = len(shape) - 1 - len(moved)
    for n, window in enumerate(moved):
        shape[first + n] = DYNAMIC_INDEX if window.padded is None else window.padded
    begins, ends = ([getattr(window, side) for window in moved] for side in ("begin", "end"))
    pads = sizes.vector([*[0] * first, *begins, 0, *[0] * first, *ends, 0])
    return builder.op("Pad", [x, pads, *([] if border is None else [border])], TensorType(x.type.element_type, shape))


def _reshaped(builder: DigitalBuilder, x: SSAValue, shape: Sequence[Size], sizes: Sizes) -> SSAValue:
    """`x` in another shape, in which 0 stands for a dimension that stays where it is."""
    old = shape_of(x.type)
    assert old is not None
    assert isa(x.type, TensorType)
    result = [old[i] if size == 0 else known(size) for i, size in enumerate(shape)]
    return builder.op("Reshape", [x, sizes.vector(shape)], TensorType(x.type.element_type, result))


def _table(builder: DigitalBuilder, moved: Sequence[Window], padded: Sequence[Size], sizes: Sizes) -> SSAValue:
    """Where the elements of each position are in the flattened axes: [positions of each axis, points of each]."""
    steps = [sizes.product(padded[n + 1 :]) for n in range(len(moved))]
    counts = [window.count for window in moved]
    points = [window.kernel for window in moved]
    strides = [step for step in steps if isinstance(step, int)]
    large = any((count or 0) * window.kernel > _TABLE_PLACES for count, window in zip(counts, moved))
    if None in counts or len(strides) < len(steps) or large:
        return _computed_table(builder, moved, list(zip(padded, steps)), sizes)
    axes = [_axis_table(window, n, len(moved)) * np.int32(step) for n, (window, step) in enumerate(zip(moved, strides))]
    if 4 * prod(points) * prod(count or 0 for count in counts) <= _TABLE_BYTES:
        return builder.constant(sum(axes[1:], axes[0]), "windows")
    table, shape = builder.constant(axes[0], "windows"), axes[0].shape
    for other in axes[1:]:
        shape = np.broadcast_shapes(shape, other.shape)
        table = builder.op("Add", [table, builder.constant(other, "windows")], TensorType(i32, shape))
        table.name_hint = "windows"
    return table


def _axis_table(window: Window, n: int, axes: int) -> Array:
    """What each position of axis `n` sees of it, int32 [positions, points], at their places among `2 * axes`."""
    assert window.count is not None
    positions = np.arange(window.count, dtype=np.int32) * np.int32(window.stride)
    points = np.arange(window.kernel, dtype=np.int32) * np.int32(window.dilation)
    return positions.reshape(_among(n, axes)) + points.reshape(_among(axes + n, axes))


def _among(place: int, axes: int) -> list[int]:
    return [-1 if i == place else 1 for i in range(2 * axes)]


def _computed_table(
    builder: DigitalBuilder, moved: Sequence[Window], padded: Sequence[tuple[Size, Size]], sizes: Sizes
) -> SSAValue:
    """The same where sizes are not known, int64; `padded` are size and elements from one to the next of each axis."""
    table: SSAValue | None = None
    shape = [1] * (2 * len(moved))
    for n, (window, (size, step)) in enumerate(zip(moved, padded)):
        positions = sizes.range(0, sizes.subtract(size, window.span - 1), window.stride)
        count = DYNAMIC_INDEX if window.count is None else window.count
        points = np.arange(window.kernel, dtype=np.int64) * window.dilation
        here = [1] * len(shape)
        here[n] = count
        target = builder.constant(np.array(_among(n, len(moved)), np.int64), "shape")
        positions = builder.op("Reshape", [positions, target], TensorType(i64, here))
        here[len(moved) + n] = window.kernel
        offsets = builder.constant(points.reshape(_among(len(moved) + n, len(moved))), "points")
        places = builder.op("Add", [positions, offsets], TensorType(i64, here))
        if step != 1:
            places = builder.op("Mul", [places, sizes.scalar(step)], places.type)
        shape = [b if a == 1 else a for a, b in zip(shape, here)]
        table = places if table is None else builder.op("Add", [table, places], TensorType(i64, shape))
    assert table is not None
    return table
