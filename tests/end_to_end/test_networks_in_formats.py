"""Every case and structure in formats of all kinds, one combination each: the bits of the reference, in both engines.

Which formats a network has follows from its number, so that all values of each choice are tried over the networks.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Compilation
from cimc.hardware.library import load_chip
from cimc.machine.check import compare
from cimc.machine.inputs import random_inputs
from cimc.machine.machine import Machine
from cimc.program.arrays.formats import crossbars, first_offsets
from cimc.program.program import Program

Check = Callable[..., Compilation]
Files = Callable[..., Path]
FOLDER = Path(__file__).parents[1]
CASES = [
    file for file in sorted((FOLDER / "cases").glob("*.onnx")) if file.stem not in ("unranked_MatMul", "empty_Max")
]
MODELS = sorted((FOLDER / "models").glob("*.onnx"))[::4]
CHOICES: dict[str, list[Any]] = {
    "encoding": ["offset", "twos-complement", "differential", "auto"],
    "cell_bits": [1, 2, 4, 8, 2],
    "dac_bits": [1, 8, 2, 4, 1, 2, 4],
    "weight_bits": [4, 3, 8, 2, 6],
    "weight_group": ["column", 32, "column"],
    "activation_bits": [8, 4, 6],
    "activations": ["token", "token", "tensor"],
    "placing": ["spread", "densemap", "latency", "sparsemap", "throughput", "linear"],
}
"""Lists of lengths without a common divisor, as far as may be: combinations come again late."""
NETWORKS = {file.stem: (number, file) for number, file in enumerate([*CASES, *MODELS])}


def chip_file(folder: Path, **changed: object) -> Path:
    """`tiny-4` with larger arrays, an ADC that any sum of a row fits, and some of its keys changed."""
    bits = 16
    keys = {
        **load_chip("tiny-4").to_dict(),
        **{"rows": 64, "columns": 64, "adc_bits": bits, "adc_table_pj": [1] * bits, "adc_table_um2": [1] * bits},
        **changed,
    }
    file = folder / "chip.toml"
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in keys.items()]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def stored(program: Program) -> Iterator[tuple[int, str, NDArray[Any], NDArray[Any]]]:
    """Bits and encoding of each tile, its weights, and the offsets of its columns."""
    first = first_offsets(program.tiles)
    for number, (_, array, row, column, rows, columns, _, _) in enumerate(program.tiles.tolist()):
        format = program.formats[int(program.array_formats[array])]
        weights = program.arrays[array, row : row + rows, column : column + columns].astype(int)
        yield (
            format.bits,
            format.encoding,
            weights,
            program.offsets[first[number] : first[number] + columns].astype(int),
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_bits(name: str, compiled: Check, tmp_path: Path) -> None:
    number, file = NETWORKS[name]
    chosen: dict[str, Any] = {key: values[number % len(values)] for key, values in CHOICES.items()}
    chip = chip_file(tmp_path, **{key: chosen.pop(key) for key in ("cell_bits", "dac_bits")})
    placing = chosen.pop("placing")
    chosen["objective" if placing in ("latency", "throughput") else "mapping"] = placing
    given = file.with_name(f"{name}.inputs.npz")
    inputs: Mapping[str, NDArray[Any]] | None = dict(np.load(given)) if given.exists() else None
    program = compiled(file, inputs, chip=chip, **chosen).program
    inputs = random_inputs(program.inputs) if inputs is None else inputs
    if file.parent.name == "cases":  # the other engine takes too long for the large ones
        engines = [Machine(program, engine).run(inputs) for engine in ("fast", "reference")]
        assert compare(*engines).identical
    for bits, encoding, weights, offsets in stored(program):
        cells = weights + (offsets if encoding == "offset" else 1 << (bits - 1))
        assert cells.min() >= 0
        assert cells.max() < 1 << bits


@pytest.mark.parametrize(
    ("encoding", "slices"),
    [
        ("offset", {6: 3, 4: 2, 2: 1}),
        ("twos-complement", {8: 5, 4: 3}),
        ("differential", {4: 4, 2: 2}),
    ],
)
def test_crossbars_by_hand(encoding: str, slices: Mapping[int, int], compiled: Check, onnx_file: Files) -> None:
    """256x512 weights fill two arrays of pcm-256, with cells of 2 bits."""
    w = np.random.default_rng(0).standard_normal((256, 512)).astype(np.float32)
    file = onnx_file("g (float[n,256] x) => (float[n,512] y) { y = MatMul(x, w) }", {"w": w})
    for bits, each in slices.items():
        program = compiled(file, chip="pcm-256", encoding=encoding, weight_bits=bits).program
        assert (len(program.arrays), crossbars(program)) == (2, 2 * each)


@pytest.mark.parametrize("type_", ["int4", "uint4", "int2"])
def test_a_file_of_few_bits_takes_a_share_of_the_crossbars(type_: str, compiled: Check, onnx_file: Files) -> None:
    """And its integers are what is programmed, less the zero point of their column."""
    rng, dtype = np.random.default_rng(0), np.dtype(getattr(ml_dtypes, type_))
    low, high = int(ml_dtypes.iinfo(dtype).min), int(ml_dtypes.iinfo(dtype).max)
    w, zero = (rng.integers(low, high + 1, shape).astype(dtype) for shape in ((256, 256), 256))
    constants: dict[str, NDArray[Any]] = {"w": w, "s": np.full(256, 0.1, np.float32), "z": zero}
    text = "g (float[n,256] x) => (float[n,256] y) { d = DequantizeLinear(w, s, z) y = MatMul(x, d) }"
    program = compiled(onnx_file(text, constants, opset=25, ir=11), chip="pcm-256").program
    assert crossbars(program) == (1 if type_ == "int2" else 2)
    ((_, _, weights, _),) = stored(program)
    np.testing.assert_array_equal(weights, w.astype(int) - zero.astype(int))
