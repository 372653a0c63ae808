"""The figures at the head of a page are those of the report."""

from dataclasses import replace

from cimc.report.key_figures import KEY_FIGURES, missing_figures, shown_figures
from cimc.report.study import Study


def test_they_stand_in_the_report(study: Study) -> None:
    report = study.to_json()
    found = {item.figure.path: item for item in shown_figures(report)}
    assert found["arrays"].value == report["arrays"]
    assert found["utilization"].value == report["utilization"]
    assert found["latency_ns.parameter"].value == report["latency_ns"]["parameter"]
    assert found["arrays"].text == f"{report['arrays']}"


def test_what_is_null_is_missing(study: Study) -> None:
    energy = {"parameter": 0.0, "digital": None, "total": None}
    report = replace(study, report=replace(study.report, area_um2=None, energy_pj=energy)).to_json()
    shown = [item.figure.title for item in shown_figures(report)]
    missing = missing_figures(report)
    assert "area" in missing
    assert "energy a token, with digital operators and leakage" in missing
    assert "energy a token, arrays alone" in shown
    assert sorted(shown + missing) == sorted(figure.title for figure in KEY_FIGURES)


def test_what_was_not_measured_is_not_missing(study: Study) -> None:
    """No chip file could change it."""
    known = {item.figure.path: item.text for item in shown_figures(study.to_json())}
    assert study.program.measured is not None
    assert known["measured.cosine"] == f"{study.program.measured.cosine:.6f}"
    assert known["may_clip.conversions"] == "0"
    report = replace(study, report=replace(study.report, measured=None)).to_json()
    assert "measured.cosine" not in {item.figure.path for item in shown_figures(report)}
    assert "cosine with the original" not in missing_figures(report)
