"""The listing of the handmade program, word by word."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.program.arrays.formats import Format
from cimc.program.listing import array_lines, header_lines, listing_lines
from cimc.program.metadata import Source
from cimc.program.program import Program
from cimc.program.seal import VERSION, Seal
from cimc.program.times.pipeline import Pipeline


def test_listing(handmade: Program) -> None:
    handmade.instructions["adc_shift"][4] = 2
    assert [" ".join(line.split()) for line in listing_lines(handmade)] == [
        "stage 0 kernel v1 = kernel 0 (v0) start 0 ps ; /quantise",
        "stage 0 permute v2 = v1 by table 0 start 0 ps",
        "stage 0 clear v3 = zeros [3] like v2 start 0 ps ; /fc",
        "stage 0 multiply v3[0:3] += v2[0:2] * array 1[2:4, 4:7] adc 4 bound 6 start 0 ps ; /fc",
        "stage 0 multiply v3[0:3] += v2[2:4] * array 1[0:2, 4:7] adc 3>>2 bound 5 start 1500 ps ; /fc",
        "stage 1 kernel v4 = kernel 1 (v3) start 0 ps ; /scale",
    ]


def test_transfers_and_additions(scheduled: Program) -> None:
    lines = [" ".join(line.split()) for line in listing_lines(scheduled)]
    assert lines[1] == "stage 0 transfer v1 into arrays start 80 ps"
    assert lines[5] == "stage 0 add v2[0:2] partial sums on unit 0 start 206 ps ; /first"
    assert lines[9] == "stage 0 transfer v2 out of arrays start 226 ps"
    assert lines[12] == "stage 1 permute v5 = v4 by table 0 start 386 ps"
    assert lines[17] == "stage 1 add v6[0:2] partial sums on unit 1 start 612 ps ; /again"


def test_moves_name_their_link_on_a_chip_that_counts_them(scheduled: Program) -> None:
    assert scheduled.timing is not None
    scheduled.timing = replace(scheduled.timing, links=3)
    scheduled.instructions["array"][[9, 12]] = 1, 2
    lines = [" ".join(line.split()) for line in listing_lines(scheduled)]
    assert lines[1] == "stage 0 transfer v1 into arrays on link 0 start 80 ps"
    assert lines[9] == "stage 0 transfer v2 out of arrays on link 1 start 226 ps"
    assert lines[12] == "stage 1 permute v5 = v4 by table 0 on link 2 start 386 ps"


def test_the_header_tells_the_interval_of_a_pipeline(scheduled: Program) -> None:
    starts = scheduled.instructions["start"].astype(np.int64)
    piped = replace(scheduled, pipeline=Pipeline(732, starts, scheduled.operations))
    assert "; pipeline: a token every 732 ps" in list(header_lines(piped))
    moving = replace(scheduled, pipeline=Pipeline(732, starts, scheduled.operations, np.array([[1, 0, 0, 80]])))
    assert "; pipeline: a token every 732 ps, 1 move of single arrays" in list(header_lines(moving))
    assert not any("pipeline" in line for line in header_lines(scheduled))


def test_listing_in_the_docs(scheduled: Program) -> None:
    """The page about instructions shows this program, line by line."""
    page = (Path(__file__).parents[2] / "docs/instruction-set.md").read_text()
    shown = next(block for block in page.split("```\n") if block.startswith("stage 0    kernel"))
    assert shown.splitlines() == [line.rstrip() for line in listing_lines(scheduled)]


def test_arrays(scheduled: Program) -> None:
    """In the order of the arrays, and in each in that of the tiles."""
    lines = [
        "array 0: 50.0 % used, 8-bit offset",
        "  [0:2, 0:2] <- first[0:2, 0:2]",
        "  [2:4, 2:4] <- first[2:4, 0:2]",
        "array 1: 75.0 % used, 8-bit offset",
        "  [0:3, 0:4] <- second[0:3, 0:4]",
    ]
    scheduled.tiles[2, 4] = 3
    assert list(array_lines(scheduled)) == lines
    assert list(array_lines(replace(scheduled, tiles=scheduled.tiles[[2, 0, 1]]))) == lines


def test_shapes_that_are_not_known(handmade: Program) -> None:
    inputs = [replace(handmade.inputs[0], shape=None)]
    outputs = [replace(handmade.outputs[0], shape=(None, 3))]
    *_, first, last = header_lines(replace(handmade, inputs=inputs, outputs=outputs))
    assert first == "; input v0: float32[...] x"
    assert last == "; output v4: float32[?, 3] y"


def test_formats(handmade: Program) -> None:
    """Those of one crossbar, of none of the arrays, and of columns that have offsets of their own."""
    formats = [Format(2, "twos-complement"), Format(4, "differential"), Format(8, "offset"), Format(2, "offset")]
    mixed = replace(handmade, formats=formats, array_formats=np.array([3, 2], np.uint8))
    texts = [
        "2-bit twos-complement, 2 crossbars an array, 0 arrays",
        "4-bit differential, 4 crossbars an array, 0 arrays",
    ]
    texts += ["8-bit offset, 4 crossbars an array, 1 array", "2-bit offset, 1 crossbar an array, 1 array"]
    lines = list(header_lines(mixed))
    assert lines[4] == "; mapping linear: 2 arrays of 5 crossbars, 2 tiles"
    assert lines[5:9] == [f"; format {number}: {text}" for number, text in enumerate(texts)]
    mixed.offsets[0] += 1
    assert [line for line in header_lines(mixed) if "centred" in line] == [
        "; format 2: 8-bit offset, centred, 4 crossbars an array, 1 array"
    ]


def test_header(handmade: Program) -> None:
    assert list(header_lines(handmade)) == [
        "; source made.onnx, digest 00",
        f"; made by cimc 0.1.0, format cimc-program {VERSION}",
        "; dims none fixed",
        "; chip tiny: 4 x 8, offset, 2-bit cells, 1-bit DAC, 1 ADCs of up to 8 bits",
        "; mapping linear: 2 arrays of 8 crossbars, 2 tiles",
        "; format 0: 8-bit offset, 4 crossbars an array, 2 arrays",
        "; 6 records, 5 values, 2 kernels",
        "; input v0: float32[batch, 4] x",
        "; output v4: float32[batch, 3] y",
    ]
    handmade.instructions["bound"] = 1 << 20
    *_, last = header_lines(replace(handmade, options={"lossy": 3}))
    assert last == "; may clip: 2 of 2 row groups, 192 of 192 conversions a token, in 1 of 1 layers"


def test_node_names_cannot_break_lines(handmade: Program) -> None:
    kernels = [replace(handmade.kernels[0], nodes=("a\nb",)), handmade.kernels[1]]
    assert next(listing_lines(replace(handmade, kernels=kernels))).endswith("; a b")


def test_long_programs_are_streamed(handmade: Program) -> None:
    long = replace(handmade, instructions=np.repeat(handmade.instructions, 2000))
    assert sum(1 for _ in listing_lines(long)) == 12000


def test_the_header_tells_where_a_program_comes_from(handmade: Program) -> None:
    made = replace(handmade, source=Source("a\nb.onnx", "12ab"), dims={"batch": 2, "n\x1b": 3})
    assert list(header_lines(made, Seal(2, "34cd")))[:4] == [
        "; source a b.onnx, digest 12ab",
        "; digest 34cd",
        "; made by cimc 0.1.0, format cimc-program 2",
        r"; dims batch = 2, n\x1b = 3",
    ]
    unknown = replace(handmade, source=Source(), compiler="")
    assert list(header_lines(unknown))[:3] == [
        "; source unknown, digest unknown",
        f"; made by cimc unknown, format cimc-program {VERSION}",
        "; dims none fixed",
    ]


def test_parts(scheduled: Program) -> None:
    """The lines of these records and tiles; an array says how much of it is in use, whatever is shown."""
    lines = list(listing_lines(scheduled))
    assert list(listing_lines(scheduled, np.array([3, 10]))) == [lines[3], lines[10]]
    assert list(array_lines(scheduled, np.array([1]))) == [
        "array 0: 50.0 % used, 8-bit offset",
        "  [2:4, 2:4] <- first[2:4, 0:2]",
    ]
