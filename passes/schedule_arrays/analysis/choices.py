"""What can be chosen in `schedule-arrays`; free of numpy: a command line is parsed before it is imported."""

from dialects.errors import UserError

LOSSLESS = 0
"""Instead of a number of bits for conversions that may clip."""


def check_lossy(bits: int, adc_bits: int, chip: str) -> None:
    """UserError unless ADCs of `adc_bits`, those of the chip of that name, can deliver so many bits, or `LOSSLESS`."""
    if not LOSSLESS <= bits <= adc_bits:
        raise UserError(f"lossy = {bits} bits: expected 1 to {adc_bits}, the bits of chip {chip!r}")
