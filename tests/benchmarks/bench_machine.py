"""How fast the fast engine is, as ratios to ONNX Runtime's MatMulInteger: one session, one thread.

ONNX Runtime multiplies by weights in the form in which it is fastest of those that are exact on this processor: int8,
which saturates on some, or uint8 with zero point 128.

Both sides compute the same products of the same numbers in turn, round after round; times are CPU seconds of the one
thread, and medians. "Every conversion" runs with ADCs of so few bits that every piece of every record could clip.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cimc.machine.fast.engine import FastEngine
from cimc.paper.shapes import NETWORKS, dense_tiles, monarch_tiles
from cimc.program.program import Program
from cimc.program.records import Opcode
from passes.analysis.places import Placement
from passes.analysis.tiling import grid_tiles
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.table import MAPPINGS

Work = Callable[[], object]
AddRow = Callable[..., None]
MakeProgram = Callable[[Sequence[Placement], int], Program]
GPT2_MEDIUM = NETWORKS[1]
SIDE = 256
SESSION = "ONNX Runtime, one session"


def interleaved(rounds: int, *works: Work) -> list[float]:
    """Median CPU seconds of each work."""
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for found, work in zip(times, works, strict=True):
            start = time.thread_time()
            work()
            found.append(time.thread_time() - start)
    return [statistics.median(found) for found in times]


def weights_of(program: Program) -> list[NDArray[np.int8]]:
    """The weights of a program as matrices, from its tiles."""
    matrices = [np.zeros((weight.rows, weight.columns), np.int8) for weight in program.weights]
    for weight, array, row, column, rows, columns, k, n in program.tiles.tolist():
        matrices[weight][k : k + rows, n : n + columns] = program.arrays[
            array, row : row + rows, column : column + columns
        ]
    return matrices


def blocks_of(program: Program) -> dict[int, NDArray[np.int8]]:
    """The tiles of a program, which are squares, by their side: [tiles, side, side], in the order of the records."""
    blocks: dict[int, list[NDArray[np.int8]]] = {}
    for _, array, row, column, side, _, _, _ in program.tiles.tolist():
        blocks.setdefault(side, []).append(program.arrays[array, row : row + side, column : column + side])
    return {side: np.stack(found) for side, found in blocks.items()}


def onnx_runtime(
    products: Sequence[tuple[str, NDArray[np.int8]]], inputs: dict[str, NDArray[np.uint8]]
) -> Callable[[], list[NDArray[np.int32]]]:
    """One run of one session that multiplies inputs by weights: the faster one of those that are exact."""
    exact, signed = (one_session(products, inputs, shifted) for shifted in (True, False))
    if not all(map(np.array_equal, exact(), signed())):
        return exact
    times = interleaved(9, exact, signed)
    return exact if times[0] < times[1] else signed


def one_session(
    products: Sequence[tuple[str, NDArray[np.int8]]], inputs: dict[str, NDArray[np.uint8]], shifted: bool
) -> Callable[[], list[NDArray[np.int32]]]:
    """As `onnx_runtime`, with weights as uint8 and zero point 128 if `shifted`: exact everywhere."""
    zero = [numpy_helper.from_array(np.array(128, np.uint8), "zero")] * shifted
    nodes = [
        helper.make_node("MatMulInteger", [x, f"w{i}", *["", "zero"] * shifted], [f"y{i}"])
        for i, (x, _) in enumerate(products)
    ]
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info(name, TensorProto.UINT8, x.shape) for name, x in inputs.items()],
        [helper.make_tensor_value_info(f"y{i}", TensorProto.INT32, None) for i in range(len(products))],
        zero
        + [
            numpy_helper.from_array(w.view(np.uint8) ^ np.uint8(128) if shifted else w, f"w{i}")
            for i, (_, w) in enumerate(products)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda: session.run(names, dict(inputs))


@dataclass
class Token:
    """One pass of the fast engine over all multiplications of a program; the results stay in `outputs`."""

    program: Program
    inputs: dict[str, NDArray[np.uint8]]
    threads: int = 1

    def __post_init__(self) -> None:
        self.engine = FastEngine(self.program, threads=self.threads)
        firsts = np.flatnonzero(self.program.instructions["op"] == Opcode.CLEAR)
        lasts = np.append(firsts[1:], len(self.program.instructions))
        self.ranges = list(zip((firsts + 1).tolist(), lasts.tolist(), strict=True))
        self.outputs: list[NDArray[np.int32]] = []
        self.clipped = 0

    def __call__(self) -> None:
        self.outputs, self.clipped = [], 0
        for (first, last), weight in zip(self.ranges, self.program.weights, strict=True):
            x = self.inputs[f"x{weight.rows}"]
            y = np.zeros((len(x), weight.columns), np.int32)
            self.clipped += self.engine.multiply(first, last, x, y)
            self.outputs.append(y)

    def exact(self) -> set[int]:
        """Whether pieces are exact: {1} if all are, {0} if none is."""
        assert self.engine.image is not None
        return set(self.engine.image.pieces["exact"].tolist())


def with_adc(program: Program, adc_bits: int) -> Program:
    """The same program with other ADCs."""
    records = program.instructions.copy()
    records["adc_bits"][records["op"] == Opcode.MULTIPLY] = adc_bits
    return Program(
        program.chip, program.arrays, program.tiles, records, weights=program.weights, slots=program.slots,
        multiplications=program.multiplications,
    )  # fmt: skip


def inputs_of(program: Program, vectors: int) -> dict[str, NDArray[np.uint8]]:
    generator = np.random.default_rng(1)
    lengths = sorted({weight.rows for weight in program.weights})
    return {f"x{n}": generator.integers(0, 256, (vectors, n), dtype=np.uint8) for n in lengths}


def compare(
    row: AddRow,
    what: str,
    program: Program,
    vectors: int,
    reference: Work,
    targets: tuple[float | None, float | None],
    *,
    few_bits: int,
    rounds: int,
    against: str = SESSION,
) -> tuple[float, float]:
    """Adds the rows of a program without and with the conversions; returns their seconds."""  # fmt: skip
    inputs = inputs_of(program, vectors)
    lossless, full = Token(program, inputs), Token(with_adc(program, few_bits), inputs)
    assert lossless.exact() == {1}
    assert full.exact() == {0}
    times = interleaved(rounds, reference, lossless, full)
    assert lossless.clipped == 0 < full.clipped
    row(f"{what}: lossless", seconds=times[1], ratio=times[1] / times[0], against=against, target=targets[0])
    row(f"{what}: every conversion", seconds=times[2], ratio=times[2] / times[0], against=against, target=targets[1])
    return times[1], times[2]


def numpy_float32(entries: Sequence[tuple[int, int, int, int]]) -> tuple[str, list[float]]:
    """What numpy takes for products [vectors, rows, columns, times], and OpenBLAS's kernel, free to choose."""
    free = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    script = Path(__file__).with_name("numpy_float32.py")
    run = subprocess.run(
        [sys.executable, script, json.dumps(entries)], env=free, check=True, capture_output=True, text=True
    )
    found = json.loads(run.stdout)
    return found["kernel"], found["seconds"]


def test_dense_token(row: AddRow, make_program: MakeProgram) -> None:
    """96 matrices, 302 million weights."""
    program = make_program(MAPPINGS["linear"](dense_tiles(GPT2_MEDIUM, SIDE), SIDE, SIDE), 9)
    inputs = inputs_of(program, 1)
    weights = weights_of(program)
    assert sum(weight.size for weight in weights) == 24 * 12 * 1024**2
    reference = onnx_runtime([(f"x{len(weight)}", weight) for weight in weights], inputs)
    what = "GPT-2-medium, one token, dense"
    lossless, full = compare(row, what, program, 1, reference, (1.1, 2.5), few_bits=8, rounds=15)
    token = Token(program, inputs)
    token()
    for found, expected in zip(token.outputs, reference(), strict=True):
        np.testing.assert_array_equal(found, expected)
    kernel, (seconds,) = numpy_float32([(1, 1024, 1024, 288)])
    against = f"numpy float32, OpenBLAS {kernel}"
    row(f"{what}: lossless", seconds=lossless, ratio=lossless / seconds, against=against)
    row(f"{what}: every conversion", seconds=full, ratio=full / seconds, against=against)


def test_monarch_token(row: AddRow, make_program: MakeProgram) -> None:
    """12288 blocks of 32x32 and 64x64, 31 million weights, in 480 arrays: all at once, and factor after factor."""
    tiles = monarch_tiles(GPT2_MEDIUM, SIDE)
    placements = MAPPINGS["spread"](tiles, SIDE, SIDE)
    what = "GPT-2-medium, one token, Monarch"

    factors = make_program(placements, 8)
    inputs = inputs_of(factors, 1)
    blocks = [np.stack([w[k : k + s, k : k + s] for k in range(0, len(w), s)]) for w, s in _sides(factors)]
    feeds = {f"x{len(b) * b.shape[1]}": inputs[f"x{len(b) * b.shape[1]}"].reshape(len(b), 1, -1) for b in blocks}
    reference = onnx_runtime([(f"x{len(b) * b.shape[1]}", b) for b in blocks], feeds)
    compare(row, f"{what}, 288 factors in turn", factors, 1, reference, (None, None), few_bits=5, rounds=25)
    token = Token(factors, inputs)
    token()
    for found, expected in zip(token.outputs, reference(), strict=True):
        np.testing.assert_array_equal(found, expected.reshape(1, -1))

    whole = make_program([_one_weight(placements)], 8)
    (x,) = inputs_of(whole, 1).values()
    blocks = blocks_of(whole)
    feeds = {f"x{side}": x[0, _rows_of_blocks(whole, side)].reshape(-1, 1, side) for side in blocks}
    reference = onnx_runtime([(f"x{side}", found) for side, found in blocks.items()], feeds)
    against = "ONNX Runtime, all blocks of a size in one call"
    compare(row, f"{what}, all blocks at once", whole, 1, reference, (1.0, 3.0), few_bits=5, rounds=25, against=against)


def _sides(program: Program) -> list[tuple[NDArray[np.int8], int]]:
    """Each weight with the side of its blocks."""
    sides = np.zeros(len(program.weights), np.int64)
    sides[program.tiles[:, 0]] = program.tiles[:, 4]
    return list(zip(weights_of(program), sides.tolist(), strict=True))


def _rows_of_blocks(program: Program, side: int) -> NDArray[np.int64]:
    """The elements of the input that the blocks of one side are multiplied by, block after block."""
    first = program.tiles[program.tiles[:, 4] == side, 6].astype(np.int64)
    return (first[:, None] + np.arange(side)).reshape(-1)


def _one_weight(placements: Sequence[Placement]) -> Placement:
    """All blocks as those of one large weight, in the same places."""
    tiles = np.concatenate([placement.tiles for placement in placements])
    starts = np.concatenate([[0], np.cumsum(tiles[:-1, 2])])
    return Placement(
        np.column_stack([starts, starts, tiles[:, 2:]]), np.concatenate([placement.places for placement in placements])
    )


def test_batch(row: AddRow, make_program: MakeProgram) -> None:
    """32 vectors by one weight of 1024x1024."""
    tiles = WeightTiles(grid_tiles(1024, 1024, SIDE, SIDE), dense=True)
    program = make_program(MAPPINGS["linear"]([tiles], SIDE, SIDE), 9)
    (weight,) = weights_of(program)
    reference = onnx_runtime([("x1024", weight)], inputs_of(program, 32))
    what = "32 vectors, 1024x1024"
    lossless, full = compare(row, what, program, 32, reference, (1.5, 6.0), few_bits=8, rounds=201)
    kernel, (seconds,) = numpy_float32([(32, 1024, 1024, 1)])
    against = f"numpy float32, OpenBLAS {kernel}"
    row(f"{what}: lossless", seconds=lossless, ratio=lossless / seconds, against=against)
    row(f"{what}: every conversion", seconds=full, ratio=full / seconds, against=against)
