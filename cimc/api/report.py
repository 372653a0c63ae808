"""The report of a program as a notebook has it: as text, as a table with a picture, and as rows for data frames."""

from dataclasses import dataclass, field
from typing import Any

from cimc.api.html import shown_as_html
from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report import report
from cimc.report.key_figures import shown_figures
from cimc.report.quantities import ENERGY, TIME, plainly
from cimc.report.texts.layers_csv import Cell, row_of
from cimc.report.texts.text import summary_lines
from cimc.report.words import worded


@dataclass(frozen=True, kw_only=True, repr=False)
class Report(report.Report):
    """What a program needs of the chip, for one token or inference; None for what is not known, and `notes` say why.

    `print` shows the summary of `cim-report`, a notebook a table and the map of the chip; `rows()` are for a data
    frame, and `to_json()` is all of it. docs/report.md says what every figure is, docs/cost-model.md its formula.
    """

    program: Program = field(compare=False)
    """What it is of."""

    def __str__(self) -> str:
        return "\n".join(summary_lines(self))

    def __repr__(self) -> str:
        time, energy = plainly(self.latency_ns["total"], TIME), plainly(self.energy_pj["total"], ENERGY)
        per = worded("a token", self.per)
        return f"<cimc.Report: {self.arrays} arrays of {self.chip['name']}, {time} and {energy} {per}>"

    def _repr_html_(self) -> str:
        figures = {shown.figure.title: shown.text for shown in shown_figures(self.to_json())}
        title = f"{self.program.source.file or 'program'} on {self.chip['name']}"
        return shown_as_html(title, {"mapping": self.mapping, **figures}, self.program)

    def rows(self) -> list[dict[str, Cell]]:
        """A dictionary for each layer, all with the same keys: `pandas.DataFrame(report.rows())`.

        The columns are those of `cim-report --csv` (docs/report.md); None for what is not known.
        """
        return [row_of(layer) for layer in self.layers]

    def to_json(self) -> dict[str, Any]:
        """The report as plain numbers, texts, lists and dictionaries (docs/report.schema.json)."""
        return {name: value for name, value in super().to_json().items() if name != "program"}


def report_of(program: Program, conditions: Conditions) -> Report:
    """The report of a program; errors as from cimc/report/report.py."""
    return Report(**vars(report.report_of(program, conditions)), program=program)
