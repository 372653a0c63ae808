"""What the steps of a program run on."""

from dataclasses import dataclass

from passes.analysis.timing import ArrayTimes


@dataclass(frozen=True)
class Resources:
    """What steps are scheduled on: arrays with `buffers` sets of registers each, digital units that add two vectors of
    `vector_width` in `add_ps`, attention units, and `links` that move a vector at a time (None: any number of them)."""

    times: ArrayTimes
    digital_units: int
    add_ps: int
    vector_width: int
    attention_units: int = 0
    buffers: int = 1
    links: int | None = None
