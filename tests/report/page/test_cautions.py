"""What readers are warned of."""

from dataclasses import replace

from cimc.report.page.cautions import cautions, conditions, may_clip, shared
from cimc.report.study import Study


def lossy(study: Study) -> Study:
    """The program with one row group that may clip, and one that drops a bit."""
    instructions = study.program.instructions.copy()
    multiplies = (instructions["op"] == 3).nonzero()[0]
    instructions["bound"][multiplies[0]] = 1 << instructions["adc_bits"][multiplies[0]]
    instructions["adc_shift"][multiplies[1]] = 1
    return replace(study, program=replace(study.program, instructions=instructions))


def test_clipping(study: Study) -> None:
    assert may_clip(study.program) == 0
    assert may_clip(lossy(study).program) == 2
    (found,) = (text for text in cautions(lossy(study)) if "may clip" in text)
    assert found.startswith(f"2 of {study.report.row_groups} row groups may clip")


def test_what_is_not_modelled(study: Study) -> None:
    without = replace(study, report=replace(study.report, area_um2=None))
    (found,) = (text for text in cautions(without) if text.startswith("Not modelled"))
    assert "area" in found


def test_notes_of_the_report(study: Study) -> None:
    assert "ADCs are not known." in cautions(
        replace(study, report=replace(study.report, notes=("aDCs are not known",)))
    )


def test_almost_structured(study: Study) -> None:
    layers = (replace(study.report.layers[0], notes={"almost": "4 blocks"}), *study.report.layers[1:])
    found = list(cautions(replace(study, report=replace(study.report, layers=layers))))
    assert "first is almost structured (4 blocks), but stored dense." in found


def test_conditions(study: Study) -> None:
    assert list(conditions(study)) == [
        "Digital operators are counted for n = 1.",
        "A prefill has 512 tokens; what limits it: arrays.",
    ]
    nothing = replace(
        study.report, conditions={**study.report.conditions, "dims": {}}, prefill={"parameter": None, "total": None}
    )
    assert list(conditions(replace(study, report=nothing))) == []


def test_of_several_programs(study: Study) -> None:
    """What is said of all stands once."""
    other = replace(lossy(study), label="other")
    found = shared([study, other], cautions)
    assert [labels for text, labels in found.items() if "may clip" in text] == [["other"]]
    assert all(labels == ["p", "other"] for text, labels in found.items() if "may clip" not in text)
