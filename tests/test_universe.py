"""What cimc adds to xDSL: every dialect and pass once, and a weight store for each context."""

from cimc.universe import PASSES, UNIVERSE, dialects, make_context
from dialects.weights import WeightStore, store_of


def test_every_pass_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in PASSES}) == len(PASSES)
    assert {name: make() for name, make in UNIVERSE.all_passes.items()} == {kind.name: kind for kind in PASSES}


def test_a_context_knows_our_dialects() -> None:
    known = {dialect.name for dialect in make_context().loaded_dialects}
    assert known == {dialect.name for dialect in dialects()}
    assert UNIVERSE.all_dialects.keys() <= known
    assert {make().name for make in UNIVERSE.all_dialects.values()} == UNIVERSE.all_dialects.keys()


def test_contexts_share_no_weights() -> None:
    store = WeightStore()
    assert store_of(make_context(store)) is store
    assert store_of(make_context()) is not store_of(make_context())
