"""Sizes that are made up for dimensions that a network leaves open."""

from cimc.program.metadata import Input
from cimc.program.open_sizes import LARGER, assumed, last_names, lengthened, longer_inputs, side_of, sides

IMAGE = Input("x", "float32", ("batch", 3, "height", "width"), 0, slides=(2, 3))
SIGNAL = Input("s", "float32", (None, 1, None), 0, slides=(2,))
WORDS = Input("ids", "int64", ("batch", "words"), 0)


def test_sides_of_images_signals_and_volumes() -> None:
    volume = Input("v", "float32", (1, 1, "a", "b", "c"), 0, slides=(2, 3, 4))
    flat = Input("f", "float32", (1, 1, 20, "b"), 0, slides=(2, 3))
    assert [side_of(value) for value in (SIGNAL, IMAGE, volume, flat)] == [256, 224, 32, 256]
    assert sides([IMAGE, SIGNAL, WORDS]) == {"height": 224, "width": 224}


def test_what_is_assumed_is_said() -> None:
    assert list(assumed([IMAGE, SIGNAL])) == ["input s: dimension 2 without a name is taken to be 256"]


def test_last_dimensions_are_lengthened() -> None:
    unnamed = Input("u", "float32", (None, None), 0)
    assert last_names([IMAGE, WORDS, unnamed, Input("w", "float32", ("words2", "batch"), 0)]) == {"words"}
    assert [value.shape for value in lengthened([unnamed, SIGNAL, WORDS], 64)] == [
        (1, 64), (1, 1, None), WORDS.shape,
    ]  # fmt: skip
    assert lengthened([Input("a", "float32", None, 0)], 64)[0].shape is None


def test_longer_inputs_where_a_last_dimension_is_open() -> None:
    assert [(size, dims) for size, _, dims in longer_inputs([WORDS])] == [(size, {"words": size}) for size in LARGER]
    assert list(longer_inputs([WORDS], ["words"])) == []
    assert list(longer_inputs([Input("a", "float32", (1, 4), 0)])) == []
    assert list(longer_inputs([])) == []
