"""Programs as Python has them: to run, to check, to look at; they load nothing of the compiler for that."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from cimc.api.inputs import Arrays, arrays_of
from cimc.api.intermediate import IntermediateForms, Keep
from cimc.api.models import Model, model_file
from cimc.api.text import Text
from cimc.extras import need
from cimc.file_checks import check_readable
from cimc.files.whole_file import whole_file
from cimc.language.session import MAX_TOKENS, Session
from cimc.machine.check import Comparison, compare, run_reference
from cimc.machine.fast.engine import default_threads
from cimc.machine.inputs import random_inputs
from cimc.machine.machine import EngineName, Machine
from cimc.options.conditions import DECODE, Conditions
from cimc.program import program as files
from cimc.program.errors import ProgramError
from cimc.program.listing import array_lines, header_lines, listing_lines
from cimc.program.one_line import one_line
from cimc.program.port_names import lengths_of_caches
from dialects.errors import UserError

if TYPE_CHECKING:
    from cimc.api.report import Report
    from cimc.distance import Distance

View = Literal["listing", "header", "arrays"]
_VIEWS = {"listing": listing_lines, "header": header_lines, "arrays": array_lines}


@dataclass(eq=False, repr=False)
class Program(files.Program):
    """A compiled network: run it, check it bit for bit, see what it needs of the chip, save it.

    Its parts (`chip`, `arrays`, `instructions`, ...; docs/file-format.md) can be read, and replaced as a whole
    (`dataclasses.replace`); arrays are read-only, so that a machine that is kept is always that of the program. It
    can be copied, pickled, and used by several threads at once.
    """

    model: Model | None = field(default=None, kw_only=True)
    """What it was compiled from in this process, else None."""
    file: Path | None = field(default=None, kw_only=True)
    """The file that it was loaded from."""
    _keep_ir: Keep | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._lock = Lock()
        self._machines: dict[str, Machine] = {}
        self._threads = 0
        self._ir = IntermediateForms(self._keep_ir)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _PARTS:
            value = _fixed(value)
            self.__dict__.get("_machines", {}).clear()
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Its parts; no machine, and of its model the path only."""
        model = os.fspath(self.model) if isinstance(self.model, str | os.PathLike) else None
        return {**{name: getattr(self, name) for name in _PARTS}, "model": model, "file": self.file, "_keep_ir": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.__post_init__()

    def __repr__(self) -> str:
        name = one_line(self.source.file) or "without a name"
        counts = (
            _count(len(self.arrays), "array") + f" by {self.mapping}",
            _count(len(self.multiplications), "multiplication"),
            _count(len(self.instructions), "record"),
        )
        return f"<cimc.Program {name} on {one_line(self.chip.name)}: {', '.join(counts)}>"

    def _repr_html_(self) -> str:
        from cimc.api.html import brief_list, shown_as_html  # imports what running a program does not need
        from cimc.program.listing import value_text

        rows = {
            "chip": f"{self.chip.name}: arrays of {self.chip.rows}x{self.chip.columns}",
            "arrays": f"{len(self.arrays):,}, by {self.mapping}",
            "multiplications": f"{len(self.multiplications):,}, by {len(self.weights):,} weights",
            "tiles": f"{len(self.tiles):,}",
            "records": f"{len(self.instructions):,} in {len(self.stages):,} stages",
            "inputs": brief_list(map(value_text, self.inputs)),
            "outputs": brief_list(map(value_text, self.outputs)),
        }
        return shown_as_html(one_line(self.source.file) or "program", rows, self)

    @staticmethod
    def load(path: str | os.PathLike[str], *, verify_digest: bool = True) -> "Program":
        """Map a program file; `verify_digest` reads all of it to see that it is undamaged.

        Raises ProgramError, naming the file, if it is damaged or no program.
        """
        return from_parts(files.Program.load(path, verify_digest=verify_digest), file=Path(path).absolute())

    def run(
        self, inputs: Arrays, *, engine: EngineName = "fast", threads: int | None = None, keep: bool = True
    ) -> dict[str, NDArray[Any]]:
        """The outputs by name, to the last bit what ONNX Runtime gives for the reference.

        The first run makes a machine ready, which is kept for those that follow (see `machine`); with `keep=False`
        it is one that needs little memory, takes longer, and is forgotten. Raises ProgramError, saying what the
        program takes, for inputs of other names, types or shapes.
        """
        arrays = arrays_of(self, inputs)
        machine = self.machine(engine=engine, threads=threads) if keep else self._machine(engine, threads, False)
        return machine.run(arrays)

    def machine(self, *, engine: EngineName = "fast", threads: int | None = None) -> Machine:
        """The machine that `run` uses: its cells and kernels take about as much memory as the program once more.

        One for each engine is kept: `fast`, with so many `threads` (by default $CIMC_THREADS, or all cores; a change
        makes another machine), and `reference`, the definition in plain Python integers. After a run it knows how many
        conversions it made and how many clipped. `release` forgets them.
        """
        wanted = default_threads() if threads is None else threads
        with self._lock:
            machine = self._machines.get(engine)
            if machine is None or (engine == "fast" and self._threads != wanted):
                self._machines.pop(engine, None)  # its memory is free before there is another
                machine = self._machines[engine] = self._machine(engine, wanted, True)
                self._threads = wanted if engine == "fast" else self._threads
            return machine

    def _machine(self, engine: EngineName, threads: int | None, keep: bool) -> Machine:
        if engine not in ("fast", "reference"):
            raise UserError(f"engine {engine!r} is unknown: expected fast or reference")
        return Machine(self, engine, keep=keep, threads=threads)

    def release(self) -> None:
        """Forget the machines that were kept, and give their memory back."""
        with self._lock:
            self._machines.clear()

    def random_inputs(self, seed: int = 0, dims: Mapping[str, int] | None = None) -> dict[str, NDArray[Any]]:
        """Made-up inputs as `cim-run` takes them: standard normal floats, small integers.

        `dims` are the sizes of symbolic dimensions by name; the others are 1 where they come first in their input,
        and 16. Raises ProgramError for sizes that no input has.
        """
        return random_inputs(self.inputs, seed, dims)

    def check(
        self,
        reference: Model,
        inputs: Arrays | None = None,
        *,
        as_is: bool = False,
        engine: EngineName = "fast",
        threads: int | None = None,
    ) -> Comparison:
        """Run the program and an ONNX network in ONNX Runtime, and compare every bit; true if all are the same.

        `reference` is what `compile` wrote as such, or any network of the same inputs, made-up ones by default;
        `as_is` runs it untouched, saturating products of 8-bit integers and all. The result is true or false, and as
        text what `cim-run --check` prints.
        """
        arrays = arrays_of(self, self.random_inputs() if inputs is None else inputs)
        outputs = self.run(arrays, engine=engine, threads=threads)
        with model_file(reference, "reference") as file:
            check_readable(file)
            if as_is:
                return compare(outputs, run_reference(file, arrays))
            from cimc.original import run_original  # imports onnx, which a program without a check does not need

            expected, rewritten = run_original(file, arrays)
        return replace(compare(outputs, expected), rewritten=rewritten)

    def accuracy(self, inputs: Arrays | None = None, original: Model | None = None) -> "Distance":
        """How far the outputs are from those of the original network: cosine, largest difference; as text one line.

        The original is the model that was compiled, where this process knows it, or an unchanged file of its name in
        the current folder or beside the program; else give it. Inputs are made-up ones by default (of a language
        model without a text before), which say little: take some that the network is made for. Raises UserError if
        there is no original.
        """
        from cimc.distance import distance_of  # these import onnx and more, which running a program does not need
        from cimc.original import run_original

        arrays, outputs = self._tried() if inputs is None else (arrays_of(self, inputs), self.run(inputs))
        with model_file(self._original() if original is None else original, "original") as file:
            check_readable(file)
            expected, rewritten = run_original(file, arrays)
        if expected.keys() != outputs.keys():
            names, own = (", ".join(map(one_line, entry)) or "none" for entry in (expected, outputs))
            raise UserError(f"the original has outputs {names}: expected those of the program, {own}")
        return distance_of(outputs, expected, rewritten)

    def _tried(self) -> tuple[Arrays, Arrays]:
        """Made-up inputs and their outputs: no model ever sees made-up keys and values, so that it gets none."""
        for dims in (dict.fromkeys(lengths_of_caches(self.inputs), 0), {}):
            inputs = self.random_inputs(dims=dims)
            try:
                return inputs, self.run(inputs)
            except ProgramError:
                if not dims:
                    raise
        raise AssertionError("the second attempt returns or raises")

    def _original(self) -> Model:
        from cimc.original import original_of

        folders = [Path(), *([] if self.file is None else [self.file.parent])]
        if isinstance(self.model, str | os.PathLike):
            folders.insert(0, Path(self.model).parent)
        elif self.model is not None:
            return self.model
        file, why = original_of(self.source, folders)
        if file is None:
            raise UserError(f"there is no original to compare with: {why}: give one, original=PATH")
        return file

    def listing(self, view: View = "listing") -> Text:
        """The instructions, one a line (docs/instruction-set.md), to be printed: what `cim-objdump` shows.

        `view` may also be `header`, what the program takes and has, or `arrays`, what lies in which array.
        """
        if view not in _VIEWS:
            raise UserError(f"view {view!r} is unknown: expected one of {', '.join(_VIEWS)}")
        return Text("\n".join(_VIEWS[view](self)))

    @property
    def ir(self) -> IntermediateForms:
        """The module after each pass, by name (`ir["quantize"]`), as text that `cim-opt` reads.

        Of a program that was compiled in this process: the first look compiles it once more, for to write everything
        down takes as long as some passes do. Raises UserError where a program from a file is asked.
        """
        return self._ir

    def report(self, conditions: Conditions = DECODE) -> "Report":
        """What the program needs of the chip, by layer; for one token after a context if nothing else is asked."""
        from cimc.api.report import report_of  # imports much that running a program does not need

        return report_of(self, conditions)

    def save_page(
        self,
        path: str | os.PathLike[str],
        *,
        beside: "Mapping[str, Program] | None" = None,
        conditions: Conditions = DECODE,
    ) -> None:
        """Write the report as one page to look at; `beside` are programs to compare with, by the names to show."""
        need("report", f"{path}: drawing it")
        from cimc.report.page.page import page_of  # plotting takes a quarter of a second to import
        from cimc.report.study import studies_of

        name = Path(self.source.file).stem or "program"
        own = f"{name}, {self.mapping}" if beside and name in beside else name
        page = page_of(studies_of({own: self, **(beside or {})}, conditions))
        with whole_file(path, UserError) as new:
            new.write_text(page, encoding="utf-8")

    def generate(
        self,
        ids: Sequence[int] | NDArray[np.int64],
        *,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Collection[int] = (),
    ) -> Iterator[int]:
        """The tokens that a language model writes after `ids`, as it writes them; ends before one of `stop`.

        The likeliest ones, or with a temperature drawn by chance. To go on afterwards make a `Session` and keep it.
        Raises ProgramError if the program is no language model.
        """
        return Session(self, machine=self.machine()).generate(
            ids, max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed, stop=stop
        )


_PARTS = tuple(part.name for part in fields(files.Program))


def from_parts(
    program: files.Program, *, model: Model | None = None, file: Path | None = None, keep_ir: Keep | None = None
) -> Program:
    """The program with all that Python can do with it."""
    parts = {name: getattr(program, name) for name in _PARTS}
    return Program(**parts, model=model, file=file, _keep_ir=keep_ir)


def _fixed(value: object) -> object:
    """Arrays that nobody writes to, and sequences that nobody appends to."""
    if isinstance(value, np.ndarray):
        array = cast(NDArray[Any], value).view()
        array.flags.writeable = False
        return array
    if isinstance(value, list | tuple):
        return tuple(map(_fixed, cast(Sequence[object], value)))
    return value


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
