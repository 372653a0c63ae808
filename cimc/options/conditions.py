"""The conditions under which a program is costed, as `cim-report` and `cim-sweep` take them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from cimc.options.spelling import Spelling
from cimc.options.values import dimension, positive

DEFAULT_CONTEXT = 512
"""As the paper's BERT-large."""
DEFAULT_TOKENS = 512


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a program is costed."""

    dims: Annotated[
        Mapping[str, int],
        Spelling("count operators for this size", "NAME=VALUE", dimension, flag="--dim", pairs=True),
    ] = field(default_factory=dict[str, int])
    """Sizes of symbolic dimensions by name; the others are those of one token (cimc/report/cost/dimensions.py)."""
    context: Annotated[int, Spelling("tokens before the one that is counted (%(default)s)", "N", positive)] = (
        DEFAULT_CONTEXT
    )
    tokens: Annotated[int | None, Spelling("tokens of a prefill (default: 512)", "N", positive)] = None
    """None for `DEFAULT_TOKENS`, and an estimate where a schedule of many tokens would take long to make."""


DECODE = Conditions()
"""One token after the default context."""
