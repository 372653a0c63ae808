"""What tests of old operator sets share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from cimc.machine.check import compare, run_reference
from cimc.onnx_import.reader import read


@pytest.fixture
def lifted_bits(tmp_path: Path) -> Callable[..., list[str]]:
    """Demands the bits of a file's outputs from its lifted network; the operators of that."""

    def check(file: Path, inputs: Mapping[str, NDArray[Any]]) -> list[str]:
        model, lifted = read(file, {}).model, tmp_path / "lifted.onnx"
        assert next(entry.version for entry in model.opset_import) == 11
        lifted.write_bytes(model.SerializeToString())
        comparison = compare(run_reference(lifted, inputs), run_reference(file, inputs))
        assert comparison.identical, str(comparison)
        return [node.op_type for node in model.graph.node if node.op_type != "Constant"]

    return check
