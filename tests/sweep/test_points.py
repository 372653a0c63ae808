"""Points: all combinations of a grid, with keys that depend on what their figures depend on, and on nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cimc.compiler import Options
from cimc.options.conditions import Conditions
from cimc.sweep.grid import Grid, read_grid
from cimc.sweep.points import Point, points_of
from dialects.errors import UserError

GridOf = Callable[[str], Grid]


@pytest.fixture
def grid(tmp_path: Path) -> GridOf:
    def read(text: str) -> Grid:
        (tmp_path / "g.toml").write_text(text)
        return read_grid(tmp_path / "g.toml")

    return read


def points(grid: Grid, model: str = "model", **options: Any) -> list[Point]:
    return points_of(grid, model, replace(Options(), **options))


def test_all_combinations_in_the_order_of_the_grid(grid: GridOf) -> None:
    found = points(
        grid('chip = ["tiny-4"]\nmapping = ["spread", "linear"]\nmonarch = [0, 2]\n[chip_keys]\nadcs = [1, 2]')
    )
    assert [tuple(point.settings.values()) for point in found] == [
        ("tiny-4", mapping, "arrays", 0, monarch, adcs)
        for mapping in ("spread", "linear")
        for monarch in (0, 2)
        for adcs in (1, 2)
    ]
    assert list(found[0].settings) == ["chip", "mapping", "objective", "lossy", "monarch", "chip.adcs"]
    assert len({point.key for point in found}) == 8
    assert len({point.network for point in found}) == 2


def test_settings_of_the_chip_part_share_a_network(grid: GridOf) -> None:
    found = points(grid('objective = ["arrays", "latency"]\nlossy = [0, 6]'))
    expected = [("arrays", 0), ("arrays", 6), ("latency", 0), ("latency", 6)]
    assert [(point.options.objective, point.options.lossy) for point in found] == expected
    assert (len({point.key for point in found}), len({point.network for point in found})) == (4, 1)


@pytest.mark.parametrize("objectives", ['["arrays", "latency"]', '["latency", "arrays"]'])
def test_mappings_without_an_objective_run_once(objectives: str, grid: GridOf) -> None:
    found = points(grid(f'mapping = ["spread", "linear"]\nobjective = {objectives}'))
    assert {(point.settings["mapping"], point.options.objective) for point in found} == {
        ("spread", "arrays"),
        ("spread", "latency"),
        ("linear", "arrays"),
    }
    assert len(found) == 3
    (linear,) = points(grid('mapping = ["linear"]\nobjective = ["throughput"]'))
    assert linear.settings["objective"] == linear.options.objective == "arrays"


def test_what_settings_mean(grid: GridOf) -> None:
    first, last = points(
        grid('chip = ["tiny-4"]\nmonarch = [0, 2]\n[chip_keys]\nsize = [8]\narrays = [3]'), measure=False
    )
    assert (first.options.mapping, first.options.monarch, last.options.monarch) == ("spread", None, 2)
    assert not first.options.measure
    assert [first.chip[key] for key in ("name", "rows", "columns", "arrays", "adcs")] == ["tiny-4", 8, 8, 3, 1]


def test_bits_make_networks_and_encodings_share_them(grid: GridOf) -> None:
    text = 'chip = ["tiny-4"]\nweight_bits = [8, 4]\nweight_group = ["column", 2]\nactivation_bits = [8, 5]\n'
    found = points(grid(text + 'encoding = ["offset", "differential"]'))
    assert len({point.key for point in found}) == 16
    assert len({point.network for point in found}) == 8
    last = found[-1]
    assert (last.options.weight_bits, last.options.weight_group, last.options.activation_bits) == (4, 2, 5)
    assert (last.chip["encoding"], last.settings["encoding"]) == ("differential", "differential")
    (plain,) = points(grid('chip = ["tiny-4"]'))
    assert plain.key == found[0].key


def test_only_auto_has_a_budget(grid: GridOf) -> None:
    found = points(grid('weight_bits = [8, "auto"]\nquality_budget = [0.01, 0.1]'))
    chosen = [(point.options.weight_bits, point.options.quality_budget) for point in found]
    assert chosen == [(8, 0.01), ("auto", 0.01), ("auto", 0.1)]
    assert len(points(grid("quality_budget = [0.01, 0.1]"), weight_bits="auto")) == 2


def test_tables_of_a_chip_can_vary(grid: GridOf) -> None:
    found = points(grid('chip = ["tiny-4"]\n[chip_keys]\nadc_table_pj = [[1, 2], [3, 4]]'))
    assert [point.settings["chip.adc_table_pj"] for point in found] == ["[1.0, 2.0]", "[3.0, 4.0]"]
    assert [point.chip["adc_table_pj"] for point in found] == [(1.0, 2.0), (3.0, 4.0)]
    assert found[0].key != found[1].key


def test_another_grid_has_the_same_points(grid: GridOf) -> None:
    """Whether a value stands in the chip file or in the grid makes no difference, and neither do other values."""
    (one,) = points(grid('chip = ["tiny-4"]'))
    some = points(grid('chip = ["pcm-256", "tiny-4"]\n[chip_keys]\nadcs = [2, 1]'))
    assert some[3].key == one.key
    assert one.key not in {point.key for point in some[:3]}


def test_keys_follow_the_contents_of_files(grid: GridOf, tmp_path: Path) -> None:
    text = 'rows = {}\ncolumns = 8\ncell_bits = 2\ndac_bits = 1\nadc_bits = 8\nadcs = 1\nencoding = "offset"\n'
    keys: list[str] = []
    for rows in (8, 16, 8):
        (tmp_path / "my.toml").write_text(text.format(rows))
        keys.append(points(grid('chip = ["my.toml"]'))[0].key)
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    "options",
    [{"dims": {"n": 2}}, {"activations": "tensor"}, {"monarch_budget": 0.2}, {"prune_below": 0.1}],
)
def test_options_of_the_network_make_another_network(options: dict[str, Any], grid: GridOf) -> None:
    (one,), (other,) = points(grid("")), points(grid(""), **options)
    assert one.network != other.network
    assert one.key != other.key


def test_another_model_has_other_points(grid: GridOf) -> None:
    assert points(grid(""))[0].network != points(grid(""), "other")[0].network


def test_other_conditions_give_other_points_of_one_network(grid: GridOf) -> None:
    (one,), (other,) = points(grid("")), points_of(grid(""), "model", Options(), Conditions(context=9))
    assert one.key != other.key
    assert one.network == other.network
    assert other.conditions.context == 9


def test_files_that_are_written_make_no_difference(grid: GridOf, tmp_path: Path) -> None:
    (one,) = points(grid(""))
    (other,) = points(grid(""), reference=tmp_path / "r.onnx", keep_ir=tmp_path, verify_each=True, measure=False)
    assert one.key == other.key


def test_activations_vary_or_are_an_option(grid: GridOf) -> None:
    """Each way to quantise them makes a network of its own; without values in the grid, it is no setting."""
    points = points_of(grid('chip = ["tiny-4"]\nactivations = ["token", "tensor"]'), "model", Options())
    assert [point.options.activations for point in points] == ["token", "tensor"]
    assert [point.settings["activations"] for point in points] == ["token", "tensor"]
    assert len({point.network for point in points}) == 2
    (point,) = points_of(grid('chip = ["tiny-4"]'), "model", Options(activations="tensor"))
    assert point.options.activations == "tensor"
    assert "activations" not in point.settings
    message = "^--activations token: the grid has values for activations, expected them in one of the two$"
    with pytest.raises(UserError, match=message):
        points_of(grid('activations = ["tensor"]'), "model", Options(activations="token"))


def test_digital_sets_of_the_grid_and_of_the_command_line(grid: GridOf, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('add_ns = 7\n[sources]\nadd_ns = "a stopwatch"')
    found = points(grid('chip = ["tiny-4"]\ndigital = ["simulator", "mine.toml"]'))
    assert [point.chip["digital_set"] for point in found] == ["simulator", "mine"]
    assert [point.chip.get("vector_pj") for point in found] == [10000, None]
    assert (found[1].sources["add_ns"], found[1].sources["rows"]) == ("a stopwatch", "invented")
    assert len({point.network for point in found}) == 1
    (own,) = points(grid('chip = ["tiny-4"]'), digital="published")
    assert own.chip["digital_set"] == "published"
    with pytest.raises(UserError, match="--digital published: the grid has values for digital"):
        points(grid('digital = ["simulator"]'), digital="published")
