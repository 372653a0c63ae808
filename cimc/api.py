"""The Python interface: `cimc.compile(model) -> Program`, `Program.save/load/run/report`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from cimc.compiler import Options, compile_network
from cimc.hardware.library import DEFAULT_CHIP
from cimc.machine.machine import Machine
from cimc.program import program as files
from cimc.report.cost.program_cost import DECODE, Conditions
from cimc.report.report import Report, report_of
from cimc.whole_file import whole_file
from dialects.errors import UserError


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

    def report(self, conditions: Conditions = DECODE) -> Report:
        """What the program needs of the chip, by layer; for one token after a context if nothing else is asked."""
        return report_of(self, conditions)

    def save_page(
        self,
        path: str | os.PathLike[str],
        *,
        beside: Mapping[str, "Program"] | None = None,
        conditions: Conditions = DECODE,
    ) -> None:
        """Write the report as one page to look at; `beside` are programs to compare with, by the names to show."""
        from cimc.report.page.page import page_of  # plotting takes a quarter of a second to import
        from cimc.report.study import studies_of

        name = Path(self.source.file).stem or "program"
        own = f"{name}, {self.mapping}" if beside and name in beside else name
        page = page_of(studies_of({own: self, **(beside or {})}, conditions))
        with whole_file(path, UserError) as new:
            new.write_text(page, encoding="utf-8")


def compile(
    model: str | os.PathLike[str],
    *,
    chip: str | os.PathLike[str] = DEFAULT_CHIP,
    mapping: str = "spread",
    objective: str = "arrays",
    lossy: int = 0,
    arrays: int | None = None,
    dims: Mapping[str, int] | None = None,
    activations: str | None = None,
    calibrate: str | os.PathLike[str] | None = None,
    keep_ir: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    reference_float: str | os.PathLike[str] | None = None,
    monarch: int | str | None = None,
    monarch_budget: float = 0.1,
    prune_below: float = 0.0,
    verify_each: bool = False,
    time_limit: float | None = None,
) -> Program:
    """Compile the ONNX file `model`; the options are those of the command `cimc`.

    Raises UserError, one line with file, node and what to do, for everything that is wrong with model or options.
    """
    options = Options(
        chip=chip if isinstance(chip, str) else Path(chip),
        mapping=mapping,
        objective=objective,
        lossy=lossy,
        arrays=arrays,
        dims=dims or {},
        activations=activations,
        calibrate=None if calibrate is None else Path(calibrate),
        keep_ir=None if keep_ir is None else Path(keep_ir),
        reference=None if reference is None else Path(reference),
        reference_float=None if reference_float is None else Path(reference_float),
        monarch=monarch,
        monarch_budget=monarch_budget,
        prune_below=prune_below,
        verify_each=verify_each,
        measure=False,
        time_limit=time_limit,
    )
    return _with_methods(compile_network(Path(model), options).program)


def _with_methods(program: files.Program) -> Program:
    return Program(**vars(program))
