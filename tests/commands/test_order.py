"""IR that was edited, or is at another place on the way down: passes that cannot go on with it say so in one line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.commands import optimize

TEXT = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x6xi32> {
    %y = cim.matmul %x, @w : tensor<?x4xui8> -> tensor<?x6xi32> loc("/fc")
    func.return %y : tensor<?x6xi32>
  }
}
"""  # noqa: E501


@pytest.fixture
def lowered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Path]:
    """The network after some passes, and after a text in it was replaced, as a file."""

    def run(passes: str, old: str = "", new: str = "", text: str = TEXT) -> Path:
        (tmp_path / "network.mlir").write_text(text)
        arguments = [str(tmp_path / "network.mlir"), "--print-debuginfo", "-p", passes]
        assert optimize.main(arguments) == 0
        found, file = capsys.readouterr().out, tmp_path / "m.mlir"
        assert old in found
        file.write_text(found.replace(old, new))
        return file

    return run


@pytest.mark.parametrize("passes", ["tile-blocks", "tile-blocks,place-tiles"])
@pytest.mark.parametrize(
    "next_pass", ["place-tiles", "place-tiles{mapping=linear}", "place-tiles{mapping=densemap}", "schedule-arrays"]
)
def test_tiles_of_a_larger_chip(
    passes: str, next_pass: str, lowered: Callable[..., Path], fails: Callable[..., str]
) -> None:
    file = lowered(passes, "rows = 4", "rows = 2")
    if next_pass == "schedule-arrays" and passes == "tile-blocks":
        assert (
            fails("cim-opt", file, "-p", next_pass) == "node '/fc' has no places for its tiles: run place-tiles first"
        )
        return
    size = "4x4" if passes == "tile-blocks" else "4x3"  # where spread has cut them
    assert fails("cim-opt", file, "-p", next_pass) == (
        f"{file}: node '/fc' has tiles of {size}, chip 'tiny-4' has arrays of 2x4: run tile-blocks, on IR from before "
        "it, for this chip"
    )


def test_places_that_overlap(
    lowered: Callable[..., Path], fails: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = lowered("tile-blocks,place-tiles", "in array 1 at row 0, column 0", "in array 0 at row 0, column 1")
    for name in ("schedule-arrays", "quantize", "tile-blocks"):
        assert fails("cim-opt", file, "-p", name) == (
            f"{file}: node /fc: tiles overlap in array 0: run place-tiles for legal places"
        )
    assert optimize.main([str(file), "-p", "place-tiles,schedule-arrays", "--verify-each"]) == 0
    assert re.findall("in array .*", capsys.readouterr().out) == [
        "in array 0 at row 0, column 0",
        "in array 1 at row 0, column 0",
        "in array 1 at row 0, column 1",
    ]


@pytest.mark.parametrize("name", ["fold-constants", "quantize", "tile-blocks", "place-tiles{mapping=linear}"])
def test_a_network_that_is_scheduled(name: str, lowered: Callable[..., Path], fails: Callable[..., str]) -> None:
    file = lowered("tile-blocks,place-tiles,schedule-arrays")
    assert fails("cim-opt", file, "-p", name) == (
        f"{file}: node '/fc' is scheduled: expected IR from before schedule-arrays, to run {name.partition('{')[0]} on"
    )
