"""The check of a text: every run equals that of the reference, which keeps a cache of its own."""

import time
from typing import Any

import numpy as np

from cimc.language.context import Context, Run, Values
from cimc.machine.check import Comparison, compare
from cimc.program.errors import ProgramError


class Difference(ProgramError):
    """An output of a step that is not that of the reference. As text: the result in one line."""


class Check:
    """Runs what a context runs in `reference` as well, from now on, and raises Difference where a bit differs.

    The reference's cache is made of its own outputs, so that no difference is handed on unseen. `last` is the
    comparison of the last run. As text: the result in one line.
    """

    def __init__(self, context: Context, reference: Run) -> None:
        self.ports, self.run, self.reference = context.ports, context.run, reference
        self.steps = self.values = 0
        self.last = Comparison(0, 0)
        self.seconds = 0.0
        """How long the reference and the comparisons took."""
        self._cache: dict[str, Any] = {}
        context.run = self._run

    def __str__(self) -> str:
        steps = f"{self.steps} step{'' if self.steps == 1 else 's'}"
        return f"check: identical, {self.values} values in {self.last.outputs} outputs over {steps}"

    def _run(self, inputs: Values) -> Values:
        outputs = self.run(inputs)
        start = time.perf_counter()
        if any(np.shape(inputs[port.past.name])[port.time] == 0 for port in self.ports.cache):
            self._cache = {}  # a text begins, and its cache is empty
        expected = self.reference({**inputs, **self._cache})
        self.steps, self.last = self.steps + 1, compare(outputs, expected)
        if not self.last.identical:
            raise Difference(f"check: step {self.steps}: {self.last.difference}")
        self.values += self.last.values
        self._cache = {port.past.name: expected[port.present.name] for port in self.ports.cache}
        self.seconds += time.perf_counter() - start
        return outputs
