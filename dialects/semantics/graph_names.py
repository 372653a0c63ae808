"""The names of an ONNX graph that is being written, and its initializers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from onnx import TensorProto, numpy_helper

from dialects.element_types import Array, onnx_type_of
from dialects.semantics.outlined import LARGE, Later

_OUTSIDE = re.compile(r"constant\d+")
"""What constants are called that whoever runs the graph hands over (docs/file-format.md)."""


External = Callable[[Array, str | None], str | None]
"""Called with a constant and its digest, where that is known: the name of one that is not to stand in the graph."""


@dataclass
class GraphNames:
    """Gives every value and node of one graph a name of its own, and keeps the initializers.

    `external` may take a large constant over: it gives the name under which whoever runs the graph finds it.
    With `later`, a table to be filled, large forms of weights are made by whoever runs or writes the graph.
    """

    external: External = lambda array, digest: None
    later: dict[str, Later] | None = None
    initializers: dict[str, TensorProto] = field(default_factory=dict[str, TensorProto])
    _taken: dict[str, int] = field(default_factory=dict[str, int])
    _nodes: dict[str, int] = field(default_factory=dict[str, int])
    _known: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])
    """The initializers by what they stand for: a form of a weight, and its symbol."""

    def reserve(self, name: str) -> None:
        """Keep `name` for a value that is to have just that name."""
        self._taken.setdefault(name, 0)

    def fresh(self, wish: str) -> str:
        """A name that no other value in the graph has, nor any constant from outside."""
        return _fresh(f"{wish}_" if _OUTSIDE.fullmatch(wish) else wish, self._taken)

    def node(self, wish: str) -> str:
        """A name that no other node has: the second that wishes for it is called `name.1`."""
        return _fresh(wish, self._nodes)

    def form(self, form: str, symbol: str, array: Callable[[], Array] | Later) -> str:
        """The name of the initializer for this form of a weight, which is always the same `array()`."""
        if (form, symbol) not in self._known:
            self._known[form, symbol] = self._form(f"@{symbol}{form and '.'}{form}", array)
        return self._known[form, symbol]

    def _form(self, wish: str, array: Callable[[], Array] | Later) -> str:
        if not isinstance(array, Later):
            return self.initializer(wish, array())
        if self.later is None or array.nbytes < LARGE or not array.is_plain:
            return self.initializer(wish, array.make(), array.digest)
        name = self.fresh(wish)
        self.later[name] = array
        self.initializers[name] = external_tensor(name, array)
        return name

    def initializer(self, wish: str, array: Array, digest: str | None = None) -> str:
        """The name of a new initializer, or of the constant from outside that it is."""
        outside = self.external(array, digest)
        if outside is None:
            name = self.fresh(wish)
            self.initializers[name] = numpy_helper.from_array(array, name)
            return name
        if outside not in self.initializers:
            self.initializers[outside] = external_tensor(outside, array)
        return outside


def external_tensor(name: str, array: Array | Later) -> TensorProto:
    """An initializer whose bytes are handed over when the graph is loaded."""
    proto = TensorProto(name=name, data_type=onnx_type_of(array.dtype), dims=array.shape)
    proto.data_location = TensorProto.EXTERNAL
    entry = proto.external_data.add()
    entry.key, entry.value = "location", "constants"
    return proto


def _fresh(wish: str, taken: dict[str, int]) -> str:
    """`wish`, or `wish.N` if that is taken; `taken` tells how often each name was wished for again."""
    name = wish
    while name in taken:
        taken[wish] += 1
        name = f"{wish}.{taken[wish]}"
    taken[name] = 0
    return name
