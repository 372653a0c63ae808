"""What is told of how true a program is: options, what may clip, what clipped, what was measured."""

from dataclasses import replace

from cimc.program.distance import PROGRAM, Distance
from cimc.program.fidelity import (
    clipped_text,
    clipping_nodes,
    fidelity_lines,
    measured_text,
    nodes_by_stage,
    options_text,
)
from cimc.program.metadata import Json
from cimc.program.program import Program

MEASURED = Distance(False, 0.5, 2.0, "y", "y", ran=PROGRAM, clipping={0: (3, 4), 1: (5, 8)})


def test_nothing_to_tell(handmade: Program) -> None:
    handmade.instructions["bound"] = 0
    assert list(fidelity_lines(handmade)) == []


def test_of_a_program_that_clips(scheduled: Program) -> None:
    """Its second weight alone."""
    scheduled.instructions["bound"][scheduled.instructions["y"] != 3] = 0
    assert clipping_nodes(scheduled) == ["/second"]
    program = replace(scheduled, options={"lossy": 1, "monarch": None}, measured=MEASURED)
    assert list(fidelity_lines(program)) == [
        ("options", "lossy 1"),
        ("may clip", "2 of 6 row groups, 32 of 64 conversions a token, in 1 of 3 layers (/second)"),
        ("clipped", "8 of 12 conversions (66.7 %), most in stage 1 (62.5 %): /again"),
        ("program", "cosine 0.500000, largest difference 2 from the original (output 'y'); inputs made up"),
    ]


def test_nodes_of_stages(scheduled: Program) -> None:
    assert nodes_by_stage(scheduled) == {0: ["/first", "/second"], 1: ["/again"]}


def test_nothing_clipped() -> None:
    assert clipped_text(replace(MEASURED, clipping={0: (0, 4)}), {}) == "0 of 4 conversions (0 %)"


def test_inputs() -> None:
    assert measured_text(replace(MEASURED, inputs="a\nb.npz")).endswith("; inputs of a b.npz")
    assert measured_text(Distance(False, failure="too slow")) == "not measured: too slow"


def test_options() -> None:
    calibrate: Json = {"file": "x.npz", "digest": "0123456789abcdef0123"}
    assert options_text({"lossy": 2, "monarch": "8,rank=2", "calibrate": calibrate}) == (
        "lossy 2, monarch 8,rank=2, calibrate x.npz (digest 0123456789abcdef)"
    )
