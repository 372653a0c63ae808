"""Graphs whose large constants lie outside of them: gigabytes are made when they are run or written, one by one."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto

from dialects.element_types import Array

LARGE = 1 << 16
"""Bytes from which on a constant is kept out of a graph."""


@dataclass(frozen=True)
class Later:
    """An array of this type and shape that is made when it is needed: `make` gives the same one each time."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    make: Callable[[], Array]
    digest: str | None = None
    """What `digest_of` makes of it, where that is known."""

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def is_plain(self) -> bool:
        """Whether ONNX keeps such an array as numpy does: it packs numbers of 4 bits."""
        return self.dtype.isbuiltin == 1 and self.dtype.kind in "fiub"


@dataclass(frozen=True)
class OutlinedModel:
    """A model, and its large constants by name: in `proto` these are initializers with external data, without bytes.

    The constants are those of the network that the model was written for, as long as no pass changes it.
    """

    proto: ModelProto
    constants: Mapping[str, Later]

    @property
    def nbytes(self) -> int:
        """Bytes of all large constants."""
        return sum(constant.nbytes for constant in self.constants.values())
