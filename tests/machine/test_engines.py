"""Both engines against a third definition in numpy, against an independent simulator, and against plain products."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cimc.machine.fast import bit_counts
from cimc.machine.fast import engine as fast
from cimc.machine.fast.engine import FastEngine
from cimc.machine.reference import ReferenceEngine
from cimc.program.metadata import DIGIT_BITS, ENCODINGS, Chip, Input, Multiplication, Value, Weight
from cimc.program.program import Program
from cimc.program.records import clear_record, multiply_records

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "adc.json").read_text())
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Where a weight lies in one array, and where it is cut into tiles (some of them left out) and into records."""

    row: int
    column: int
    tile_rows: tuple[int, ...]
    tile_columns: tuple[int, ...]
    holes: tuple[bool, ...]
    groups: tuple[int, ...]
    column_groups: tuple[int, ...]


def whole(rows: int, columns: int, groups: tuple[int, ...] = ()) -> Layout:
    """A weight that fills its array as one tile."""
    return Layout(0, 0, (0, rows), (0, columns), (False,), groups or (0, rows), (0, columns))


def build(weights: NDArray[np.int8], chip: Chip, layout: Layout, adc_bits: int, adc_shift: int = 0) -> Program:
    """A program that multiplies by one weight; weights in holes of the layout count as zeros."""
    rows, columns = weights.shape
    array = np.zeros((1, chip.rows, chip.columns), np.int8)
    tiles: list[list[int]] = []
    rectangles = [(r, c) for r in pairwise(layout.tile_rows) for c in pairwise(layout.tile_columns)]
    for ((top, bottom), (left, right)), hole in zip(rectangles, layout.holes, strict=True):
        if not hole:
            row, column = layout.row + top, layout.column + left
            array[0, row : row + bottom - top, column : column + right - left] = weights[top:bottom, left:right]
            tiles.append([0, 0, row, column, bottom - top, right - left, top, left])
    records = [clear_record(stage=0, x=0, y=1, n=columns)]
    for top, bottom in pairwise(layout.groups):
        for left, right in pairwise(layout.column_groups):
            places = {"k": top, "n": left, "row": layout.row + top, "column": layout.column + left}
            sizes = {"rows": bottom - top, "columns": right - left, "adc_bits": adc_bits, "adc_shift": adc_shift}
            records.append(multiply_records(stage=0, x=0, y=1, array=0, bound=0, **places, **sizes))
    program = Program(
        chip,
        array,
        np.array(tiles, np.int32).reshape(-1, 8),
        np.concatenate(records),
        inputs=[Input("x", "uint8", (None, rows), 0)],
        outputs=[Value("y", "int32", (None, columns), 1)],
        slots=2,
        weights=[Weight("w", rows, columns)],
        multiplications=[Multiplication(1, 0, 0)],
    )
    program.verify()
    return program


def run(engine: FastEngine | ReferenceEngine, x: NDArray[Any], columns: int) -> tuple[NDArray[np.int32], int]:
    y = np.zeros((len(x), columns), np.int32)
    return y, engine.multiply(1, len(engine.instructions), x, y)


def digits(code: Integers, bits: int, signed: bool) -> tuple[Integers, Integers]:
    """The digits of bytes 0 to 255 along a new first axis, and their significances, straight from N1 and N2."""
    low, mask = (code & 127 if signed else code), (1 << bits) - 1
    shifts = range(0, 7 if signed else 8, bits)
    parts = [low >> shift & mask for shift in shifts] + ([code >> 7] if signed else [])
    return np.stack(parts), np.array([1 << shift for shift in shifts] + ([-128] if signed else []))


def slices(weight: Integers, encoding: str, bits: int) -> tuple[Integers, Integers]:  # N3, N4, N5
    if encoding == "differential":
        positive, significances = digits(np.maximum(weight, 0), bits, signed=False)
        negative, _ = digits(np.maximum(-weight, 0), bits, signed=False)
        return np.concatenate([positive, negative]), np.concatenate([significances, -significances])
    if encoding == "offset":
        return digits(weight + 128, bits, signed=False)
    return digits(weight & 255, bits, signed=True)


def straightforward(program: Program, x: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """What the records mean (N6, N7, I12), in int64 arrays."""
    chip = program.chip
    programmed = np.zeros((chip.rows, chip.columns), np.int64)
    for _, _, row, column, rows, columns, _, _ in program.tiles.tolist():
        programmed[row : row + rows, column : column + columns] = 1
    y = np.zeros((len(x), program.weights[0].columns), np.int64)
    clipped = 0
    for record in program.instructions[1:]:
        k, n, row, column, rows, columns, bits, shift = (
            int(record[f]) for f in ("k", "n", "row", "column", "rows", "columns", "adc_bits", "adc_shift")
        )
        place = (slice(row, row + rows), slice(column, column + columns))
        cells, worth = slices(program.arrays[0][place].astype(np.int64), chip.encoding, chip.cell_bits)
        cells = cells * programmed[place]
        inputs = x[:, k : k + rows].astype(np.int64)
        planes, plane_worth = digits(inputs & 255, chip.dac_bits, signed=x.dtype == np.int8)
        sums = np.einsum("ptk,skn->pstn", planes, cells)
        codes = (sums + (1 << shift >> 1)) >> shift
        clipped += int((codes > (1 << bits) - 1).sum())
        codes = np.minimum(codes, (1 << bits) - 1) << shift
        total = np.einsum("p,s,pstn->tn", plane_worth, worth, codes)
        if chip.encoding == "offset":
            total = total - 128 * (inputs @ programmed[place])
        y[:, n : n + columns] += total
    return y.astype(np.int32), clipped


FILLS = ("uniform", "normal", "sparse", "all -128", "all 127", "mixed extremes")


def fill(kind: str, shape: tuple[int, ...], generator: np.random.Generator) -> Integers:
    """Bytes -128 to 127."""
    match kind:
        case "normal":
            return np.clip(generator.normal(0, 32, shape), -128, 127).astype(np.int64)
        case "sparse":
            return np.where(generator.random(shape) < 0.1, generator.integers(-128, 128, shape), 0)
        case "all -128":
            return np.full(shape, -128, np.int64)
        case "all 127":
            return np.full(shape, 127, np.int64)
        case "mixed extremes":
            return generator.choice(np.array([-128, -1, 0, 127]), shape)
        case _:
            return generator.integers(-128, 128, shape)


@st.composite
def cuts(draw: st.DrawFn, length: int) -> tuple[int, ...]:
    inner = draw(st.sets(st.integers(1, length - 1), max_size=2)) if length > 1 else set[int]()
    return (0, *sorted(inner), length)


@st.composite
def layouts(draw: st.DrawFn, rows: int, columns: int) -> Layout:
    tile_rows, tile_columns = draw(cuts(rows)), draw(cuts(columns))
    tiles = (len(tile_rows) - 1) * (len(tile_columns) - 1)
    holes = draw(st.lists(st.booleans(), min_size=tiles, max_size=tiles))
    row, column = draw(st.integers(0, 70)), draw(st.sampled_from([0, 1, 3, 60, 64]))
    return Layout(row, column, tile_rows, tile_columns, tuple(holes), draw(cuts(rows)), draw(cuts(columns)))


@dataclass(frozen=True)
class Case:
    program: Program
    weights: Integers
    x: NDArray[Any]


SMALL = ((1, 5, 64, 67, 130), (1, 2, 3, 4, 5))
LARGE = ((1, 32, 100, 256, 300), (16, 31, 64, 70, 130, 256, 300, 600))


@st.composite
def cases(draw: st.DrawFn, lossless: bool, sizes: tuple[tuple[int, ...], tuple[int, ...]] = SMALL) -> Case:
    rows, columns = draw(st.sampled_from(sizes[0])), draw(st.sampled_from(sizes[1]))
    layout = draw(layouts(rows, columns))
    encoding, cell_bits, dac_bits = (draw(st.sampled_from(c)) for c in (ENCODINGS, DIGIT_BITS, DIGIT_BITS))
    chip = Chip(
        name="random",
        rows=layout.row + rows + draw(st.integers(0, 3)),
        columns=layout.column + columns + draw(st.integers(0, 3)),
        cell_bits=int(cell_bits),
        dac_bits=int(dac_bits),
        adc_bits=16,
        adcs=1,
        encoding=str(encoding),
    )
    generator = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    weights = fill(draw(st.sampled_from(FILLS)), (rows, columns), generator)
    vectors = fill(draw(st.sampled_from(FILLS)), (draw(st.integers(0, 3 if sizes == SMALL else 6)), rows), generator)
    x = vectors.astype(np.int8).view(draw(st.sampled_from([np.int8, np.uint8])))
    adc_bits, shift = (24, 0) if lossless else (draw(st.integers(1, 16)), draw(st.sampled_from([0, 0, 1, 2, 5])))
    return Case(build(weights.astype(np.int8), chip, layout, adc_bits, shift), weights, x)


FEW_ROWS = (0, 64, 1 << 16)
"""Rows up to which the fast engine counts bits: never, as where it pays, always. Elsewhere full adders count."""


def fast_engine(program: Program, few_rows: int, **options: Any) -> FastEngine:
    """A fast engine that does, whatever the processor is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bit_counts, "FEW_ROWS", few_rows)
        return FastEngine(program, **options)


@settings(max_examples=500, deadline=None)
@given(cases(lossless=False))
def test_engines_agree_with_the_definition(case: Case) -> None:
    columns = case.weights.shape[1]
    expected, clipped = straightforward(case.program, case.x)
    forms = (fast_engine(case.program, few_rows) for few_rows in FEW_ROWS[::2])
    for engine in (ReferenceEngine(case.program), *forms):
        y, found = run(engine, case.x, columns)
        np.testing.assert_array_equal(y, expected)
        assert found == clipped


@settings(max_examples=200, deadline=None)
@given(cases(lossless=False, sizes=LARGE), st.integers(1, 3), st.booleans(), st.sampled_from(FEW_ROWS))
def test_fast_engine_agrees_on_large_pieces(case: Case, threads: int, keep: bool, few_rows: int) -> None:
    """Several blocks of columns, words of rows and vectors; onto sums that wrap around; however it is executed."""
    columns = case.weights.shape[1]
    before = np.random.default_rng(0).integers(-(1 << 31), 1 << 31, (len(case.x), columns)).astype(np.int32)
    expected, clipped = straightforward(case.program, case.x)
    engine = fast_engine(case.program, few_rows, keep=keep, threads=threads)
    y = before.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bit_counts, "FEW_ROWS", few_rows)
        patch.setattr(fast, "SMALL", 1)
        assert engine.multiply(0, len(engine.instructions), case.x, y) == clipped
    np.testing.assert_array_equal(y, before + expected)


def tighten(program: Program) -> None:
    """Gives every record the fewest ADC bits that its cells permit: the lossless rule."""
    chip = program.chip
    programmed = np.zeros((chip.rows, chip.columns), np.int64)
    for _, _, row, column, rows, columns, _, _ in program.tiles.tolist():
        programmed[row : row + rows, column : column + columns] = 1
    cells, _ = slices(program.arrays[0].astype(np.int64), chip.encoding, chip.cell_bits)
    cells = cells * programmed
    for record in program.instructions[1:]:
        row, column = int(record["row"]), int(record["column"])
        rectangle = cells[:, row : row + int(record["rows"]), column : column + int(record["columns"])]
        bound = ((1 << chip.dac_bits) - 1) * int(rectangle.sum(axis=1).max())
        record["adc_bits"] = max(1, bound.bit_length())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([SMALL, LARGE]).flatmap(lambda sizes: cases(lossless=True, sizes=sizes)))
def test_lossless_records_are_integer_products(case: Case) -> None:
    """With the smallest ADC that the rule (N9) permits, by products (fast) and by conversions (reference)."""
    tighten(case.program)
    held = np.zeros_like(case.weights)
    for _, _, row, column, rows, columns, top, left in case.program.tiles.tolist():
        block = case.program.arrays[0, row : row + rows, column : column + columns]
        held[top : top + rows, left : left + columns] = block
    expected = (case.x.astype(np.int64) @ held).astype(np.int32)
    fast = FastEngine(case.program)
    assert fast.image is not None
    assert fast.image.pieces["exact"].all()
    np.testing.assert_array_equal(run(fast, case.x, held.shape[1])[0], expected)
    if held.size < 1000:
        y, clipped = run(ReferenceEngine(case.program), case.x, held.shape[1])
        np.testing.assert_array_equal(y, expected)
        assert clipped == 0


@pytest.mark.parametrize("engine", [ReferenceEngine, FastEngine])
@pytest.mark.parametrize(("encoding", "weight"), [("twos-complement", 1), ("differential", 1), ("offset", -127)])
@pytest.mark.parametrize("adc_bits", [1, 4, 6, 8])
@pytest.mark.parametrize("excess", [0, 1])
def test_columns_of_ones_at_the_limit(
    engine: type[ReferenceEngine] | type[FastEngine], encoding: str, weight: int, adc_bits: int, excess: int
) -> None:
    """A column that sums to 2^a - 1 is read exactly; one more cell, and N9 has the witness of its converse (N7)."""
    rows = (1 << adc_bits) - 1 + excess
    chip = Chip("ones", rows, 1, 1, 1, adc_bits, 1, encoding)
    program = build(np.full((rows, 1), weight, np.int8), chip, whole(rows, 1), adc_bits)
    x = np.full((1, rows), 255, np.uint8)
    y, clipped = run(engine(program), x, 1)
    assert clipped == 8 * excess
    assert y[0, 0] == 255 * rows * weight - 255 * excess
    image = FastEngine(program).image
    assert image is not None
    assert image.pieces["exact"].tolist() == [1 - excess]


@pytest.mark.parametrize("engine", [ReferenceEngine, FastEngine])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
def test_independent_simulator(engine: type[ReferenceEngine] | type[FastEngine], case: dict[str, Any]) -> None:
    number, rows, columns = case["case"], case["rows"], case["columns"]
    with np.load(GOLDEN / "adc.npz") as arrays:
        weights, x, expected = (arrays[f"{name}{number}"] for name in "wxy")
    chip = Chip("golden", rows, columns, case["cell_bits"], case["dac_bits"], 16, 1, case["encoding"])
    groups = (*range(0, rows, case["array_rows"]), rows)
    program = build(weights, chip, whole(rows, columns, groups), case["adc_bits"])
    y, clipped = run(engine(program), x, columns)
    np.testing.assert_array_equal(y, expected)
    changed = (expected != x.astype(np.int64) @ weights.astype(np.int64)).mean()
    assert changed == pytest.approx(case["outputs_changed_by_clipping"], abs=1e-4)
    assert bool(clipped) == bool(changed)


@pytest.mark.parametrize("engine", [ReferenceEngine, FastEngine])
def test_sums_wrap_around_like_int32(engine: type[ReferenceEngine] | type[FastEngine]) -> None:  # N8
    chip = Chip("wrap", 4, 1, 8, 8, 20, 1, "offset")
    program = build(np.full((4, 1), 127, np.int8), chip, whole(4, 1), 20)
    y = np.full((1, 1), np.iinfo(np.int32).max, np.int32)
    engine(program).multiply(1, 2, np.full((1, 4), 255, np.uint8), y)
    assert y[0, 0] == -(2**31) - 1 + 4 * 255 * 127


def test_the_bound_in_the_file_is_not_trusted() -> None:
    """A record that claims to be lossless but is not still clips (N11)."""
    chip = Chip("liar", 8, 1, 8, 1, 4, 1, "offset")
    program = build(np.full((8, 1), 127, np.int8), chip, whole(8, 1), 4)
    assert program.instructions["bound"].max() == 0
    assert run(FastEngine(program), np.full((1, 8), 255, np.uint8), 1)[1] == 8
