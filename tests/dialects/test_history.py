"""What a module says of its past comes back from it."""

from xdsl.dialects.builtin import ModuleOp

from dialects.history import (
    begin_history,
    copy_history,
    fixed_dims,
    note_pass,
    note_sources,
    note_unchanged,
    passes_done,
    sources_of,
    stored_weights,
    unchanged_since,
)


def test_passes_that_ran() -> None:
    module, other = ModuleOp([]), ModuleOp([])
    note_pass(module, "quantize")
    assert passes_done(module) is None
    begin_history(module, {})
    for spec in ("quantize", "quantize", 'place-tiles{mapping="é"}', "quantize"):
        note_pass(module, spec)
    assert passes_done(module) == ["quantize", 'place-tiles{mapping="é"}', "quantize"]
    copy_history(module, other)
    assert passes_done(other) == passes_done(module)
    copy_history(ModuleOp([]), module)
    assert passes_done(module) == passes_done(other)


def test_sizes_that_were_fixed() -> None:
    module = ModuleOp([])
    assert fixed_dims(module) == {}
    begin_history(module, {"n é": 3, "m": 1})
    assert fixed_dims(module) == {"n é": 3, "m": 1}


def test_sources() -> None:
    module = ModuleOp([])
    assert sources_of(module) is None
    note_sources(module, {"rows": "é"})
    assert sources_of(module) == {"rows": "é"}
    note_sources(module, {})
    assert sources_of(module) == {}
    note_sources(module, "pcm-256")
    assert sources_of(module) == "pcm-256"


def test_notes_and_weights() -> None:
    module = ModuleOp([])
    assert unchanged_since(module) is None
    note_unchanged(module, "é.mlir")
    assert unchanged_since(module) == "é.mlir"
    assert stored_weights(module) == {}
