"""Kinds of structure, counted: what a layer is, and how it is told."""

from cimc.report.structures import structure_text, structures_of


def test_a_monarch_layer_is_two_factors() -> None:
    assert structures_of(["monarch", "dense", "monarch", "monarch", "monarch", "blast"]) == {
        "blast": {"factors": 1, "layers": 1},
        "dense": {"factors": 1, "layers": 1},
        "monarch": {"factors": 4, "layers": 2},
    }


def test_structure_as_text() -> None:
    kinds = ["dense"] * 3 + ["monarch"] * 50
    assert structure_text(structures_of(kinds)) == "3 dense, 50 monarch factors of 25 layers"
    assert structure_text(structures_of(["monarch"] * 2)) == "2 monarch factors of 1 layer"
    assert structure_text({}) == "none"
