"""Equal neighbours of one line are one strip."""

from cimc.program.metadata import Chip
from cimc.report.figures.maps.aggregation import Strip, aggregated, merged
from cimc.report.figures.maps.grid import Grid
from cimc.report.study import Study


def test_neighbours_that_look_the_same_are_merged() -> None:
    strips = [Strip(0, 0, 0, 4), Strip(0, 1, 0, 4), Strip(1, 2, 0, 4), Strip(1, 3, 0, 4), Strip(1, 5, 0, 4)]
    assert merged(strips, 100) == [Strip(0, 0, 0, 4, 2), Strip(1, 2, 0, 4, 2), Strip(1, 5, 0, 4)]


def test_lines_end_strips() -> None:
    strips = [Strip(0, array, 0, 4) for array in range(7)]
    assert merged(strips, 3) == [Strip(0, 0, 0, 4, 3), Strip(0, 3, 0, 4, 3), Strip(0, 6, 0, 4)]


def test_two_layers_in_the_same_arrays() -> None:
    strips = [Strip(layer, array, row, 2) for array in range(3) for layer, row in ((0, 0), (1, 2))]
    assert merged(strips, 9) == [Strip(0, 0, 0, 2, 3), Strip(1, 0, 2, 2, 3)]
    assert merged([Strip(0, 0, 0, 2), Strip(0, 1, 0, 1), Strip(0, 2, 1, 1)], 9) == [
        Strip(0, 0, 0, 2),
        Strip(0, 1, 0, 1),
        Strip(0, 2, 1, 1),
    ]


def test_layers_of_the_chart(study: Study) -> None:
    """Empty arrays, strips, gaps both ways, numbers; one array alone has no gaps."""
    chip = Chip("pcm", 4, 4, 2, 1, 9, 8, "offset")
    assert len(aggregated(study, [], Grid.of(chip, 1000))) == 5
    assert len(aggregated(study, [], Grid.of(chip, 1))) == 3
