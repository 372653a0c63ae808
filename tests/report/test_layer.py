"""The figures of a layer, where arrays have several formats."""

from cimc.program.program import Program
from cimc.report.layer import have_formats
from cimc.report.report import report_of


def test_crossbars_bits_and_inputs(mixed: Program) -> None:
    """4 bits are 2 crossbars an array; of a weight in several formats it is the most bits, and all encodings."""
    first, again, last = report_of(mixed).layers
    assert (first.arrays, first.crossbars, first.bits, first.encoding, first.centred) == (2, 4, 4, "offset", True)
    assert (again.crossbars, again.input_bits) == (4, 8)
    assert (last.arrays, last.crossbars, last.bits, last.encoding) == (4, 16, 8, "differential, offset")
    assert (last.centred, last.input_bits) == (False, 5)


def test_area_is_that_of_the_cells_in_all_crossbars(mixed: Program) -> None:
    """A crossbar of 16 cells with drivers, ADC and adder has 16 + 8 + 80 + 5 um2."""
    report = report_of(mixed)
    first, _, last = report.layers
    assert first.area_um2 == 24 * 2 / 16 * 109
    assert last.area_um2 == (24 * 4 + 12 * 4) / 16 * 109
    latency = report.latency_ns["total"]
    assert latency is not None
    assert first.leakage_pj == (24 * 2 / 16) * (100 / 4 + 10) * latency / 1000


def test_whether_there_is_something_to_say_of_formats(program: Program, mixed: Program) -> None:
    layers = report_of(mixed).layers
    assert have_formats(layers)
    assert have_formats(layers[:1])
    assert not have_formats(report_of(program).layers)
    assert not have_formats([])
