"""ONNX node names as locations: `loc("/h.0/mlp/c_fc/MatMul")` through all passes, messages and listings."""

from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr, UnknownLoc
from xdsl.ir import Operation

from dialects.texts import escaped, unescaped


def location(name: str) -> NameLoc:
    """The location `loc("name")`, in ASCII (see dialects/texts.py)."""
    return NameLoc(StringAttr(escaped(name)), NoneAttr())


def node_name(op: Operation) -> str:
    """The ONNX node that `op` comes from, or its own name where that is not known."""
    place = op.location
    return unescaped(place.desc.data) if isinstance(place, NameLoc) else op.name


def is_lost(op: Operation) -> bool:
    """Whether `op` does not say which node it comes from."""
    return type(op.location) is UnknownLoc
