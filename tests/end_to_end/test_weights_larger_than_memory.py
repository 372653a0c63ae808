"""A network of Llama 2's shape whose weights do not fit: made again, spilled and released, with the same bits.

At one percent of seven billion weights, with the limits as much smaller: memory does not grow with depth.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Options, compile_network
from cimc.emitter import contents
from cimc.machine.check import compare, run_reference
from cimc.machine.machine import Machine
from cimc.program.program import Program
from dialects import weights

MAKER = Path(__file__).parents[1] / "benchmarks" / "llama_shape.py"
COMPILE = """
import sys
from pathlib import Path
from cimc.compiler import Options, compile_network
from cimc.emitter import contents
from cimc.program.program import Program
from dialects import weights

weights.KEPT_BYTES, weights.TOUCHED_BYTES, contents.IN_MEMORY = 10_000_000, 4_000_000, 8_000_000
folder = Path(sys.argv[1])
compilation = compile_network(folder / "model.onnx", Options(measure=False, output=folder / "p.cim"))
compilation.program.save(folder / "p.cim")
del compilation
program = Program.load(folder / "p.cim")
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) * 1024, program.arrays.size)
"""


def make(folder: Path, *shape: int) -> Path:
    """Layers, width, hidden, vocabulary, heads."""
    subprocess.run([sys.executable, MAKER, folder, *map(str, shape)], check=True)
    return folder / "model.onnx"


def token(program: Program) -> Mapping[str, NDArray[np.generic]]:
    """The third token of a text."""
    sizes = {"batch": 1, "sequence": 1, "past": 2, "total": 3}
    generator, inputs = np.random.default_rng(0), dict[str, NDArray[np.generic]]()
    for value in program.inputs:
        shape = [sizes[dim] if isinstance(dim, str) else int(dim or 1) for dim in value.shape or ()]
        if value.name.startswith("past"):
            inputs[value.name] = generator.standard_normal(shape).astype(value.dtype)
        else:
            inputs[value.name] = np.full(shape, {"attention_mask": 1, "position_ids": 2}.get(value.name, 7))
    return inputs


def test_the_program_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one token has the bits of the reference network."""
    file, reference = make(tmp_path / "network", 2, 256, 688, 300, 4), tmp_path / "reference.onnx"
    usual, constrained = tmp_path / "usual.cim", tmp_path / "constrained.cim"
    compile_network(file, Options(measure=False)).program.save(usual)
    monkeypatch.setattr(weights, "KEPT_BYTES", 0)
    monkeypatch.setattr(weights, "TOUCHED_BYTES", 1000)
    monkeypatch.setattr(contents, "IN_MEMORY", 1000)
    compile_network(file, Options(measure=False, reference=reference, output=constrained)).program.save(constrained)
    assert constrained.read_bytes() == usual.read_bytes()
    program = Program.load(constrained)
    inputs = token(program)
    comparison = compare(Machine(program).run(inputs), run_reference(reference, inputs))
    assert comparison.identical, str(comparison)


def test_memory_does_not_grow_with_depth(tmp_path: Path) -> None:
    """Thrice the layers take less than three quarters of a byte more for every weight that came with them.

    Most of that are pages of files, which count as long as nobody else needs the memory: parts of tiles lie in many
    arrays, so that more pages are touched before they are written.
    """
    peaks: list[int] = []
    stored: list[int] = []
    for layers in (4, 12):
        make(tmp_path / str(layers), layers, 512, 1376, 2000, 8)
        run = [sys.executable, "-c", COMPILE, tmp_path / str(layers)]
        output = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        peak, size = map(int, output.split())
        peaks.append(peak)
        stored.append(size)
    assert stored[1] - stored[0] > 25_000_000
    assert peaks[1] - peaks[0] < (stored[1] - stored[0]) * 3 / 4
