"""The speedups of arXiv 2510.11192 as text: ours beside the paper's, what was fitted, and what does not follow."""

from collections.abc import Iterator, Sequence

from cimc.hardware.library import load_chip
from cimc.paper.speedups import (
    CHIP,
    DENSEMAP,
    LINEAR,
    REPORTED,
    REPORTED_ENERGY,
    SPARSEMAP,
    VARIANTS,
    Condition,
    Speedup,
)


def speedup_lines(rows: Sequence[Speedup], conditions: Sequence[Condition]) -> Iterator[str]:
    """The table, and what has to be said of it."""
    chip = load_chip(CHIP)
    yield f"Parameter multiplications of one decoded token of {rows[0].network} on {CHIP}, from scheduled programs:"
    yield from _programs(rows)
    yield "Stages one after the other, permutations folded into what arrays read. In us, and times less than linear."
    yield from _table(rows)
    yield f"{'paper':6}" + "".join(f"{_times(REPORTED.get(variant.name)):>{_WIDTH}}" for variant in VARIANTS)
    yield "The paper does not say for how many ADCs, but that few favour densemap, and that sparsemap is best at 32."
    yield ""
    settling, bit, addition, transfer = (
        f"{ns:g} ns" for ns in (chip.settle_ns, chip.adc_ns(1), chip.add_ns, chip.transfer_ns)
    )
    yield f"Fitted to the paper's two factors at {chip.adcs} ADCs: settling, {settling}, and {bit} a bit. The rest is"
    yield f"IBM's 3D-CiM simulator: sums of two partial sums {addition} on {chip.digital_units} units,"
    yield f"transfers {transfer}, 8-bit inputs in one plane. The factors at other numbers of ADCs are not fitted. At 8,"
    yield "such sums are more than half of linear's time."
    yield ""
    yield f"{'at ' + str(chip.adcs) + ' ADCs':40}{'sparsemap':>10}{'densemap':>10}"
    yield from (f"{row.condition:40}{_times(row.sparsemap):>10}{_times(row.densemap):>10}" for row in conditions)
    own = {row.mapping: row for row in rows if row.adcs == chip.adcs}
    if own:
        yield from _comparisons(own)
    yield "In data flow, linear adds partial sums of keys and values while the next stage converts."
    yield ""
    yield from _UNEXPLAINED


_WIDTH = 18


def _programs(rows: Sequence[Speedup]) -> Iterator[str]:
    for variant in VARIANTS:
        row = next(row for row in rows if row.mapping == variant.name)
        layers = f"{row.layers_compiled} layer{'s' if row.layers_compiled > 1 else ''} compiled"
        yield f"  {row.mapping:10}{variant.form:8}{row.adc_bits} bits {row.arrays:>6} arrays  {layers}"


def _table(rows: Sequence[Speedup]) -> Iterator[str]:
    yield f"{'ADCs':6}" + "".join(f"{variant.name:>{_WIDTH}}" for variant in VARIANTS)
    for adcs in dict.fromkeys(row.adcs for row in rows):
        own = {row.mapping: row.serial_us for row in rows if row.adcs == adcs}
        linear = own[LINEAR.name]
        cells = (f"{us:.2f}{_times(linear / us):>8}" for us in own.values())
        yield f"{adcs:<6}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def _comparisons(own: dict[str, Speedup]) -> Iterator[str]:
    """Data flow and energy, at one number of ADCs."""
    linear, sparse, dense = (own[variant.name] for variant in (LINEAR, SPARSEMAP, DENSEMAP))
    rows = {
        "in data flow, permutations moved": [linear.flow_us / row.flow_us for row in (sparse, dense)],
        "energy but for leakage": [linear.dynamic_uj / row.dynamic_uj for row in (sparse, dense)],
        "leakage": [linear.leakage_uj / row.leakage_uj for row in (sparse, dense)],
    }
    for name, factors in rows.items():
        yield f"{name:40}" + "".join(f"{_times(factor):>10}" for factor in factors)
    yield f"{'energy, paper':40}{_times(None):>10}{_times(REPORTED_ENERGY[DENSEMAP.name]):>10}"


_UNEXPLAINED = (
    "What this does not explain:",
    "* Bits. 8, 5 and 3 are the paper's, the logarithms of 256, 32 and 8 rows; but in densemap, too, 32 rows reach a",
    "  column, and 64 where blocks are 64x64. With 5 bits, densemap is slower than sparsemap.",
    "* Accuracy. A sum of 32 products of 8-bit numbers has 21 bits. The programs are compiled with --lossy, so that",
    "  conversions clip: their times are right, their outputs are not the network's. Lossless figures are above.",
    "* Energy. 1.74x is near what latency and so leakage gain; products, conversions and additions gain far more.",
    "* Utilisation of 78.8 %, and 8x fewer parameters: see the counts above.",
)


def _times(factor: float | None) -> str:
    return "-" if factor is None else f"{factor:.2f}x"
