"""Energy and area by component: the amounts of the report."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cimc.report.figures.figure import Panel
from cimc.report.figures.shares import all_energy, area, array_energy
from cimc.report.study import Study

Rows = Callable[[Panel, str], list[dict[str, str]]]


def amounts(found: list[dict[str, str]]) -> dict[str, float]:
    return {row["component"]: float(row["value"]) for row in found}


def test_energy_of_the_arrays(study: Study, rows: Rows) -> None:
    found = amounts(rows(array_energy([study]).panels[0], "component"))
    assert sum(found.values()) == pytest.approx(study.report.energy_pj["parameter"])
    assert found["shift-adds"] == study.report.energy_components_pj["shift_add"]
    assert not {"digital units", "attention units", "leakage"} & found.keys()


def test_energy_of_everything(study: Study, rows: Rows) -> None:
    found = amounts(rows(all_energy([study]).panels[0], "component"))
    assert sum(found.values()) == pytest.approx(study.report.energy_pj["total"])
    assert list(found) == ["arrays", "digital units", "attention units", "leakage"]


def test_area(study: Study, rows: Rows) -> None:
    found = rows(area([study]).panels[0], "component")
    assert sum(amounts(found).values()) == pytest.approx(study.report.area_um2)
    assert sum(float(row["text"].split(", ")[1].removesuffix(" %")) for row in found) == pytest.approx(100, abs=0.5)


def test_what_is_not_modelled(study: Study, rows: Rows) -> None:
    some = {**study.report.area_components_um2, "adc": None, "shift_add": None}
    (panel,) = area([replace(study, report=replace(study.report, area_components_um2=some))]).panels
    assert panel.notes == ("Not modelled for this program, so not shown: ADCs, shift-adds.",)
    assert "ADCs" not in amounts(rows(panel, "component"))
    none = dict.fromkeys(some)
    (panel,) = area([replace(study, report=replace(study.report, area_components_um2=none))]).panels
    assert panel.chart is None
    assert panel.notes


def test_programs_have_one_scale(study: Study) -> None:
    twice = {name: 2 * (value or 0) for name, value in study.report.area_components_um2.items()}
    larger = replace(study, report=replace(study.report, area_components_um2=twice))
    domains = [p.spec()["layer"][0]["encoding"]["x"]["scale"]["domain"] for p in area([study, larger]).panels]
    assert domains[0] == domains[1] == [0, 1.45 * max(twice.values())]
