"""How the kernel of a convolution moves over its input, read off the attributes of the node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import DYNAMIC_INDEX, StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.hints import isa

from dialects.attributes.onnx_attributes import integers
from dialects.element_types import element_type
from passes.rewriting.patterns import knowing
from passes.rewriting.sizes import Size, Sizes

_SAME = ("SAME_UPPER", "SAME_LOWER")
_LARGEST = 1 << 24
"""Steps and borders are smaller, and so are elements that a kernel spans: what is larger is no image."""
_MOST = 1 << 40
"""Elements of an image with its border, and places that kernels see of it, at most."""


@dataclass(frozen=True)
class Window:
    """One axis: `kernel` points, `dilation` apart, which move by `stride` over `size` elements with a border."""

    size: Size
    kernel: int
    stride: int = 1
    dilation: int = 1
    begin: Size = 0
    end: Size = 0

    @property
    def span(self) -> int:
        """Elements from the first point of the kernel to its last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def is_bordered(self) -> bool:
        """Whether there is a border, or may be one."""
        return (self.begin, self.end) != (0, 0)

    @property
    def is_point(self) -> bool:
        """Whether each position sees one element of the axis itself."""
        return self.kernel == 1 and not self.is_bordered

    @property
    def is_block(self) -> bool:
        """Whether positions see elements side by side, none of them twice."""
        if self.is_bordered or self.dilation != 1:
            return False
        return self.stride == self.kernel or self.size == self.kernel

    @property
    def padded(self) -> int | None:
        """The size with its border, where it is known."""
        parts = (self.size, self.begin, self.end)
        return sum(part for part in parts if isinstance(part, int)) if all(isinstance(p, int) for p in parts) else None

    @property
    def count(self) -> int | None:
        """Positions, where they are known."""
        return None if self.padded is None else (self.padded - self.span) // self.stride + 1


def strides_and_dilations(setting: Mapping[str, Attribute], kernel: Sequence[int]) -> list[tuple[int, int]] | None:
    """Stride and dilation of each axis; None where ONNX Runtime takes no such node."""
    rank = len(kernel)
    shape, strides, dilations = (integers(dict(setting), name) for name in ("kernel_shape", "strides", "dilations"))
    if shape is not None and shape != list(kernel):
        return None
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    if len(strides) != rank or len(dilations) != rank or not all(0 < n < _LARGEST for n in (*strides, *dilations)):
        return None
    return list(zip(strides, dilations))


def borders(setting: Mapping[str, Attribute], rank: int) -> list[tuple[int, int]] | None:
    """Elements before and after each axis, as `pads` says; None where ONNX Runtime takes no such node."""
    pads = integers(dict(setting), "pads")
    if pads is None:
        return [(0, 0)] * rank
    if len(pads) != 2 * rank or not all(0 <= n < _LARGEST for n in pads) or auto_pad(setting) != "NOTSET":
        return None
    return list(zip(pads[:rank], pads[rank:]))


def auto_pad(setting: Mapping[str, Attribute]) -> str:
    """The attribute of that name."""
    value = setting.get("auto_pad")
    return value.data if isinstance(value, StringAttr) and value.data else "NOTSET"


def windows(
    setting: Mapping[str, Attribute], kernel: Sequence[int], x: SSAValue, first: int, sizes: Sizes
) -> list[Window] | None:
    """The window of each axis of `x` from dimension `first` on; None where ONNX Runtime takes no such node."""
    steps, given, padding = strides_and_dilations(setting, kernel), borders(setting, len(kernel)), auto_pad(setting)
    if steps is None or given is None or padding not in ("NOTSET", "VALID", *_SAME):
        return None
    if padding in _SAME and any(dilation != 1 for _, dilation in steps):
        return None
    assert isa(x.type, TensorType)
    shape = x.type.get_shape()[first : first + len(kernel)]
    moves: list[Window | None] = [None] * len(kernel)
    order = sorted(range(len(kernel)), key=lambda i: shape[i] == DYNAMIC_INDEX)  # those that may be refused come first
    for i in order:
        size = sizes.of(x, first + i)
        border = given[i] if padding not in _SAME else _same(size, kernel[i], steps[i][0], sizes)
        begin, end = border if padding != "SAME_LOWER" else border[::-1]
        move = moves[i] = Window(size, kernel[i], *steps[i], begin, end)
        if move.count is not None and move.count < 1:
            return None
    axes = [move for move in moves if move is not None]
    return axes if all(total < _MOST for total in _totals(axes)) else None


def _totals(axes: Sequence[Window]) -> tuple[int, int]:
    """Elements with the border, and places that kernels see of them; sizes that are not known count as 1."""
    seen = prod((window.count or 1) * window.kernel for window in axes)
    return prod(window.padded or 1 for window in axes), seen


def _same(size: Size, kernel: int, stride: int, sizes: Sizes) -> tuple[Size, Size]:
    """The border that gives `ceil(size / stride)` positions: before the axis and after it, there the odd one."""
    if stride == 1:
        total: Size = kernel - 1
    else:
        positions = sizes.divide(sizes.add(size, stride - 1), stride)
        last = sizes.multiply(sizes.subtract(positions, 1), stride)
        total = sizes.at_least_0(sizes.subtract(sizes.add(last, kernel), size))
    begin = sizes.divide(total, 2)
    return begin, sizes.subtract(total, begin)


def image(x: SSAValue, kernel: SSAValue) -> SSAValue:
    """`x`, of which at least the rank is known, for it is that of the kernel."""
    if isa(x.type, TensorType) or not isa(kernel.type, TensorType):
        return x
    return knowing(x, TensorType(element_type(x.type), [DYNAMIC_INDEX] * kernel.type.get_num_dims()))
