"""Runs the network on calibration inputs and notes what chosen values are."""

import zipfile
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from dialects.element_types import Array
from dialects.errors import UserError
from dialects.network import Port, inputs_of, main_block
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from dialects.weights import WeightStore


def activations(module: ModuleOp, store: WeightStore, values: Sequence[SSAValue], file: str) -> dict[SSAValue, Array]:
    """What each value is on the inputs in `file` (.npz, an array for each input).

    UserError if the file cannot be read, lacks an input, or the network cannot run on it.
    """
    inputs = inputs_of(module)
    arrays = read_inputs(file, [port.name for _, port in inputs])
    distinct = list(dict.fromkeys(values))
    if not distinct:
        return {}
    outputs = [(value, Port(f"watched {i}", ())) for i, value in enumerate(distinct)]
    model = GraphWriter(module, store).model(list(main_block(module).ops)[:-1], inputs, outputs)
    try:
        found = run_graph(model, arrays)
    except GraphError as error:
        raise UserError(f"{file}: the network does not run on these inputs: {_first_line(error)}") from error
    return {value: found[port.name] for value, port in outputs}


def ranges(
    module: ModuleOp, store: WeightStore, values: Sequence[SSAValue], file: str
) -> dict[SSAValue, tuple[float, float]]:
    """Least and greatest number that each value takes on the inputs in `file`; errors as from `activations`."""
    found = activations(module, store, values, file)
    return {v: (float(a.min(initial=0)), float(a.max(initial=0))) for v, a in found.items()}


def read_inputs(file: str, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of an .npz file with one for each name; UserError if it is none, or lacks one."""
    try:
        with open(file, "rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise ValueError("expected arrays saved by numpy.savez")
        with np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, Array] = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (AttributeError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{file}: not an .npz file with calibration inputs: {_first_line(error)}") from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise UserError(f"{file}: no array for input {missing[0]!r}: expected {', '.join(names)}")
    return {name: arrays[name] for name in names}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
