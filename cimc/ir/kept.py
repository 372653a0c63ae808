"""IR that is written on the way: to a folder, a file a pass, or to a stream."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.files.reasons import reason
from cimc.files.whole_file import whole_file
from cimc.ir.texts import IrText, IrTexts
from dialects.errors import UserError
from dialects.history import copy_history, note_unchanged, note_weight_files, passes_done, stored_weights
from dialects.weights import check_side_file, store_of, weights_file

_KEPT = re.compile(r"\d\d-[a-z-]+(\.mlir|\.weights\.safetensors)")


@dataclass
class KeepIr:
    """Writes `00-import.mlir`, `01-<pass>.mlir`, ... to a folder, each with the weights that are new beside it.

    What a pass leaves as it was is not written a second time: its file is a note which names that with the IR. A module
    on which passes have run already begins with the last of them.
    """

    folder: Path
    ctx: Context
    _count: int = 0
    _texts: IrTexts = field(default_factory=IrTexts)
    _last: tuple[str, IrText] | None = None
    """The last file that is no note, and what is in it."""
    _places: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """The file with the array of a key and a digest."""

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            old = [path for path in self.folder.iterdir() if _KEPT.fullmatch(path.name)]
            for path in old:
                if path.suffix != ".mlir":
                    check_side_file(path)
            for path in old:
                path.unlink()
        except OSError as error:
            raise UserError(f"{self.folder}: cannot keep IR there: {reason(error)}") from error

    def __call__(self, done: ModulePass | None, module: ModuleOp) -> None:
        file = self._next_name(done, module)
        self._keep_weights(module, file)
        text = self._texts.parts_of(module)
        if self._last is not None and text.is_as(self._last[1]):
            content = note_of(module, self._last[0])
        else:
            self._last, content = (file.name, text), str(text)
        with whole_file(file, UserError) as new:
            new.write_text(content, encoding="utf-8")

    def _next_name(self, done: ModulePass | None, module: ModuleOp) -> Path:
        name = "import" if done is None else done.name
        before = passes_done(module)
        if done is None and before:
            name, self._count = before[-1].partition("{")[0], len(before)
        self._count += 1
        return self.folder / f"{self._count - 1:02}-{name}.mlir"

    def _keep_weights(self, module: ModuleOp, file: Path) -> None:
        """Write the arrays that no file holds yet, and have the module name the files with all of its own."""
        used = stored_weights(module)
        new = {key: digest for key, digest in used.items() if (key, digest) not in self._places}
        if new:
            place = weights_file(file)
            with whole_file(place, UserError) as part:
                store_of(self.ctx).write(part, new)
            self._places |= {entry: place.name for entry in new.items()}
        if used:
            note_weight_files(module, dict.fromkeys(self._places[entry] for entry in used.items()))


def note_of(module: ModuleOp, file: str) -> str:
    """A note that says that a module is as in the file of this name, and which passes have run on it all the same."""
    note = ModuleOp([])
    note_unchanged(note, file)
    copy_history(module, note)
    return f"// unchanged: the IR is that of {file}\n{IrTexts(locations=False).text_of(note)}"


@dataclass
class PrintIr:
    """Prints the module after every pass, with the name of the pass above it; one that changed nothing says so."""

    stream: TextIO
    _last: IrText | None = None

    def __call__(self, done: ModulePass | None, module: ModuleOp) -> None:
        text = IrTexts(locations=False).parts_of(module)
        if done is not None:
            same = text.is_as(self._last)
            self.stream.write(f"// ----- IR after {done}{': unchanged' if same else ''} -----\n")
            self.stream.write("" if same else f"{text}\n")
        self._last = text
