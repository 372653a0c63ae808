"""Both engines against a third definition in numpy, against an independent simulator, and against plain products."""

import json
from dataclasses import dataclass, replace
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
from cimc.program.arrays.formats import WEIGHT_BITS, Format
from cimc.program.metadata import DIGIT_BITS, ENCODINGS, INPUT_BITS, Chip, Input, Multiplication, Value, Weight
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


def build(
    weights: NDArray[np.int8],
    chip: Chip,
    layout: Layout,
    adc_bits: int,
    adc_shift: int = 0,
    format: Format | None = None,
    offsets: Integers | None = None,
    input_bits: int = 8,
) -> Program:
    """A program that multiplies by one weight; weights in holes of the layout count as zeros.

    `offsets` [rows of tiles, columns] are those of the tiles, by default midpoints.
    """
    rows, columns = weights.shape
    array = np.zeros((1, chip.rows, chip.columns), np.int8)
    tiles: list[list[int]] = []
    of_tiles: list[Integers] = []
    rectangles = [(i, r, c) for i, r in enumerate(pairwise(layout.tile_rows)) for c in pairwise(layout.tile_columns)]
    for (i, (top, bottom), (left, right)), hole in zip(rectangles, layout.holes, strict=True):
        if not hole:
            of_tiles += [] if offsets is None else [offsets[i, left:right]]
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
        multiplications=[Multiplication(1, 0, 0, input_bits=input_bits)],
        formats=() if format is None else [format],
        offsets=np.concatenate([np.zeros(0, np.int64), *of_tiles]).astype(np.int16),
    )
    program.verify()
    return program


def joined(programs: list[Program]) -> Program:
    """One program with the arrays of several, made in the same way, whose inputs and formats are those of each."""
    records = [programs[0].instructions[:1]]
    for number, program in enumerate(programs):
        own = program.instructions[1:].copy()
        own["array"] = number
        own["k"] += number * program.weights[0].rows
        records.append(own)
    rows, columns = sum(program.weights[0].rows for program in programs), programs[0].weights[0].columns
    tiles = [program.tiles.copy() for program in programs]
    for number, table in enumerate(tiles):
        table[:, 1] = number
        table[:, 6] += number * programs[number].weights[0].rows
    made = replace(
        programs[0],
        arrays=np.concatenate([program.arrays for program in programs]),
        tiles=np.concatenate(tiles).astype(np.int32),
        instructions=np.concatenate(records),
        inputs=[Input("x", "uint8", (None, rows), 0)],
        weights=[Weight("w", rows, columns)],
        formats=[program.formats[0] for program in programs],
        array_formats=np.arange(len(programs), dtype=np.uint8),
        offsets=np.concatenate([program.offsets for program in programs]),
    )
    made.verify()
    return made


def run(engine: FastEngine | ReferenceEngine, x: NDArray[Any], columns: int) -> tuple[NDArray[np.int32], int]:
    y = np.zeros((len(x), columns), np.int32)
    return y, engine.multiply(1, len(engine.instructions), x, y)


def digits(code: Integers, width: int, signed: bool, bits: int = 8) -> tuple[Integers, Integers]:
    """The digits of unsigned numbers along a new first axis, and their significances, straight from N1 and N2."""
    sign = 1 << bits - 1
    low, mask = (code & sign - 1 if signed else code), (1 << width) - 1
    shifts = range(0, bits - signed, width)
    parts = [low >> shift & mask for shift in shifts] + ([code >> bits - 1] if signed else [])
    return np.stack(parts), np.array([1 << shift for shift in shifts] + ([-sign] if signed else []))


def slices(weight: Integers, offsets: Integers, format: Format, cell_bits: int) -> tuple[Integers, Integers]:
    """What is in cells that are programmed, straight from N3, N4 and N5."""
    if format.encoding == "differential":
        positive, significances = digits(np.maximum(weight, 0), cell_bits, False, format.bits)
        negative, _ = digits(np.maximum(-weight, 0), cell_bits, False, format.bits)
        return np.concatenate([positive, negative]), np.concatenate([significances, -significances])
    if format.encoding == "offset":
        return digits(weight + offsets, cell_bits, False, format.bits)
    return digits(weight & (1 << format.bits) - 1, cell_bits, True, format.bits)


def held(program: Program, array: int) -> tuple[Integers, Integers, Integers]:
    """What cells of an array hold, and their significances; and what they are worth more than weights (N6)."""
    programmed, offsets = np.zeros((2, program.chip.rows, program.chip.columns), np.int64)
    end = 0
    for _, own, row, column, rows, columns, _, _ in program.tiles.tolist():
        begin, end = end, end + columns
        if own == array:
            programmed[row : row + rows, column : column + columns] = 1
            offsets[row : row + rows, column : column + columns] = program.offsets[begin:end]
    format = program.formats[int(program.array_formats[array])]
    cells, worth = slices(program.arrays[array].astype(np.int64), offsets, format, program.chip.cell_bits)
    return cells * programmed, worth, offsets


def straightforward(program: Program, x: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """What the records mean (N6, N7, I12), in int64 arrays."""
    signed, input_bits = x.dtype == np.int8, program.multiplications[0].input_bits
    y = np.zeros((len(x), program.weights[0].columns), np.int64)
    clipped = 0
    for record in program.instructions[1:]:
        k, n, row, column, rows, columns, bits, shift = (
            int(record[f]) for f in ("k", "n", "row", "column", "rows", "columns", "adc_bits", "adc_shift")
        )
        place = (slice(row, row + rows), slice(column, column + columns))
        cells, worth, offsets = held(program, int(record["array"]))
        inputs = x[:, k : k + rows].astype(np.int64)
        planes, plane_worth = digits(inputs & 255, program.chip.dac_bits, signed, 8 if signed else input_bits)
        sums = np.einsum("ptk,skn->pstn", planes, cells[:, *place])
        codes = (sums + (1 << shift >> 1)) >> shift
        clipped += int((codes > (1 << bits) - 1).sum())
        codes = np.minimum(codes, (1 << bits) - 1) << shift
        total = np.einsum("p,s,pstn->tn", plane_worth, worth, codes)
        y[:, n : n + columns] += total - inputs @ offsets[place]
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


def fitted(
    weights: Integers, format: Format, layout: Layout, generator: np.random.Generator, own: bool
) -> tuple[Integers, Integers | None]:
    """Numbers like these that fit a format, and offsets [rows of tiles, columns]; with `own` other ones than midpoints.

    Then columns of a tile span fewer numbers or lie elsewhere, and each has an offset that is right for it.
    """
    count = 1 << format.bits
    if format.encoding != "offset" or not own:
        return (weights + 128) % count - count // 2, None
    result, offsets = np.empty_like(weights), np.zeros((len(layout.tile_rows) - 1, weights.shape[1]), np.int64)
    for (top, bottom), of_tile in zip(pairwise(layout.tile_rows), offsets):
        for column in range(weights.shape[1]):
            span = int(generator.integers(1, count + 1))
            low = int(generator.integers(-128, 129 - span))
            part = low + (weights[top:bottom, column] + 128) % span
            result[top:bottom, column] = part
            least, most = -int(part.min()), min(count - 1 - int(part.max()), 255)
            of_tile[column] = generator.choice(np.array([least, most, generator.integers(least, most + 1)]))
    return result, offsets


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
    cell_bits, dac_bits = (draw(st.sampled_from(DIGIT_BITS)) for _ in range(2))
    format = Format(draw(st.sampled_from([8, 8, *WEIGHT_BITS])), draw(st.sampled_from(ENCODINGS)))
    chip = Chip(
        name="random",
        rows=layout.row + rows + draw(st.integers(0, 3)),
        columns=layout.column + columns + draw(st.integers(0, 3)),
        cell_bits=cell_bits,
        dac_bits=dac_bits,
        adc_bits=16,
        adcs=1,
        encoding=draw(st.sampled_from([format.encoding, "auto"])),
    )
    generator = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    weights = fill(draw(st.sampled_from(FILLS)), (rows, columns), generator)
    weights, offsets = fitted(weights, format, layout, generator, draw(st.booleans()))
    vectors = fill(draw(st.sampled_from(FILLS)), (draw(st.integers(0, 3 if sizes == SMALL else 6)), rows), generator)
    x = vectors.astype(np.int8).view(draw(st.sampled_from([np.int8, np.uint8])))
    input_bits = 8 if x.dtype == np.int8 else draw(st.sampled_from([8, *INPUT_BITS]))
    x >>= 8 - input_bits
    adc_bits, shift = (24, 0) if lossless else (draw(st.integers(1, 16)), draw(st.sampled_from([0, 0, 1, 2, 5])))
    program = build(weights.astype(np.int8), chip, layout, adc_bits, shift, format, offsets, input_bits)
    return Case(program, weights, x)


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
    largest = (1 << min(program.chip.dac_bits, program.multiplications[0].input_bits)) - 1
    cells, _, _ = held(program, 0)
    for record in program.instructions[1:]:
        row, column = int(record["row"]), int(record["column"])
        rectangle = cells[:, row : row + int(record["rows"]), column : column + int(record["columns"])]
        bound = largest * int(rectangle.sum(axis=1).max())
        record["adc_bits"] = max(1, bound.bit_length())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([SMALL, LARGE]).flatmap(lambda sizes: cases(lossless=True, sizes=sizes)))
def test_lossless_records_are_integer_products(case: Case) -> None:
    """With the smallest ADC that the rule (N9) permits, by products (fast) and by conversions (reference)."""
    tighten(case.program)
    weights = np.zeros_like(case.weights)
    for _, _, row, column, rows, columns, top, left in case.program.tiles.tolist():
        block = case.program.arrays[0, row : row + rows, column : column + columns]
        weights[top : top + rows, left : left + columns] = block
    expected = (case.x.astype(np.int64) @ weights).astype(np.int32)
    fast = FastEngine(case.program)
    assert fast.image is not None
    assert fast.image.pieces["exact"].all()
    np.testing.assert_array_equal(run(fast, case.x, weights.shape[1])[0], expected)
    if weights.size < 1000:
        y, clipped = run(ReferenceEngine(case.program), case.x, weights.shape[1])
        np.testing.assert_array_equal(y, expected)
        assert clipped == 0


@pytest.mark.parametrize("cell_bits", DIGIT_BITS)
@pytest.mark.parametrize("adc_bits", [3, 24])
def test_arrays_of_several_formats(cell_bits: int, adc_bits: int) -> None:
    """Arrays of different formats side by side, and inputs of 5 bits; without a loss, and with one."""
    generator = np.random.default_rng(cell_bits)
    layout = Layout(1, 2, (0, 30, 40), (0, 17, 20), (False, False, False, True), (0, 25, 40), (0, 20))
    chip = Chip("mixed", 41, 23, cell_bits, 2, 24, 1, "auto")
    programs: list[Program] = []
    for bits, encoding in ((8, "offset"), (4, "twos-complement"), (3, "offset"), (5, "differential"), (2, "offset")):
        format = Format(bits, encoding)
        weights, offsets = fitted(fill("uniform", (40, 20), generator), format, layout, generator, bits < 8)
        made = build(weights.astype(np.int8), chip, layout, adc_bits, 0, format, offsets, input_bits=5)
        programs.append(made)
    program = joined(programs)
    x = generator.integers(0, 32, (3, 200)).astype(np.uint8)
    expected, clipped = straightforward(program, x)
    assert bool(clipped) == (adc_bits == 3)
    for engine in (ReferenceEngine(program), fast_engine(program, 0), fast_engine(program, 64, keep=False)):
        y, number = run(engine, x, 20)
        np.testing.assert_array_equal(y, expected)
        assert number == clipped


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
