"""Layers of the paper's networks, quantised once, on several chips."""

import numpy as np

from cimc.hardware.library import load_chip
from cimc.paper.programs import QuantisedLayers
from cimc.paper.shapes import Network
from cimc.program.records import Opcode
from dialects.hardware import ChipAttr

N = 64
SMALL = Network("small", ((((N, N),) * 3, ((N, N),), ((N, 4 * N),), ((4 * N, N),)),) * 3, {}, context=4)


def test_one_network_on_two_chips() -> None:
    """Two of three layers: other ADCs change times, not weights; all rows of a tile are converted at once."""
    chip = load_chip("3dsim-256")
    layers = QuantisedLayers.of(SMALL, "monarch", 2, chip)
    few, many = (
        layers.program(ChipAttr.from_dict({**chip.to_dict(), "adcs": adcs}), "densemap", "arrays", 3)
        for adcs in (1, 32)
    )
    few.verify()
    assert [weight.name for weight in few.weights] == [weight.name for weight in many.weights]
    assert len(few.weights) == 2 * 12
    assert np.array_equal(few.arrays, many.arrays)
    assert (few.chip.adcs, many.chip.adcs, few.mapping) == (1, 32, "densemap")
    multiplies = few.instructions[few.instructions["op"] == Opcode.MULTIPLY]
    assert set(multiplies["adc_bits"].tolist()) == {3}
    assert len(multiplies) == len(few.tiles)
    assert few.stages[-1].start_ps > many.stages[-1].start_ps
