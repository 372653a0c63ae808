"""Key figures side by side."""

from collections.abc import Callable
from dataclasses import replace

from cimc.report.figures.comparison import comparison
from cimc.report.figures.figure import Panel
from cimc.report.study import Study

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_a_chart_for_each_figure_that_any_program_has(study: Study, rows: Rows) -> None:
    other = replace(study, label="other", report=replace(study.report, arrays=99, area_um2=None))
    area = replace(study, report=replace(study.report, area_um2=2e6))
    panels = {panel.label: panel for panel in comparison([area, other]).panels}
    assert [(r["program"], float(r["value"]), r["text"]) for r in rows(panels["arrays"], "text")] == [
        ("p", study.report.arrays, str(study.report.arrays)),
        ("other", 99, "99"),
    ]
    assert [(row["program"], row["text"]) for row in rows(panels["area"], "text")] == [("p", "2 mm²")]
    assert panels["area"].notes == ("1 of the programs have no such figure.",)


def test_what_no_program_has_is_left_out(study: Study) -> None:
    without = replace(study, report=replace(study.report, area_um2=None))
    assert "area" not in [panel.label for panel in comparison([without, without]).panels]
    assert "arrays, lower bound" not in [panel.label for panel in comparison([study, study]).panels]
