"""Runs the network on calibration inputs and notes what chosen values are."""

import zipfile
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from xdsl.ir import SSAValue

from dialects.cim import MatmulOp
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, Port
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from passes.rewriting.calibration.watched_bodies import BodyWatch

LARGEST = float(np.finfo(np.float32).max) / 2
"""Of the numbers that are quantised: the width of their range is a float32."""


def activations(network: Network, values: Sequence[SSAValue], file: str) -> dict[SSAValue, Array]:
    """What each value is on the inputs in `file` (.npz, an array for each input).

    UserError if the file cannot be used (see `calibration_inputs`), the network cannot run on it, or a value has no
    numbers, or some that 8 bits cannot stand for: what would be made of those is a wrong network.
    """
    inputs = network.inputs
    arrays = calibration_inputs(file, [port.name for _, port in inputs])
    distinct = list(dict.fromkeys(values))
    if not distinct:
        return {}
    outputs = [(value, Port(f"watched {i}", ())) for i, value in enumerate(distinct)]
    model = GraphWriter(network).model(network.body, inputs, outputs)
    try:
        outputs_of = run_graph(model, arrays)
    except GraphError as error:
        raise not_run(error, file) from error
    seen = {value: outputs_of[port.name] for value, port in outputs}
    for value, array in seen.items():
        _check_numbers(value, array, arrays, file)
    return seen


def ranges(network: Network, values: Sequence[SSAValue], file: str) -> dict[SSAValue, tuple[float, float]]:
    """Least and greatest number that each value takes on the inputs in `file`; errors as from `activations`."""
    arrays = activations(network, values, file)
    return {v: (float(a.min(initial=0)), float(a.max(initial=0))) for v, a in arrays.items()}


def body_ranges(
    network: Network, sources: Mapping[MatmulOp, SSAValue], file: str
) -> dict[MatmulOp, tuple[float, float]]:
    """The same, over all iterations, of values that products in bodies of control flow are made of.

    A product that these inputs never come to has none.
    """
    if not sources:
        return {}
    inputs, writer = network.inputs, GraphWriter(network)
    arrays = calibration_inputs(file, [port.name for _, port in inputs])
    model = writer.model(network.body, inputs, [])
    watch = BodyWatch(model.graph)
    watched = {op: watch.add(writer.name(source), writer.name(op.result)) for op, source in sources.items()}
    try:
        outputs = run_graph(model, arrays)
    except GraphError as error:
        raise not_run(error, file) from error
    seen: dict[MatmulOp, tuple[float, float]] = {}
    for op, names in watched.items():
        assert names is not None, f"node {node_name(op)} stands in no body"
        ends = np.array([outputs[name] for name in names])
        _check_numbers(op.x, ends, arrays, file)
        if ends.any():
            seen[op] = float(ends[0]), float(ends[1])
    return seen


def calibration_inputs(file: str, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of an .npz file with one for each name.

    UserError if it is none, lacks one, has numbers that are not finite, or holds nothing at all.
    """
    arrays = _read(file)
    for name in names:
        if name not in arrays:
            raise UserError(f"{file}: no array for input {name!r}: expected {', '.join(names)}")
        wrong = _first_above(arrays[name], np.inf)
        if wrong is not None:
            number, place = wrong
            raise UserError(f"{file}: array {name!r} holds {number} at {place}: expected numbers that are finite")
    inputs = {name: arrays[name] for name in names}
    if inputs and not any(array.size for array in inputs.values()):
        raise UserError(_without_vectors(inputs, file))
    return inputs


def not_run(error: GraphError, file: str) -> UserError:
    """What to raise where a network does not run on the inputs in `file`."""
    return UserError(f"{file}: the network does not run on these inputs: {_first_line(error)}")


def _read(file: str) -> dict[str, Array]:
    """The arrays of the file; the machine, which stands on nothing of the compiler, reads its inputs by itself."""
    try:
        with open(file, "rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise ValueError("expected arrays saved by numpy.savez")
        with np.load(file, allow_pickle=False) as archive:
            return {name: _array(archive[name]) for name in archive.files}
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except Exception as error:  # zipfile, zlib and numpy raise many unrelated types for a damaged file
        raise UserError(f"{file}: not an .npz file with calibration inputs: {_first_line(error)}") from error


def _array(content: object) -> Array:
    if not isinstance(content, np.ndarray):  # numpy hands out the bytes of files that are no arrays
        raise ValueError("it holds files that are no arrays")
    return cast(Array, content)


def _check_numbers(value: SSAValue, array: Array, inputs: Mapping[str, Array], file: str) -> None:
    if not array.size and any(not given.size for given in inputs.values()):
        raise UserError(_without_vectors(inputs, file))
    node = node_name(next(iter(value.uses)).operation)
    if not array.size:
        raise UserError(f"{file}: on these inputs node {node!r} multiplies no vectors: expected at least one")
    wrong = _first_above(array, LARGEST)
    if wrong is not None:
        number, place = wrong
        raise UserError(
            f"{file}: on these inputs node {node!r} multiplies {number}, at {place} of {list(array.shape)}: "
            f"expected numbers up to {LARGEST:g}"
        )


def _first_above(array: Array, limit: float) -> tuple[float, list[int]] | None:
    """The first number whose magnitude is not below `limit`, NaN included, and its place; None for texts, too."""
    if array.dtype.kind in "OSU":
        return None
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(array) < limit)
    if not wrong.any():
        return None
    place = np.unravel_index(int(np.argmax(wrong)), array.shape)
    return array[place].item(), [int(i) for i in place]


def _without_vectors(inputs: Mapping[str, Array], file: str) -> str:
    name = next(name for name, array in inputs.items() if not array.size)
    return f"{file}: array {name!r} of shape {list(inputs[name].shape)} holds no vectors: expected at least one"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
