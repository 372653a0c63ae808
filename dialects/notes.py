"""What passes have to tell the user of a network, kept on the module: it comes out again in reports."""

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FloatAttr, IntegerAttr, ModuleOp, StringAttr, f64, i64
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from dialects.texts import escaped, unescaped

_LAYERS = "cim.layer_notes"
_PERMUTATIONS = "cim.permutations_before_folding"
_DENSE = "cim.dense_weights"
_APART = "cim.arrays_without_sharing"
_COPIES = "cim.copies_gain"

Note = Mapping[str, str | float]
"""`node` (the ONNX node) and what is said of it, texts and numbers by name."""


class LayerNotes:
    """What one run of a pass says of the multiplications of ONNX nodes: texts and numbers, each by one of `names`.

    It takes the place of what an earlier run said, by these names, of the same nodes, unless that was the same.
    """

    def __init__(self, *names: str):
        self.names = names
        self._nodes: set[str] = set()
        self._said: list[DictionaryAttr] = []

    def look_at(self, node: str) -> None:
        """Take note of a node of which there may be nothing to say any more."""
        self._nodes.add(escaped(node))

    def add(self, node: str, **said: str | float) -> None:
        """Say something of a node."""
        assert set(said) <= set(self.names)
        self.look_at(node)
        entry: dict[str, Attribute] = {"node": StringAttr(escaped(node))}
        for name, value in said.items():
            entry[name] = StringAttr(escaped(value)) if isinstance(value, str) else FloatAttr(value, f64)
        self._said.append(DictionaryAttr(entry))

    def write(self, module: ModuleOp) -> None:
        """Keep on the module what was said."""
        known = module.attributes.get(_LAYERS)
        before = list(known) if isa(known, ArrayAttr[DictionaryAttr]) else []
        now, earlier = _by_node(self._said), _by_node(e for e in before if not e.data.keys().isdisjoint(self.names))
        changed = {node for node in self._nodes if now.get(node) != earlier.get(node)}
        outdated = {entry for node in changed for entry in earlier.get(node, ())}
        kept = [entry for entry in before if entry not in outdated]
        new = [entry for entry in self._said if _node(entry) in changed]
        if changed:
            module.attributes[_LAYERS] = ArrayAttr([*kept, *new])


def _by_node(entries: Iterable[DictionaryAttr]) -> dict[str, list[DictionaryAttr]]:
    entries_of: dict[str, list[DictionaryAttr]] = {}
    for entry in entries:
        entries_of.setdefault(_node(entry), []).append(entry)
    return entries_of


def _node(entry: DictionaryAttr) -> str:
    """The node of an entry, as it is written there."""
    name = entry.data.get("node")
    return name.data if isinstance(name, StringAttr) else ""


def layer_notes(module: ModuleOp) -> list[Note]:
    """What was said of multiplications, in order."""
    known = module.attributes.get(_LAYERS)
    return [_plain(entry) for entry in known] if isa(known, ArrayAttr[DictionaryAttr]) else []


def _plain(entry: DictionaryAttr) -> Note:
    note: dict[str, str | float] = {}
    for name, value in entry.data.items():
        if isinstance(value, StringAttr):
            note[name] = unescaped(value.data)
        elif isinstance(value, FloatAttr):
            note[name] = value.value.data
    return note


def note_permutations(module: ModuleOp, count: int) -> None:
    """Say how many permutations were executed before they were folded.

    Of several such numbers the largest counts: to fold again what was folded before says nothing of the network, and
    a pass in between may have brought more.
    """
    _note_at_least(module, _PERMUTATIONS, count)


def _note_at_least(module: ModuleOp, name: str, count: int) -> None:
    known = module.attributes.get(name)
    before = known.value.data if isinstance(known, IntegerAttr) else count
    module.attributes[name] = IntegerAttr(max(before, count), i64)


def permutations_before_folding(module: ModuleOp) -> int | None:
    """How many permutations were executed before they were folded; None if nothing was folded."""
    count = module.attributes.get(_PERMUTATIONS)
    return count.value.data if isinstance(count, IntegerAttr) else None


def note_dense_weights(module: ModuleOp, count: int) -> None:
    """Say how many weights the network's multiplications would have if all were dense matrices.

    Here, too, the largest number counts: what was found to be zero, or was cut into tiles, is not seen a second time.
    """
    _note_at_least(module, _DENSE, count)


def note_arrays_without_sharing(module: ModuleOp, count: int | None) -> None:
    """Say how many arrays there would be if no two tiles shared a place; None where none do."""
    if count is None:
        module.attributes.pop(_APART, None)
    else:
        module.attributes[_APART] = IntegerAttr(count, i64)


def arrays_without_sharing(module: ModuleOp) -> int | None:
    """How many arrays there would be if no two tiles shared a place; None if nobody said."""
    count = module.attributes.get(_APART)
    return count.value.data if isinstance(count, IntegerAttr) else None


def note_copies_gain(module: ModuleOp, gain: float | None) -> None:
    """Say how many times as soon a vector can follow another as it could without copies of weights; None for none."""
    if gain is None:
        module.attributes.pop(_COPIES, None)
    else:
        module.attributes[_COPIES] = FloatAttr(gain, f64)


def copies_gain(module: ModuleOp) -> float | None:
    """How many times as soon a vector can follow another as it could without copies; None if there are none."""
    gain = module.attributes.get(_COPIES)
    return gain.value.data if isinstance(gain, FloatAttr) else None


def dense_weights(module: ModuleOp) -> int | None:
    """How many weights the network's multiplications would have as dense matrices; None if nobody said."""
    count = module.attributes.get(_DENSE)
    return count.value.data if isinstance(count, IntegerAttr) else None
