"""What can be chosen in `quantize`; free of numpy: a command line is parsed before it is imported."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from dialects.chip.formats import FEWEST_INPUT_BITS, MOST_BITS, MOST_INPUT_BITS
from dialects.errors import UserError

Activations: TypeAlias = Literal["token", "tensor", "static"]
"""How activations are quantised: by the range of each token, of the tensor, or of calibration inputs."""
ACTIVATIONS: tuple[Activations, ...] = get_args(Activations)
TOKEN, TENSOR, STATIC = ACTIVATIONS

WEIGHT_BITS = (8, 6, 4, 3, 2)
ACTIVATION_BITS = tuple(range(MOST_INPUT_BITS, FEWEST_INPUT_BITS - 1, -1))
AUTO = "auto"
"""As many bits for each weight as a budget of quality asks for."""
COLUMN = "column"
"""One scale for all rows of a column."""
DEFAULT_QUALITY_BUDGET = 0.05
"""Relative error of the outputs that `auto` may make."""


@dataclass(frozen=True)
class Resolution:
    """To how many bits a weight is quantised, and how many successive rows of a column have one scale, at most.

    `group` is None where all rows of a column have one, or all rows of a column of a block.
    """

    bits: int = MOST_BITS
    group: int | None = None

    @property
    def levels(self) -> int:
        """How many steps of a scale there are between the least and the greatest integer.

        8 bits are symmetric, and leave one integer unused.
        """
        return 254 if self.bits == MOST_BITS else (1 << self.bits) - 1

    def rows_of(self, rows: int) -> int:
        """How many of the rows of a column have one scale; of the last ones perhaps fewer. At least 1.

        Groups are as long as they may be, not of equal size: so 576 rows in groups of 128 fill arrays of 256 rows.
        """
        return max(1, rows if self.group is None else min(rows, self.group))


FULL = Resolution()
"""8 bits, and a scale for each column."""


def check_activations(activations: str) -> None:
    """UserError for a way to quantise activations that there is not."""
    if activations not in ACTIVATIONS:
        raise UserError(f"activations={activations} is unknown: expected one of {', '.join(ACTIVATIONS)}")


def check_bits(weight_bits: int | str, weight_group: int | str, activation_bits: int) -> None:
    """UserError for numbers of bits, or of rows that share a scale, that there are not."""
    if weight_bits != AUTO and weight_bits not in WEIGHT_BITS:
        raise UserError(f"weight-bits={weight_bits}: expected one of {', '.join(map(str, WEIGHT_BITS))}, {AUTO}")
    if weight_group != COLUMN and not (isinstance(weight_group, int) and weight_group >= 2):
        raise UserError(f"weight-group={weight_group}: expected a number of rows of at least 2, or {COLUMN}")
    if activation_bits not in ACTIVATION_BITS:
        raise UserError(f"activation-bits={activation_bits}: expected one of {', '.join(map(str, ACTIVATION_BITS))}")
