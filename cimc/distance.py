"""How far the compiled network is from the original: cosine and largest difference of their outputs.

A program that cannot clip computes its network to the last bit, and ONNX Runtime is the quickest way to run that. One
that may clip is run itself, on the machine.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.machine import stoppable
from cimc.machine.machine import Machine
from cimc.original import run_original
from cimc.pass_driver.translation_validation import cosine, nothing_in
from cimc.program.arrays.conversions import are_lossy
from cimc.program.distance import PROGRAM, Distance
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import Opcode
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.semantics import onnx_runtime
from dialects.semantics.onnx_runtime import GraphError, run_graph
from dialects.semantics.outlined import OutlinedModel

MEASURING_SECONDS = 20.0
"""How long each of the two networks may run, where nothing else is said."""
TOO_LONG = "took longer than"
"""How the failure begins where time was up."""
LARGEST = 1 << 30
"""Bytes of large constants of a network that is compared: its original takes up to four times as much, in memory."""
PACKED_BYTES = 1 << 24
"""Weights of more bytes than this are not packed for the one run: it takes longer than the run itself, and memory."""


def distance_to_original(
    file: Path, network: OutlinedModel, inputs: Mapping[str, Array], seconds: float = MEASURING_SECONDS
) -> Distance:
    """Run both networks in ONNX Runtime on the same inputs, the original in exact form, and compare their outputs.

    Not those of networks that would not fit into the memory of a usual machine.
    """
    if network.nbytes > LARGEST:
        return _too_large(network.nbytes)

    def measured(packed: bool) -> Distance:
        return _measured(file, inputs, seconds, packed, lambda: run_graph(network, inputs, packed))

    distance = measured(network.nbytes <= PACKED_BYTES)
    if distance.identical and network.nbytes > PACKED_BYTES:  # which is said of networks as they run everywhere else
        return measured(packed=True)
    return distance


def distance_of_program(
    file: Path,
    program: Program,
    inputs: Mapping[str, Array],
    seconds: float = MEASURING_SECONDS,
    threads: int | None = None,
) -> Distance:
    """As `distance_to_original`, but what runs is the program, on the machine, which counts what clips.

    The limit is that of the run: to compile the machine's loops, once on each computer, takes its own time.
    """
    size = sum(weight.rows * weight.columns for weight in program.weights)
    if size > LARGEST:
        return replace(_too_large(size), ran=PROGRAM)
    try:
        machine = Machine(program, keep=False, threads=threads)
        stoppable.stoppable(lambda _: _compile_loops(machine))
    except ProgramError as error:
        return Distance(False, failure=one_line(error), ran=PROGRAM)
    distance = _measured(file, inputs, seconds, size <= PACKED_BYTES, lambda: machine.run(inputs))
    clipping = {stage: (machine.clipped[stage], made) for stage, made in machine.conversions.items()}
    return replace(distance, ran=PROGRAM, clipping=clipping)


def _too_large(size: int) -> Distance:
    sizes = f"the constants take {size / 1e9:.1f} GB, {LARGEST / 1e9:.1f} GB are compared at most"
    return Distance(False, failure=f"{sizes}: cim-run --check compares with the original")


def _compile_loops(machine: Machine) -> None:
    """Has the machine multiply a vector of zeros by what may clip, so that its loops are there when time is taken."""
    program = machine.program
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    lossy = set(records["y"][are_lossy(records)].tolist())
    products = (product for step in machine.steps for group in step.groups for product in group.products)
    first = next((product for product in products if product.multiplication.y in lossy), None)
    if first is not None:
        rows = program.weights[first.multiplication.weight].rows
        sums = np.zeros((1, first.columns), np.int32)
        machine.engine.multiply(first.first, first.last, np.zeros((1, rows), np.uint8), sums)


def _measured(
    file: Path, inputs: Mapping[str, Array], seconds: float, packed: bool, run: Callable[[], Mapping[str, Array]]
) -> Distance:
    """The distance of what `run` gives to what the original in `file` gives."""
    try:
        with stoppable.time_limit(seconds), onnx_runtime.time_limit(seconds):
            expected, rewritten = stoppable.stoppable(lambda _: run_original(file, inputs, packed))
            outputs = run()
    except (stoppable.TooLong, onnx_runtime.TooLong):
        return Distance(False, failure=f"{TOO_LONG} {seconds:g} s")
    except (GraphError, ProgramError, UserError) as error:
        return Distance(False, failure=one_line(error))
    return distance_of(outputs, expected, rewritten)


def distance_of(outputs: Mapping[str, Array], expected: Mapping[str, Array], rewritten: str = "") -> Distance:
    """The distance between outputs of the same names; not measured if there is nothing in them to compare."""
    nothing = nothing_in(expected)
    if nothing:
        return Distance(False, failure=f"there is nothing to compare in the original: {nothing}")
    differing = [name for name in expected if not _same(outputs[name], expected[name])]
    if not differing:
        return Distance(True, others=tuple(_silent(expected)), rewritten=rewritten)
    for name in differing:
        if outputs[name].shape != expected[name].shape:
            shapes = f"{list(outputs[name].shape)}, the original's {list(expected[name].shape)}"
            return Distance(False, failure=f"output {name!r} has shape {shapes}")
    others = (*_others(differing, outputs, expected), *_silent(expected))
    numbers = {name: _finite(outputs[name], expected[name]) for name in expected if _is_numeric(expected[name])}
    cosines = {name: cosine(a, b) for name, (a, b) in numbers.items() if expected[name].dtype.kind == "f" and b.size}
    largest = {name: float(np.max(np.abs(a - b), initial=0.0)) for name, (a, b) in numbers.items()}
    least = min((name for name in cosines if name in differing), key=cosines.__getitem__, default="")
    most = max((name for name in largest if name in differing), key=largest.__getitem__, default="")
    least_cosine = cosines[least] if least else 1.0 if cosines else None
    return Distance(False, least_cosine, largest.get(most, 0.0), least or most, most or least, others, rewritten)


def _others(names: Iterable[str], outputs: Mapping[str, Array], expected: Mapping[str, Array]) -> Iterable[str]:
    """What the two figures do not say: texts that differ, and values that are finite in one of the two only."""
    for name in names:
        a, b = outputs[name], expected[name]
        if not _is_numeric(b):
            yield f"{np.count_nonzero(a != b)} of {b.size} values of output {name!r} differ"
        elif b.dtype.kind == "f":
            odd = np.isfinite(a) != np.isfinite(b)
            odd |= ~np.isfinite(b) & ~np.isnan(b) & (a != b)
            if odd.any():
                yield f"{np.count_nonzero(odd)} of {b.size} values of output {name!r} are infinite or NaN in one only"


def _silent(expected: Mapping[str, Array]) -> Iterable[str]:
    """Outputs that nothing was compared in, and those with values that no figure is of."""
    for name, array in expected.items():
        odd = np.count_nonzero(~np.isfinite(array)) if array.dtype.kind == "f" else 0
        if not array.size:
            yield f"output {name!r} is empty"
        elif odd:
            yield f"{odd} of {array.size} values of output {name!r} are infinite or NaN in the original"


def _finite(output: Array, expected: Array) -> tuple[Array, Array]:
    """Both as float64, without the values that are infinite or NaN in one of them."""
    a, b = output.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
    both = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def _is_numeric(array: Array) -> bool:
    return array.dtype.kind in "iufb"


def _same(output: Array, expected: Array) -> bool:
    if (output.dtype, output.shape) != (expected.dtype, expected.shape):
        return False
    return bool((output == expected).all()) if output.dtype.hasobject else output.tobytes() == expected.tobytes()
