"""What one layer costs on chips that come with cimc, computed by hand from the numbers of their files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Options, compile_network
from cimc.report.report import Report, report_of


@pytest.fixture
def signs(onnx_file: Callable[..., Path]) -> Callable[..., Report]:
    """The report of a multiplication by 1 and -1, stored as 127 and -127, without structure; the first column is 1."""

    def report(chip: str, rows: int, columns: int) -> Report:
        text = f"g (float[1,{rows}] x) => (float[1,{columns}] y) {{ y = MatMul(x, w) }}"
        weight = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), (rows, columns))
        weight[:, 0] = 1
        file = onnx_file(text, {"w": weight})
        return report_of(compile_network(file, Options(chip=chip, mapping="linear", measure=False)).program)

    return report


def test_isaac_128(signs: Callable[..., Report]) -> None:
    """Tiles of 128 and 72 rows. The 4 cells of 127 + 128 hold 3 each, so 8 bits suffice for 85 rows: 3 row groups."""
    report = signs("isaac-128", 200, 100)
    row_group = 8 * (100 + 100 * round(0.78125, 3))  # in whole picoseconds
    assert report.latency_ns["parameter"] == pytest.approx(2 * row_group + 10 + 2 * 100, abs=1e-9)
    conversions = 3 * 100 * 4 * 8
    assert report.conversions_per_token == conversions
    found = report.energy_components_pj
    assert {name: found[name] for name in ("adc", "dac", "cells", "shift_add", "transfer", "add")} == pytest.approx(
        {
            "adc": conversions * 1.67,
            "dac": 200 * 4 * 8 * 0.39,
            "cells": 200 * 100 * 4 * 8 * 0.00183,
            "shift_add": conversions * 0.021,
            "transfer": (200 * 8 + 2 * 100 * 32) * 0.215,
            "add": 100 * 0.1,
        }
    )
    total_ns = report.latency_ns["total"]
    assert total_ns is not None
    assert found["leakage"] == pytest.approx((2 * 4 * 400 + 5 * 1e6) * total_ns / 1000)
    crossbars = 2 * 4
    arrays_um2 = crossbars * (128 * 128 * 0.00153 + 128 * 0.166 + 1200 + 30)
    assert report.area_um2 == pytest.approx(arrays_um2 + 5 * 3.08e6)


def test_sram_256(signs: Callable[..., Report]) -> None:
    """127 has 7 of 8 bits: a conversion to 8 bits for 255 rows, to one bit for the last; 32 ADCs read 64 columns."""
    report = signs("sram-256", 256, 64)
    bit_ns = 0.640 + 0.00653 * 256
    row_groups = [8 * (1 + 2 * round(bits * bit_ns, 3)) for bits in (8, 1)]
    assert report.latency_ns["parameter"] == pytest.approx(sum(row_groups) + 2 * 10, abs=1e-9)
    conversions = 64 * 8 * 8
    assert report.conversions_per_token == 2 * conversions
    found = report.energy_components_pj
    adc_pj = [(100 * bits + 0.001 * 4**bits) / 1000 * 0.9**2 for bits in (8, 1)]
    assert {name: found[name] for name in ("adc", "dac", "cells", "shift_add", "transfer", "add")} == pytest.approx(
        {
            "adc": conversions * sum(adc_pj),
            "dac": 256 * 8 * 8 * 0.073,
            "cells": 256 * 64 * 8 * 8 * 0.00057,
            "shift_add": 2 * conversions * 0.048,
            "transfer": (256 * 8 + 64 * 32) * 0.01,
            "add": 0,
        }
    )
    total_ns = report.latency_ns["total"]
    assert total_ns is not None
    assert found["leakage"] == pytest.approx((14 + 8 * 32 * 7.6 + 5 * 1e6) * total_ns / 1000)
    adc_um2 = 2**8 * 10 ** (1.206 - 0.0369 * 8)
    assert report.area_um2 == pytest.approx(8 * (256 * 256 * 0.741 + 32 * (adc_um2 + 71)) + 5 * 2.36e6)
