"""Products of a run: groups of several, room that is kept, and what a run gives away."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import parser

from cimc.machine import products
from cimc.machine.fast import engine as fast
from cimc.machine.fast.lanes import LANES
from cimc.machine.machine import Machine
from cimc.machine.plan import Group
from cimc.machine.products import Room
from cimc.program.metadata import Chip, Input, Kernel, Multiplication, Value, Weight
from cimc.program.program import Program
from cimc.program.records import clear_record, kernel_record, multiply_records

ROWS, WIDTHS = 40, (5, 70, 16)

INT8 = np.dtype(np.int8)


@pytest.fixture
def several() -> Program:
    """Three products of one value, the second one with its columns in another order; all are outputs."""
    generator = np.random.default_rng(0)
    records = [
        record
        for y, width in enumerate(WIDTHS, 1)
        for record in (
            clear_record(stage=0, x=0, y=y, n=width),
            multiply_records(
                stage=0, x=0, y=y, array=y - 1, k=[0, 20], n=0, row=[0, 20], column=0, rows=20, columns=width,
                adc_bits=16, bound=0,
            ),
        )
    ]  # fmt: skip
    arrays = np.zeros((3, ROWS, 80), np.int8)
    for array, width in zip(arrays, WIDTHS):
        array[:, :width] = generator.integers(-128, 128, (ROWS, width))
    return Program(
        Chip("test", ROWS, 80, 2, 1, 16, 1, "offset"),
        arrays,
        np.array([[i, i, 0, 0, ROWS, width, 0, 0] for i, width in enumerate(WIDTHS)], np.int32),
        np.concatenate(records),
        tables=[generator.permutation(WIDTHS[1]).astype(np.int32)],
        inputs=[Input("x", "int8", (None, None, ROWS), 0)],
        outputs=[Value(f"y{y}", "int32", None, y) for y in (1, 2, 3)],
        slots=4,
        weights=[Weight(f"w{i}", ROWS, width) for i, width in enumerate(WIDTHS)],
        multiplications=[Multiplication(y, 0, y - 1, order=0 if y == 2 else None, signed=True) for y in (1, 2, 3)],
    )


def expected(program: Program, x: NDArray[np.int8]) -> dict[str, NDArray[Any]]:
    found = {
        f"y{y}": x.astype(np.int32) @ program.arrays[y - 1, :, :w].astype(np.int32) for y, w in enumerate(WIDTHS, 1)
    }
    ordered = np.zeros_like(found["y2"])
    ordered[..., program.tables[0]] = found["y2"]
    return {**found, "y2": ordered}


@pytest.mark.parametrize("leading", [(), (1,), (2, 3), (0,), (8, 9)])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("adc_bits", [16, 8])
def test_groups(
    several: Program, leading: tuple[int, ...], threads: int, adc_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether threads share vectors or cells, and in both loops: the products, and the engine's of one at a time."""
    monkeypatch.setattr(fast, "SMALL", 1)
    several.instructions["adc_bits"] = adc_bits
    x = np.random.default_rng(1).integers(-128, 128, (*leading, ROWS)).astype(np.int8)
    program = replace(several, inputs=[Input("x", "int8", None, 0)])
    machine, alone = Machine(program, threads=threads), Machine(program, keep=False, threads=1)
    assert machine.products.together
    assert not alone.products.together
    found, others = machine.run({"x": x}), alone.run({"x": x})
    for name, product in (expected(program, x) if adc_bits == 16 else others).items():
        np.testing.assert_array_equal(found[name], product)
    assert (machine.clipped, machine.conversions) == (alone.clipped, alone.conversions)


def test_outputs_are_not_written_by_the_next_run(several: Program) -> None:
    """Whether they are sums themselves, or a kernel handed them on."""
    handing = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (int32[a, b] v1) => (int32[c] v4) <int64[1] s = {-1}> '
        "{ v4 = Reshape(v1, s) }"
    )
    program = replace(
        several,
        instructions=np.concatenate([several.instructions, kernel_record(stage=1, kernel=0)]),
        kernels=[Kernel(handing.SerializeToString(), (1,), (4,))],
        inputs=[Input("x", "int8", (None, ROWS), 0)],
        outputs=[Value("y3", "int32", None, 3), Value("handed", "int32", None, 4)],
        slots=5,
    )
    machine = Machine(program)
    xs = np.random.default_rng(2).integers(-128, 128, (2, 1, ROWS)).astype(np.int8)
    first = machine.run({"x": xs[0]})
    kept = {name: array.copy() for name, array in first.items()}
    second = machine.run({"x": xs[1]})
    for name in first:
        np.testing.assert_array_equal(first[name], kept[name])
        assert (first[name] != second[name]).any()


def group(*widths: int) -> Group:
    multiplications = [Multiplication(number, 9, number) for number in range(len(widths))]
    return Group(9, 4, tuple(products.Product(m, width, 0, 0, (0, 0)) for m, width in zip(multiplications, widths)))


def test_room_is_kept_for_vectors_of_the_same_shape() -> None:
    room, one = Room(), group(3, 5)
    sums = room.take(one, (2, 7, 4), INT8, True)
    assert len(sums.words) == 14 * 8 + LANES
    assert [view.shape for view in sums.views] == [(2, 7, 3), (2, 7, 5)]
    assert room.take(one, (2, 7, 4), INT8, True) is sums
    assert room.take(one, (2, 7, 4), np.dtype(np.uint8), True) is not sums
    assert room.take(one, (14, 4), INT8, True).words is not sums.words
    assert room.size == sums.words.nbytes
    again = room.take(group(3), (2, 4), INT8, False)
    assert again is not room.take(group(3), (2, 4), INT8, False)


def test_room_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "MOST_KEPT", 300)
    room, groups = Room(), [group(10), group(10), group(10)]
    first = [room.take(each, (2, 4), INT8, True).words for each in groups]  # 144 bytes each
    again = [room.take(each, (2, 4), INT8, True).words for each in groups]
    assert [words is before for words, before in zip(again, first)] == [True, True, False]
    assert room.size == 288
