"""The order of the passes, and what is said of each of them."""

from cimc.pipeline import (
    EXACTNESS,
    LEGAL_AFTER,
    Exactness,
    chip_passes,
    number_passes,
    pipeline,
    structure_passes,
)
from cimc.universe import PASSES, UNIVERSE, make_context
from dialects.weights import store_of
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.quantize import QuantizePass


def test_every_pass_says_how_much_it_may_change():
    assert {one.name for one in PASSES} == set(EXACTNESS)
    assert {one.name for one in pipeline()} <= set(EXACTNESS)
    assert set(LEGAL_AFTER) <= set(EXACTNESS)


def test_every_pass_can_be_run_by_name():
    assert UNIVERSE.all_passes.keys() == {one.name for one in PASSES}
    assert all(UNIVERSE.all_passes[one.name]() is one for one in PASSES)


def test_options_reach_their_passes():
    specs = [str(one) for one in pipeline(mapping="linear", activations="static", calibration="x.npz")]
    assert 'quantize{activations="static" calibration="x.npz"}' in specs
    assert specs[-3:] == ["tile-blocks", 'place-tiles{mapping="linear"}', "schedule-arrays"]


def test_after_the_network_is_final_not_a_bit_changes():
    assert QuantizePass.name not in [one.name for one in structure_passes(monarch=ProjectMonarchPass())]
    assert QuantizePass.name in [one.name for one in number_passes()]
    assert {EXACTNESS[one.name] for one in chip_passes()} == {Exactness.EXACT}


def test_every_context_has_a_weight_store_of_its_own():
    assert store_of(make_context()) is not store_of(make_context())
    dialects = [UNIVERSE.all_dialects["cim"]() for _ in range(2)]
    assert dialects[0] is not dialects[1]
    assert sorted(UNIVERSE.all_dialects) == ["array", "cim", "hardware"]
    assert all(factory().name == name for name, factory in UNIVERSE.all_dialects.items())
