"""Weights that pass through the chip in parts, in words."""

from cimc.report.cost.reload import Reload
from cimc.report.texts.reload_text import reload_lines, reload_sentences

FEW = Reload(loads=2, arrays=3, crossbars=12, writes=1.0, time_ns=4000.0, energy_pj=None, endurance=None)
MANY = Reload(loads=1, arrays=1, crossbars=12, writes=0.5, time_ns=4000.0, energy_pj=2e6, endurance=1e6)


def test_lines() -> None:
    assert list(reload_lines(None, "a token")) == list(reload_sentences(None, "a token")) == []
    assert list(reload_lines(FEW, "a token")) == [
        "reload        2 loads of at most 3 arrays, 1 write of a cell a token, "
        "programming takes 4 us and unknown a token",
        "endurance     not known, the chip does not say; each token wears cells: 1 write of a cell a token",
    ]


def test_sentences() -> None:
    assert list(reload_sentences(MANY, "an inference")) == [
        "Weights pass through the chip in parts: 1 load of at most 1 array, 0.5 writes of a cell an inference, "
        "programming takes 4 us and 2 uJ an inference.",
        "Endurance: a cell stands 1,000,000 writes, so the chip lasts 2,000,000 inferences: it wears with each.",
    ]
