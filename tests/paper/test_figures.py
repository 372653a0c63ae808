"""The figures are pictures, of all rows, with what they assume beside them."""

from pathlib import Path

from cimc.paper.counts import counts
from cimc.paper.figures import ASSUMPTIONS, SPEEDUP_ASSUMPTIONS, write_figures
from cimc.paper.latency import VARIANTS, Latency
from cimc.paper.shapes import NETWORKS
from cimc.paper.speedups import Speedup
from cimc.paper.totals import Total


def test_figures(tmp_path: Path) -> None:
    latencies = [Latency("BERT-large", *names, adcs, 480, 1000, 2.0, 1.0) for names in VARIANTS for adcs in (4, 8)]
    parts = {"adc": 1.0, "dac": 2.0, "cells": 3.0, "shift_add": 0.1, "transfer": 0.2, "add": 0.0}
    totals = [Total("BERT-large", *names, 480, 100.0, 10.0, parts, 5.0, 6.0, 0.0, 7.0, {}, None) for names in VARIANTS]
    speedups = [
        Speedup("BERT-large", mapping, adcs, 8, 1, 480, us + 9 / adcs, us, 1.0, 2.0)
        for mapping, us in (("linear", 20.0), ("sparsemap", 12.0), ("densemap", 11.0), ("spread", 8.0))
        for adcs in (4, 8)
    ]
    files = write_figures(tmp_path, counts(NETWORKS[0]), latencies, totals, speedups)
    names = ["arrays.png", "latency.png", "energy.png", "adcs.png", "speedups.png", "assumptions.txt"]
    assert [file.name for file in files] == names
    for file in files[:-1]:
        assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert file.stat().st_size > 10_000
    assert files[-1].read_text().splitlines() == [*ASSUMPTIONS, "", "speedups.png:", *SPEEDUP_ASSUMPTIONS]
