"""What readers are warned of."""

from dataclasses import replace

from cimc.program.distance import PROGRAM, Distance
from cimc.report.page.cautions import cautions, conditions, shared
from cimc.report.report import report_of
from cimc.report.study import Study

MEASURED = Distance(False, 0.5, 2.0, "y", "y", ran=PROGRAM, inputs="x.npz", clipping={0: (3, 4), 1: (5, 8)})


def lossy(study: Study, measured: Distance | None = None) -> Study:
    """The program with one row group that may clip, and one that drops a bit."""
    instructions = study.program.instructions.copy()
    multiplies = (instructions["op"] == 3).nonzero()[0]
    instructions["bound"][multiplies[0]] = 1 << instructions["adc_bits"][multiplies[0]]
    instructions["adc_shift"][multiplies[1]] = 1
    program = replace(study.program, instructions=instructions, measured=measured)
    return replace(study, program=program, report=report_of(program))


def test_clipping(study: Study) -> None:
    assert not any("lip" in text for text in cautions(study))
    first, second = (text for text in cautions(lossy(study)) if "lip" in text)
    assert first.startswith(f"May clip: 2 of {study.report.row_groups} row groups, ")
    assert "in 1 of 3 layers (first). There the largest sum" in first
    assert second.startswith("How far the program is from its original was not measured.")


def test_what_clipped(study: Study) -> None:
    """Said of the run in which it was measured, and then there is nothing that is not known."""
    told = [text for text in cautions(lossy(study, MEASURED)) if "lip" in text]
    assert [text.partition(":")[0] for text in told] == ["May clip", "Clipped when measured"]
    assert told[1] == "Clipped when measured: 8 of 12 conversions (66.7 %), most in stage 1 (62.5 %): last."
    (measured,) = (text for text in conditions(lossy(study, MEASURED)) if text.startswith("Measured"))
    assert measured == (
        "Measured, of the program itself: cosine 0.500000, largest difference 2 from the original (output 'y'); "
        "inputs of x.npz."
    )


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
        "A prefill has 512 tokens; what limits it: registers of array 0.",
        "Reckoned with: digital constants of the chip file, buffers and key/value memory not counted.",
        "Compiled with objective arrays, lossy 0, monarch_budget 0.1, prune_below 0.0, activations token, "
        "weight_bits 8, weight_group column, activation_bits 8, quality_budget 0.05, smooth False.",
        f"Measured, of the network that the program computes: {study.program.measured}; inputs made up.",
    ]
    nothing = replace(
        study.report,
        conditions={**study.report.conditions, "dims": {}},
        prefill={"parameter": None, "total": None},
        options={},
        measured=None,
    )
    (left,) = conditions(replace(study, report=nothing))
    assert left.startswith("Reckoned with: ")


def test_of_several_programs(study: Study) -> None:
    """What is said of all stands once."""
    other = replace(lossy(study), label="other")
    found = shared([study, other], cautions)
    assert [labels for text, labels in found.items() if "May clip" in text] == [["other"]]
    assert all(labels == ["p", "other"] for text, labels in found.items() if "lip" not in text)
