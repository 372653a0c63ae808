"""What clipping did in a run: how many conversions of each stage clipped, and how many outputs changed."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.machine.check import differing
from cimc.machine.machine import Machine

_SHOWN = 10
"""Stages that are listed."""


def clipping_lines(
    machine: Machine, outputs: Mapping[str, NDArray[Any]], ideal: Mapping[str, NDArray[Any]]
) -> Iterator[str]:
    """What to tell of the last run of a machine, with the outputs that it would have if no ADC clipped or rounded."""
    clipped, made = machine.clipped, machine.conversions
    yield f"clipped: {_share(sum(clipped.values()), sum(made.values()))} conversions"
    nodes = machine.nodes_by_stage()
    stages = sorted((stage for stage in clipped if clipped[stage]), key=lambda stage: (-clipped[stage], stage))
    for stage in stages[:_SHOWN]:
        yield f"  stage {stage}: {_share(clipped[stage], made[stage])}  {nodes[stage]}"
    if len(stages) > _SHOWN:
        yield f"  and {len(stages) - _SHOWN} more stages"
    changed = sum(_changed(outputs[name], ideal[name]) for name in ideal)
    yield f"outputs: {_share(changed, sum(array.size for array in ideal.values()))} values would differ with ideal ADCs"


def _changed(values: NDArray[Any], ideal: NDArray[Any]) -> int:
    """How many values differ: all, if not even their number is the same."""
    return int(np.count_nonzero(differing(values, ideal))) if values.shape == ideal.shape else ideal.size


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / max(whole, 1):.3g} %)"
