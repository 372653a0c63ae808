"""Every step is compared with the reference, to the last bit."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cimc
from cimc.language.checking import Check, Difference
from cimc.language.session import Session
from cimc.machine.check import Reference

Model = Callable[..., Path]


@pytest.fixture
def session(language_model: Model, tmp_path: Path) -> Session:
    return Session(cimc.compile(language_model(), chip="tiny-4", reference=tmp_path / "ref.onnx"))


def test_all_steps_are_compared(session: Session, tmp_path: Path) -> None:
    check = Check(session, Reference(tmp_path / "ref.onnx").run)
    written = list(session.generate([3, 1, 4], max_tokens=5))
    values = 3 * 32 + 2 * 2 * 4 * 3 + sum(32 + 2 * 2 * 4 * length for length in range(4, 8))
    assert str(check) == f"check: identical, {values} values in 3 outputs over 5 steps"
    session.reset()
    assert list(session.generate([3, 1, 4], max_tokens=1)) == written[:1]
    assert str(check).endswith("over 6 steps")


def test_one_step(session: Session, tmp_path: Path) -> None:
    check = Check(session, Reference(tmp_path / "ref.onnx").run)
    session.feed(np.array([[1]]))
    assert str(check) == "check: identical, 48 values in 3 outputs over 1 step"


def test_the_first_difference_ends_it(session: Session, tmp_path: Path) -> None:
    reference, runs = Reference(tmp_path / "ref.onnx"), [0]

    def run(inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        runs[0] += 1
        outputs = reference.run(inputs)
        if runs[0] == 3:
            outputs["logits"] = outputs["logits"].copy()
            outputs["logits"][0, 0, 7] = 1
        return outputs

    Check(session, run)
    written = session.generate([3, 1, 4], max_tokens=5)
    assert len([next(written), next(written)]) == 2
    with pytest.raises(Difference, match=r"^check: step 3: output logits differs in 1 of 32 values by up to .*: found"):
        next(written)


def test_the_reference_has_a_cache_of_its_own(session: Session, tmp_path: Path) -> None:
    """A cache that goes wrong between two steps is noticed in the second."""
    Check(session, Reference(tmp_path / "ref.onnx").run)
    session.feed(np.array([[3, 1, 4]]))
    session.cache["past_key_0"] = session.cache["past_key_0"] + np.float32(1)
    with pytest.raises(Difference, match=r"^check: step 2: "):
        session.feed(np.array([[1]]))
