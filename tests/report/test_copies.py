"""What reports say of copies."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.compiler import Compilation
from cimc.program.listing import array_lines, listing_lines
from cimc.program.metadata import Multiplication, Weight
from cimc.program.program import Program
from cimc.report.copies import ArrayWork, Copied, array_work, copied_weights, copies_lines, copies_sentences
from cimc.report.report import report_of
from cimc.report.texts.text import layer_lines, summary_lines

WORK = ArrayWork(1050.0, 1000.0, 3000.0)


def test_the_weights_in_the_order_of_their_first_node(handmade: Program) -> None:
    weights = [Weight("a", 4, 3, copies=2), Weight("b", 4, 3), Weight("c", 4, 3, copies=8)]
    made = [Multiplication(number, 0, weight, f"/{number}") for number, weight in enumerate((2, 1, 0, 2))]
    program = replace(handmade, weights=weights, multiplications=made)
    assert copied_weights(program) == (Copied("/0", 8), Copied("/2", 2))


def test_the_most_copies_are_named() -> None:
    copied = [Copied(f"/{count}", count) for count in (2, 16, 4, 8)]
    assert list(copies_lines(copied, WORK, "a token")) == [
        "copies        4 weights: /16 16x, /8 8x, /4 4x and 1 more",
        "busiest array 1.05 us a token, 1.05x what all do on average; 3 us without copies",
    ]
    assert list(copies_lines(copied[:1], None, "a token")) == ["copies        1 weight: /2 2x"]
    assert list(copies_sentences(copied[:1], WORK, "an inference")) == [
        "Copied: 1 weight: /2 2x; the busiest array works 1.05 us an inference, 1.05x what all do on average; "
        "3 us without copies."
    ]
    assert list(copies_lines([], WORK, "a token")) == list(copies_sentences([], WORK, "a token")) == []


def test_no_work_is_even() -> None:
    assert ArrayWork(0, 0, None).ratio == 1


def test_copies_take_turns(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    """A weight that fills an array lies in all four: a quarter of the work for each, and as much energy as ever."""
    weight = np.random.default_rng(1).standard_normal((4, 4)).astype(np.float32)
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { [fc] y = MatMul(x, w) }", {"w": weight})
    alone = report_of(compiled(file, objective="throughput", arrays=1).program)
    program = compiled(file, objective="throughput", arrays=4).program
    report = report_of(program)
    assert (report.copies, alone.copies) == ((Copied("fc", 4),), ())
    assert alone.array_work is not None
    assert report.array_work is not None
    busy = alone.array_work.busiest_ns
    assert (alone.array_work.ratio, alone.array_work.without_copies_ns) == (1, None)
    # Without copies its columns would lie in an array each, whose rows settle for a single conversion.
    assert report.array_work == ArrayWork(busy / 4, busy / 4, 112)
    assert (report.energy_pj["parameter"], report.conversions_per_token) == (
        alone.energy_pj["parameter"],
        alone.conversions_per_token,
    )
    assert report.may_clip == replace(alone.may_clip, row_groups=4 * alone.may_clip.row_groups, of_row_groups=4)
    assert (report.arrays, report.arrays_lower_bound, report.stored_weights) == (4, 1, 64)
    (layer,) = report.layers
    assert (layer.copies, layer.tiles, layer.arrays) == (4, 4, 4)
    assert report.to_json()["copies"] == [{"node": "fc", "copies": 4}]
    assert [line for line in summary_lines(report) if line.startswith("copies")] == ["copies        1 weight: fc 4x"]
    assert "copies" in layer_lines(report.layers)[0]
    assert "copy 3 of w" in "\n".join(array_lines(program))
    assert any("of copy 3" in line for line in listing_lines(program))
    assert array_work(program, None) is None
