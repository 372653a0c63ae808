"""What passes have to tell the user of a network, kept on the module: it comes out again in reports."""

from collections.abc import Mapping
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FloatAttr, IntegerAttr, ModuleOp, StringAttr, f64, i64
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from dialects.texts import escaped, unescaped

_LAYERS = "cim.layer_notes"
_PERMUTATIONS = "cim.permutations_before_folding"
_DENSE = "cim.dense_weights"

Note = Mapping[str, str | float]
"""`node` (the ONNX node) and what is said of it, texts and numbers by name."""


def add_layer_note(module: ModuleOp, node: str, **said: str | float) -> None:
    """Say something of the multiplication of an ONNX node."""
    entry: dict[str, Attribute] = {"node": StringAttr(escaped(node))}
    for name, value in said.items():
        entry[name] = StringAttr(escaped(value)) if isinstance(value, str) else FloatAttr(value, f64)
    known = module.attributes.get(_LAYERS)
    before = cast("ArrayAttr[DictionaryAttr]", known) if isinstance(known, ArrayAttr) else ()
    module.attributes[_LAYERS] = ArrayAttr([*before, DictionaryAttr(entry)])


def layer_notes(module: ModuleOp) -> list[Note]:
    """What was said of multiplications, in order."""
    known = module.attributes.get(_LAYERS)
    return [_plain(entry) for entry in known] if isa(known, ArrayAttr[DictionaryAttr]) else []


def _plain(entry: DictionaryAttr) -> Note:
    found: dict[str, str | float] = {}
    for name, value in entry.data.items():
        if isinstance(value, StringAttr):
            found[name] = unescaped(value.data)
        elif isinstance(value, FloatAttr):
            found[name] = value.value.data
    return found


def note_permutations(module: ModuleOp, count: int) -> None:
    """Say how many permutations were executed before they were folded."""
    module.attributes[_PERMUTATIONS] = IntegerAttr(count, i64)


def permutations_before_folding(module: ModuleOp) -> int | None:
    """How many permutations were executed before they were folded; None if nothing was folded."""
    found = module.attributes.get(_PERMUTATIONS)
    return found.value.data if isinstance(found, IntegerAttr) else None


def note_dense_weights(module: ModuleOp, count: int) -> None:
    """Say how many weights the network's multiplications would have if all were dense matrices."""
    module.attributes[_DENSE] = IntegerAttr(count, i64)


def dense_weights(module: ModuleOp) -> int | None:
    """How many weights the network's multiplications would have as dense matrices; None if nobody said."""
    found = module.attributes.get(_DENSE)
    return found.value.data if isinstance(found, IntegerAttr) else None
