"""A program together with what is reported of it: what figures and pages are made from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cimc.options.conditions import DECODE, Conditions
from cimc.program.errors import naming
from cimc.program.one_line import one_line, printable
from cimc.program.program import Program
from cimc.report.palette import layer_colors
from cimc.report.report import Report, report_of
from cimc.report.timeline import Timeline, timeline_of


@dataclass(frozen=True)
class Study:
    """One program, its report and its timeline; `label` tells it from other programs on the same page."""

    label: str
    program: Program
    report: Report
    timeline: Timeline | None

    @cached_property
    def layer_names(self) -> list[str]:
        """One name for each layer, unique: that of its ONNX node, with a number where nodes share it."""
        nodes = [one_line(layer.node) or "unnamed" for layer in self.report.layers]
        often, seen = Counter(nodes), Counter[str]()
        names: list[str] = []
        for node in nodes:
            seen[node] += 1
            names.append(f"{node} #{seen[node]}" if often[node] > 1 else node)
        return names

    @cached_property
    def owners(self) -> list[int]:
        """For each layer the first layer with the same weight: it gives both their colour."""
        first: dict[int, int] = {}
        return [first.setdefault(m.weight, i) for i, m in enumerate(self.program.multiplications)]

    @cached_property
    def owner_of_weight(self) -> dict[int, int]:
        """The first layer that multiplies by each weight."""
        return {m.weight: self.owners[i] for i, m in enumerate(self.program.multiplications)}

    @cached_property
    def colors(self) -> list[str]:
        """The colour of each layer."""
        color_of = dict(zip(sorted(set(self.owners)), layer_colors(len(set(self.owners))), strict=True))
        return [color_of[owner] for owner in self.owners]

    def to_json(self) -> dict[str, Any]:
        """The report, with the file it is of."""
        return {"program": self.label, "model": self.program.source.file, **self.report.to_json()}


def studies_of(programs: Mapping[str, Program], conditions: Conditions = DECODE) -> list[Study]:
    """Studies of programs by the name of their file; labels are as short as they can be without being the same."""
    studies: list[Study] = []
    for label, (file, program) in zip(_short(list(programs)), programs.items(), strict=True):
        with naming(file):
            studies.append(Study(label, program, report_of(program, conditions), timeline_of(program)))
    return studies


def json_of(studies: Sequence[Study]) -> Any:
    """The JSON of one program, or a list for several: what `--json` writes and the page holds."""
    reports = [study.to_json() for study in studies]
    return reports[0] if len(reports) == 1 else reports


def _short(files: Sequence[str]) -> Iterator[str]:
    names = [Path(file).name.removesuffix(".cim") for file in files]
    often = Counter(names)
    return (printable(name if often[name] == 1 else file) for name, file in zip(names, files, strict=True))
