"""What a chip's parts cost, in groups of numbers that go together; a chip makes them, the cost model takes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DigitalCosts:
    """Time [ns] and energy [pJ] of the digital units and the attention units; an energy is None if not known.

    Times and `vector_pj` are those of one unit and one vector of `vector_width` elements.
    """

    digital_units: int
    vector_width: int
    compare_ns: float
    add_ns: float
    function_ns: float
    normalize_ns: float
    attention_units: int
    attention_macs_per_ns: float
    vector_pj: float | None = None
    mac_pj: float | None = None
