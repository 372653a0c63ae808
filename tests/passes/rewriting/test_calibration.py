"""Calibration inputs: whatever is wrong with their file is one line that names it."""

from pathlib import Path

import numpy as np
import pytest

from dialects.errors import UserError
from passes.rewriting.calibration import calibration_inputs


def test_damaged_archives(damaged_archives: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    for damage, content in damaged_archives.items():
        file.write_bytes(content)
        with pytest.raises(UserError) as error:
            calibration_inputs(str(file), ["x"])
        assert str(error.value).startswith(f"{file}: not an .npz file with calibration inputs: "), damage
        assert "\n" not in str(error.value), damage


def test_a_cache_may_be_empty_but_not_everything(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=np.ones((1, 2)), past=np.ones((1, 0, 4)), text=np.array(["nan"]))
    assert set(calibration_inputs(str(file), ["x", "past", "text"])) == {"x", "past", "text"}
    with pytest.raises(UserError) as error:
        calibration_inputs(str(file), ["past"])
    assert str(error.value) == f"{file}: array 'past' of shape [1, 0, 4] holds no vectors: expected at least one"
    assert calibration_inputs(str(file), []) == {}
