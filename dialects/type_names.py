"""Names for the types of vectors, which stand in most lines of a network: `!tokens_512_f32` for `tensor<?x?x512xf32>`.

A name says all that its type does, so that it is the same in each text, and two types never have one.
"""

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    TensorType,
)
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

_FORMS = {"?n": "vectors", "??n": "tokens", "?n?n": "heads"}
"""What dimensions that are dynamic or not make: single vectors, vectors of sequences, those cut into heads."""
_PLAIN = IntegerType | BFloat16Type | Float16Type | Float32Type | Float64Type


def name_of_type(type_: TensorType[Attribute]) -> str | None:
    """The name of a type of vectors, `!` included; None for any other type, which stands for itself."""
    shape = type_.get_shape()
    word = _FORMS.get("".join("?" if size == DYNAMIC_INDEX else "n" for size in shape))
    if word is None or not isa(type_.element_type, _PLAIN) or type_ != TensorType(type_.element_type, shape):
        return None
    sizes = "x".join(str(size) for size in shape if size != DYNAMIC_INDEX)
    return f"!{word}_{sizes}_{type_.element_type}"
