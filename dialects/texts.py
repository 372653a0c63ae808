"""Names of ONNX as texts of the IR, and back, exactly: xDSL reads a text with letters beyond ASCII as bytes.

`é` is `\\u{e9}` in the IR. A backslash stays as it is unless `u{` follows it, where it is written `\\u{5c}`.
"""

import re
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Attribute

_FOREIGN = re.compile(r"[^\x20-\x7e]|\\(?=u\{)")
_ESCAPE = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_LAST_LETTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
"""What Python makes of a file's name that is no UTF-8, and no file can hold; it stays an escape."""


def escaped(text: str) -> str:
    """`text` in printable ASCII."""
    return _FOREIGN.sub(lambda letter: f"\\u{{{ord(letter[0]):x}}}", text)


def unescaped(text: str) -> str:
    """The text that `escaped` made `text` of; what is no escape stays as it is."""
    return _ESCAPE.sub(_letter, text)


def texts_in(attribute: Attribute | None) -> tuple[str, ...] | None:
    """The texts of an array of them, unescaped; None for any other attribute, and for none.

    As `isa` tells, which makes constraints anew for each question: this is asked for each port and each pass.
    """
    if not isinstance(attribute, ArrayAttr):
        return None
    entries = cast(ArrayAttr[Attribute], attribute).data
    texts = tuple(unescaped(entry.data) for entry in entries if isinstance(entry, StringAttr))
    return texts if len(texts) == len(entries) else None


def _letter(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    return chr(code) if code <= _LAST_LETTER and code not in _SURROGATES else escape[0]
