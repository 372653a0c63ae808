"""The Python interface: `cimc.compile(model) -> Program`, `Program.save/load/run/generate/report`, `Session`."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from inspect import Signature, cleandoc, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, get_type_hints

import numpy as np
import numpy.typing as npt

from cimc.extras import need
from cimc.files.whole_file import whole_file
from cimc.language.session import MAX_TOKENS, Session
from cimc.machine.machine import Machine
from cimc.options.compilation import File, UserOptions
from cimc.options.conditions import DECODE, Conditions
from cimc.options.spelling import explained, options_of
from cimc.program import program as files
from dialects.errors import UserError

if TYPE_CHECKING:
    from cimc.report.report import Report

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Program(files.Program):
    """A compiled network that can be saved, run and reported on."""

    @staticmethod
    def load(path: str | os.PathLike[str], *, verify_digest: bool = True) -> "Program":
        """Map a program file; raises ProgramError, naming it, if it is damaged or no program."""
        return _with_methods(files.Program.load(path, verify_digest=verify_digest))

    def run(
        self, inputs: Mapping[str, npt.NDArray[Any]], *, engine: Literal["fast", "reference"] = "fast"
    ) -> dict[str, npt.NDArray[Any]]:
        """The outputs by name. For many runs make one `cimc.machine.machine.Machine` and keep it."""
        return Machine(self, engine).run(inputs)

    def generate(
        self,
        ids: Sequence[int] | npt.NDArray[np.int64],
        *,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Collection[int] = (),
    ) -> Iterator[int]:
        """The tokens that a language model writes after `ids`, as it writes them; ends before one of `stop`.

        The likeliest ones, or with a temperature drawn by chance. To go on afterwards, or for several texts, make one
        `Session` and keep it. Raises ProgramError if the program is no language model.
        """
        return Session(self).generate(
            ids, max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed, stop=stop
        )

    def report(self, conditions: Conditions = DECODE) -> "Report":
        """What the program needs of the chip, by layer; for one token after a context if nothing else is asked."""
        from cimc.report.report import report_of  # imports much that running a program does not need

        return report_of(self, conditions)

    def save_page(
        self,
        path: str | os.PathLike[str],
        *,
        beside: Mapping[str, "Program"] | None = None,
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


@dataclass(frozen=True)
class _Call(UserOptions):
    """What `compile` is called with; it does not measure unless it is asked to."""

    model: File
    measure: bool = field(default=False, kw_only=True)


def _called_as(call: Callable[_Given, _Call]) -> Callable[[Callable[[_Call], _Result]], Callable[_Given, _Result]]:
    """Makes a function of a call one that takes what the call is made of.

    So options are parameters, with types, defaults and help, that stand in `UserOptions` and nowhere else: Python has
    no other way to say that a function takes the fields of a dataclass, a TypedDict to unpack would repeat them all.
    """

    def decorate(work: Callable[[_Call], _Result]) -> Callable[_Given, _Result]:
        @wraps(work)
        def called(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            return work(call(*args, **kwargs))

        called.__doc__ = f"{cleandoc(work.__doc__ or '')}\n\n{explained(UserOptions)}"
        setattr(called, "__signature__", _signature(call, signature(work).return_annotation))
        return called

    return decorate


def _signature(call: Callable[..., _Call], result: object) -> Signature:
    """What `help` shows: types without what only a command line needs."""
    types, shown = get_type_hints(call), signature(call)
    parameters = [parameter.replace(annotation=types[parameter.name]) for parameter in shown.parameters.values()]
    return shown.replace(parameters=parameters, return_annotation=result)


@_called_as(_Call)
def compile(call: _Call) -> Program:
    """Compile the ONNX file `model`; the options are those of the command `cimc` (cimc/options/compilation.py).

    Raises UserError, one line with file, node and what to do, for everything that is wrong with model or options.
    """
    from cimc.compiler import Options, compile_network  # takes most of a second, and running a program needs none of it

    options = Options(**{name: getattr(call, name) for name in options_of(UserOptions)})
    return _with_methods(compile_network(Path(call.model), options).program)


def _with_methods(program: files.Program) -> Program:
    return Program(**vars(program))
