"""The IR of a program after each pass, made when somebody reads it: compiling keeps no texts that nobody asked for."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from cimc.api.text import Text
from dialects.errors import UserError

Keep: TypeAlias = Callable[[Path], None]
"""Leaves the IR of a compilation in a folder, a file `05-quantize.mlir` for each pass."""
_PLACE = re.compile(r"\d+-")
_UNCHANGED = re.compile(r"// unchanged: the IR is that of (.*)\n")


class IntermediateForms(Mapping[str, Text]):
    """The module after the import and after each pass: `ir["05-quantize"]`, or `ir["quantize"]` for its last run.

    It is read from a program that was compiled in this process; that compiles the model once more, the first time.
    """

    def __init__(self, keep: Keep | None) -> None:
        self._keep = keep
        self._texts: dict[str, Text] | None = None
        self._lock = Lock()

    def __getitem__(self, name: str) -> Text:
        texts = self._read()
        if name in texts:
            return texts[name]
        runs = [key for key in texts if _PLACE.sub("", key, count=1) == name]
        if not runs:
            raise UserError(f"there is no IR {name!r}: expected one of {', '.join(texts)}")
        return texts[runs[-1]]

    def __contains__(self, name: object) -> bool:
        return any(name in (key, _PLACE.sub("", key, count=1)) for key in self._read())

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        if self._keep is None:
            return f"<IR: {_NONE}>"
        names = "compiled once more when it is read" if self._texts is None else ", ".join(self._texts)
        return f"<IR after each pass: {names}>"

    def _read(self) -> dict[str, Text]:
        if self._keep is None:
            raise UserError(_NONE)
        with self._lock:
            if self._texts is None:
                with tempfile.TemporaryDirectory(prefix="cimc-") as folder:
                    self._keep(Path(folder))
                    files = sorted(Path(folder).glob("*.mlir"))
                    self._texts = {file.stem: Text(_text_in(file)) for file in files}
            return self._texts


_NONE = (
    "a program from a file has no IR: compile its model with cimc.compile and read .ir there, or give it a folder "
    "with keep_ir"
)


def _text_in(file: Path) -> str:
    """The IR in a file; where that is a note that nothing changed, the IR that it is a note of."""
    text = file.read_text(encoding="utf-8")
    note = _UNCHANGED.match(text)
    return text if note is None else file.with_name(note[1]).read_text(encoding="utf-8")
