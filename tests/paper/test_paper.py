"""`python -m cimc.paper`: what it prints and writes, and files that cannot be written."""

import json
from dataclasses import replace
from functools import partial, partialmethod
from pathlib import Path

import pytest

from cimc.paper.__main__ import main
from cimc.paper.latency import latencies
from cimc.paper.shapes import NETWORKS, Network
from cimc.paper.speedups import Speedups


def shortened(network: Network) -> Network:
    """Its first two layers."""
    arrays = {mapping: count * 2 // len(network.layers) for mapping, count in network.arrays.items()}
    return replace(network, layers=network.layers[:2], arrays=arrays)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For two layers and two numbers of ADCs: tests beside this one have the figures of whole networks."""
    monkeypatch.setattr("cimc.paper.__main__.NETWORKS", [shortened(network) for network in NETWORKS])
    monkeypatch.setattr("cimc.paper.__main__.latencies", partial(latencies, adcs=(8, 16)))
    monkeypatch.setattr("cimc.paper.__main__.Speedups.rows", partialmethod(Speedups.rows, adcs=(8,)))
    file = tmp_path / "paper.json"
    assert main(["--json", str(file), "--figures", str(tmp_path / "new" / "figures"), "--network", "GPT-2-medium"]) == 0
    text = capsys.readouterr().out
    assert "GPT-2-medium  densemap        48        48           40        83.3%" in text
    assert "GPT-2-medium  monarch  spread     arrays         40     256" in text
    assert "GPT-2-medium                           9.60x       -       4.31x       -" in text
    assert "paper                  -             1.59x             1.73x                 -" in text
    assert "Of all uJ in 6 of 6 rows, leakage " in text
    assert "1.59x" in next(line for line in text.splitlines() if line.startswith("8 "))
    found = json.loads(file.read_text())
    assert (len(found["counts"]), len(found["latencies"]), len(found["totals"])) == (4, 12, 6)
    assert (len(found["speedups"]), len(found["conditions"]), round(found["fewer_parameters"]["GPT-2-medium"], 1)) == (
        4,
        2,
        9.6,
    )
    assert len(list((tmp_path / "new" / "figures").iterdir())) == 6


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["--figures", str(tmp_path / "file")]) == 1
    assert f"{tmp_path / 'file'}: cannot be made: file exists" in capsys.readouterr().err
