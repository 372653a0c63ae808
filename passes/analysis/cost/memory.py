"""What the memory for values between steps (buffers) takes, and that of keys and values (docs/cost-model.md).

A component that the chip gives no number for is left out: it is not counted.
"""

import math

from dialects.chip.costs import MemoryCosts

KIB = 1024


def memory_um2(costs: MemoryCosts, held: int) -> dict[str, float]:
    """The area by component of buffers that hold so many bytes at once."""
    return _known(buffer=_product(-(-held // KIB), costs.buffer_um2))


def memory_leakage_uw(costs: MemoryCosts, held: int, keys_and_values: float) -> dict[str, float]:
    """The power that leaks by component: of buffers that hold so many bytes at once, and of the memory of keys and
    values, if bytes of these are moved."""
    memory = costs.memory_leakage_uw if keys_and_values else None
    return _known(buffer=_product(-(-held // KIB), costs.buffer_leakage_uw), memory=memory)


def memory_pj(costs: MemoryCosts, moved: float, keys_and_values: float) -> dict[str, float]:
    """The energy by component of so many bytes read and written, of buffers and of keys and values."""
    return _known(
        buffer=_product(moved, costs.buffer_byte_pj), memory=_product(8 * keys_and_values, costs.memory_bit_pj)
    )


def memory_ps(costs: MemoryCosts, keys_and_values: int) -> int:
    """How long it takes at least to read so many bytes of keys and values; 0 if the chip gives no rate."""
    rate = costs.memory_gb_per_s
    return 0 if rate is None else math.ceil(1000 * keys_and_values / rate)


def _product(count: float, each: float | None) -> float | None:
    return None if each is None else count * each


def _known(**components: float | None) -> dict[str, float]:
    return {name: value for name, value in components.items() if value is not None}
