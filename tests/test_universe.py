"""What cimc adds to xDSL: every dialect and pass once, and a weight store for each context."""

from cimc.universe import PASSES, UNIVERSE, dialects, make_context
from dialects.weights import WeightStore, store_of


def test_every_pass_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in PASSES}) == len(PASSES)


def test_a_context_knows_our_dialects() -> None:
    known = {dialect.name for dialect in make_context().loaded_dialects}
    assert known == {dialect.name for dialect in dialects()}
    assert UNIVERSE.all_dialects.keys() <= known


def test_every_pass_can_be_run_by_name() -> None:
    assert UNIVERSE.all_passes.keys() == {one.name for one in PASSES}
    assert all(UNIVERSE.all_passes[one.name]() is one for one in PASSES)


def test_every_context_has_a_weight_store_of_its_own() -> None:
    assert store_of(make_context()) is not store_of(make_context())
    made = [UNIVERSE.all_dialects["cim"]() for _ in range(2)]
    assert made[0] is not made[1]
    assert sorted(UNIVERSE.all_dialects) == ["array", "cim", "hardware"]
    assert all(factory().name == name for name, factory in UNIVERSE.all_dialects.items())
    store = WeightStore()
    assert store_of(make_context(store)) is store
