"""What `cim-eval` finds out about a program, as lines and as JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cimc.language.quality.evaluation import ORIGINAL, PROGRAM, REFERENCE, Evaluation
from cimc.program.metadata import Json
from cimc.report.texts.table import Table

Figures = Mapping[str, Mapping[str, float]]
"""Of a network, by task and metric."""


@dataclass(frozen=True)
class Quality:
    """What became of a text and of tasks; `files` are those of the networks by name."""

    files: Mapping[str, Path]
    rewritten: str = ""
    """What had to be rewritten in the original; see cimc/original.py."""
    text: Path | None = None
    window: int = 0
    stride: int = 0
    evaluation: Evaluation | None = None
    tasks: Mapping[str, Figures] = field(default_factory=dict[str, Figures])
    """By name of a network."""

    @property
    def identical(self) -> bool:
        """Whether nothing was found in which the program differs from its reference."""
        return self.evaluation is None or not self.evaluation.difference

    def text_line(self) -> str:
        """What was read of the text."""
        assert self.evaluation is not None
        count, score = len(self.evaluation.windows), self.evaluation.scores[PROGRAM]
        overlap = f", one every {self.stride:,}" if self.stride < self.window else ""
        windows = f"{count:,} window{'s' if count > 1 else ''} of {self.window:,} tokens{overlap}"
        return f"{self.text}: {windows}, {score.tokens:,} tokens predicted, which are {score.size:,} bytes"

    def text_table(self) -> Table:
        """A row a network: perplexity, bits per byte, and where it comes from."""
        assert self.evaluation is not None
        rows = [
            [name, number(score.perplexity), number(score.bits_per_byte), self._remark(name)]
            for name, score in self.evaluation.scores.items()
        ]
        return Table(["network", "perplexity", "bits per byte", ""], rows, "lrrl")

    def tasks_table(self) -> Table:
        """A row for each metric of each task, a column a network."""
        names = list(self.tasks)
        keys = [(task, metric) for task, figures in self.tasks[names[0]].items() for metric in figures]
        rows = [
            [task, metric, *(number(self.tasks[name].get(task, {}).get(metric, math.nan)) for name in names)]
            for task, metric in keys
        ]
        return Table(["task", "metric", *names], rows, "ll" + "r" * len(names))

    def to_json(self) -> dict[str, Json]:
        """All figures; null where one is no finite number."""
        content: dict[str, Json] = {"files": {name: str(file) for name, file in self.files.items()}}
        if self.evaluation is not None:
            score = self.evaluation.scores[PROGRAM]
            content["text"] = {
                "file": str(self.text),
                "window": self.window,
                "stride": self.stride,
                "windows": len(self.evaluation.windows),
                "tokens": score.tokens,
                "bytes": score.size,
            }
            content["scores"] = {
                name: {
                    "perplexity": _finite(own.perplexity),
                    "bits_per_byte": _finite(own.bits_per_byte),
                    "nats": _finite(own.nats),
                }
                for name, own in self.evaluation.scores.items()
            }
            if REFERENCE in self.evaluation.scores:
                content["identical"] = self.identical
        if self.tasks:
            content["tasks"] = {
                name: {task: {metric: _finite(v) for metric, v in own.items()} for task, own in figures.items()}
                for name, figures in self.tasks.items()
            }
        return content

    def _remark(self, name: str) -> str:
        assert self.evaluation is not None
        score = self.evaluation.scores[name]
        if score.unknown:
            return f"the logits say nothing at {score.unknown:,} of {score.tokens:,} tokens: they hold NaN"
        if name == REFERENCE:
            same = "identical to the program, bit for bit, in all windows"
            return "differs from the program" if self.evaluation.difference else same
        rewritten = f", {self.rewritten}" if name == ORIGINAL and self.rewritten else ""
        return f"{self.files[name]}{rewritten}"


def number(value: float) -> str:
    """A figure to read: five digits, and not more of large ones."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < math.inf else f"{value:.5g}"


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
