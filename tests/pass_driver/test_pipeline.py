"""The order of the passes, and what is said of each of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from xdsl.passes import ModulePass

import cimc
from cimc.options.compilation import UserOptions
from cimc.pass_driver.pipeline import CHIP, EXACTNESS, NUMBERS, PIPELINE, STRUCTURE, Exactness, Step, passes_of
from cimc.universe import PASSES
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.quantize import QuantizePass


def names(passes: tuple[type[ModulePass] | ModulePass, ...]) -> list[str]:
    return [one.name for one in passes]


def steps(part: tuple[Step, ...]) -> list[str]:
    return names(tuple(step.of for step in part))


def test_every_pass_says_how_much_it_may_change():
    assert {one.name for one in PASSES} == set(EXACTNESS)
    assert set(steps(PIPELINE)) <= set(EXACTNESS)


def test_steps_run_their_passes():
    passes = passes_of(PIPELINE, UserOptions(monarch=2))
    assert [type(one) for one in passes] == [step.of for step in PIPELINE]
    without = [one for one in steps(PIPELINE) if one != ProjectMonarchPass.name]
    assert names(passes_of(PIPELINE, UserOptions())) == without


def test_the_way_down_is_the_one_in_the_documentation():
    text = (Path(cimc.__file__).parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## The way down")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z-]+)`([^|]*)\|.*\| ([^|]*) \|$", table, re.M)
    assert [name for name, _, _ in rows] == steps(PIPELINE)
    assert {name for name, remark, _ in rows if "only on request" in remark} == {ProjectMonarchPass.name}
    unchanged = {name for name, _, changes in rows if changes.startswith("none")}
    assert unchanged == {name for name in steps(PIPELINE) if EXACTNESS[name] is Exactness.EXACT}


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        ({"prune_below": 0.5}, "detect-block-diagonal{prune_below=0.5}"),
        ({"monarch": "paper", "monarch_budget": 0.2}, 'project-monarch{blocks="paper" budget=0.2}'),
        ({"monarch": 4, "calibrate": Path("x.npz")}, 'project-monarch{blocks=4 calibration="x.npz"}'),
        ({"monarch": "8,rank=2"}, "project-monarch{blocks=8 rank=2}"),
        ({"calibrate": "x.npz"}, 'quantize{activations="static" calibration="x.npz"}'),
        ({"activations": "tensor"}, 'quantize{activations="tensor"}'),
        (
            {"weight_bits": 4, "weight_group": 128, "activation_bits": 6},
            "quantize{weight_bits=4 weight_group=128 activation_bits=6}",
        ),
        ({"weight_bits": "auto", "quality_budget": 0.1}, 'quantize{weight_bits="auto" quality_budget=0.1}'),
        ({"activations": "token", "calibrate": "./x.npz"}, 'quantize{calibration="x.npz"}'),
        ({"mapping": "linear"}, 'place-tiles{mapping="linear"}'),
        ({"objective": "latency"}, 'place-tiles{objective="latency"}'),
        ({"lossy": 4}, "schedule-arrays{lossy=4}"),
    ],
)
def test_options_reach_their_passes(options: Mapping[str, Any], spec: str):
    assert spec in [str(one) for one in passes_of(PIPELINE, UserOptions(**options))]


def test_passes_and_users_have_the_same_defaults():
    for step in PIPELINE:
        if step.of is not ProjectMonarchPass:  # which runs only on request
            assert step.passes(UserOptions()) == (step.of(),)
    assert passes_of(STRUCTURE, UserOptions(monarch="auto"))[3] == ProjectMonarchPass()


def test_after_the_network_is_final_not_a_bit_changes():
    assert QuantizePass.name not in steps(STRUCTURE)
    assert QuantizePass.name in steps(NUMBERS)
    assert {EXACTNESS[name] for name in steps(CHIP)} == {Exactness.EXACT}
