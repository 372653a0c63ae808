"""What a chip's parts cost, in groups of numbers that go together; a chip makes them, the cost model takes them.

A number is None where the chip does not give it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ArrayCosts:
    """Energies [pJ] of what arrays do; one of 8-bit weights is `slices` crossbars in lockstep."""

    slices: int
    adc_pj: tuple[float, ...] | None
    """One conversion to 1, 2, ... bits."""
    dac_pj: float | None
    cell_pj: float | None
    shift_add_pj: float | None
    transfer_bit_pj: float | None
    add_pj: float | None


@dataclass(frozen=True)
class HardwareCosts:
    """Area [um2] and leakage [uW] of crossbars with their `adcs` ADCs each, and of the digital units.

    An array of 8-bit weights is `slices` crossbars; `array_leakage_uw` is for such a one.
    """

    rows: int
    columns: int
    slices: int
    adcs: int
    digital_units: int | None
    attention_units: int | None
    cell_um2: float | None
    dac_um2: float | None
    adc_um2: float | None
    """One ADC of the chip's full resolution."""
    shift_add_um2: float | None
    digital_unit_um2: float | None
    attention_unit_um2: float | None
    array_leakage_uw: float | None
    adc_leakage_uw: float | None
    digital_unit_leakage_uw: float | None
    attention_unit_leakage_uw: float | None


@dataclass(frozen=True)
class DigitalCosts:
    """Time [ns] and energy [pJ] of the digital units and the attention units.

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
    normalize_pj: float | None = None
    """As `vector_pj`, of operators that normalize."""


@dataclass(frozen=True)
class MemoryCosts:
    """What the memory of values between steps (buffers) takes, and that of keys and values."""

    buffer_um2: float | None = None
    """One KiB."""
    buffer_byte_pj: float | None = None
    """A byte read or written."""
    buffer_leakage_uw: float | None = None
    """One KiB."""
    memory_bit_pj: float | None = None
    """A bit read or written."""
    memory_gb_per_s: float | None = None
    memory_leakage_uw: float | None = None
