"""Inputs for calibration: those of one run that reads the windows of a text."""

from typing import Any

import numpy as np
import pytest

from cimc.language.ports import ports_of
from cimc.language.quality.evaluation import Plan, Text
from cimc.language.quality.saved_inputs import inputs_for
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input, Value

TEXT = Text(np.arange(11), np.arange(1, 12))


class Signature:
    """A language model with a cache of one layer, which takes so many sequences and tokens."""

    def __init__(self, batch: int | str = "batch", tokens: int | str = "tokens") -> None:
        self.inputs = [
            Input("input_ids", "int64", (batch, tokens), 0),
            Input("attention_mask", "int64", (batch, "all"), 0),
            Input("position_ids", "int64", (batch, tokens), 0),
            Input("past_key_values.0.key", "float32", (batch, 2, "past", 4), 0),
            Input("past_key_values.0.value", "float32", (batch, 2, "past", 4), 0),
        ]
        self.outputs = [
            Value("logits", "float32", (batch, tokens, 20), 0),
            Value("present.0.key", "float32", (batch, 2, "all", 4), 0),
            Value("present.0.value", "float32", (batch, 2, "all", 4), 0),
        ]


def never(inputs: Any) -> Any:
    raise AssertionError("a run, and the sizes of the cache are known")


def test_windows_side_by_side() -> None:
    """A shorter one at the end of the text is left out; nothing comes before them."""
    inputs = inputs_for(never, ports_of(Signature()), TEXT, Plan(4))
    assert inputs["input_ids"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert inputs["attention_mask"].tolist() == [[1] * 4] * 2
    assert inputs["position_ids"].tolist() == [[0, 1, 2, 3]] * 2
    assert inputs["past_key_values.0.key"].shape == (2, 2, 0, 4)
    assert len(inputs) == 5
    assert len(inputs_for(never, ports_of(Signature()), TEXT, Plan(4, most=1))["input_ids"]) == 1


@pytest.mark.parametrize(
    ("signature", "window", "message"),
    [
        (Signature(tokens=1), 4, "takes 1 token at once, and a window has 4: expected a network that reads windows"),
        (Signature(batch=3), 4, "the network takes 3 windows at once, found 2: expected as many"),
        (Signature(), 12, "the text has 11 tokens, too few: expected at least 12"),
    ],
)
def test_what_gives_no_inputs(signature: Signature, window: int, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        inputs_for(never, ports_of(signature), TEXT, Plan(window))
