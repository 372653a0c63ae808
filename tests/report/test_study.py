"""Names and colours of layers, labels of programs, and the JSON of one program and of several."""

from dataclasses import replace

from cimc.program.program import Program
from cimc.report.study import Study, json_of, studies_of


def test_layers_that_share_a_weight_share_a_colour(study: Study) -> None:
    assert study.layer_names == ["first", "again", "last"]
    assert study.owners == [0, 0, 2]
    assert study.colors[0] == study.colors[1] != study.colors[2]
    assert study.owner_of_weight == {0: 0, 1: 2}


def test_names_are_unique(study: Study) -> None:
    layers = tuple(replace(layer, node=node) for layer, node in zip(study.report.layers, ["a", "", "a\n"], strict=True))
    renamed = replace(study, report=replace(study.report, layers=layers))
    assert renamed.layer_names == ["a #1", "unnamed", "a #2"]


def test_labels(program: Program) -> None:
    def labels(*files: str) -> list[str]:
        return [study.label for study in studies_of(dict.fromkeys(files, program))]

    assert labels("a/p.cim") == ["p"]
    assert labels("a/p.cim", "b/q.1.cim") == ["p", "q.1"]
    assert labels("a/p.cim", "b/p.cim", "q.cim") == ["a/p.cim", "b/p.cim", "q"]


def test_json(study: Study) -> None:
    """One program is an object, several are a list of such objects."""
    alone = json_of([study])
    assert alone["program"] == "p"
    assert alone["model"] == "network.onnx"
    assert alone["arrays"] == study.report.arrays
    assert json_of([study, study]) == [alone, alone]
