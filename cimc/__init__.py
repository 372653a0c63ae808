"""A compiler for analog compute-in-memory chips.

    import cimc

    program = cimc.compile("model.onnx", reference="ref.onnx")
    outputs = program.run({"x": x})                       # quick from the second run on
    print(program.check("ref.onnx", {"x": x}))            # every bit, against ONNX Runtime
    print(program.accuracy({"x": x}))                     # how far from the model that was compiled
    report = program.report()                             # arrays, time, energy, area; report.rows() by layer
    program.save("prog.cim")
    program = cimc.Program.load("prog.cim")

compile, Program, Report, Conditions     a network, its program, what that needs of the chip
Machine, Session                         programs that are kept ready: for many runs, for text
Comparison, Distance, Reference          results of checks, and a network in ONNX Runtime to check with
load_tokens, evaluate, run_sweep         text as tokens, how well a program predicts it, many chips at once
Error, UserError, ProgramError           what is wrong, in one line; Error is all of them

docs/python.md describes all of it.
"""

from typing import TYPE_CHECKING, Any

from cimc.own_packages import check_own_packages

if TYPE_CHECKING:
    from cimc.api.compiling import compile
    from cimc.api.program import Program
    from cimc.api.report import Report
    from cimc.distance import Distance
    from cimc.language.checking import Check, Difference
    from cimc.language.session import Session
    from cimc.language.tokens import load_tokens
    from cimc.machine.check import Comparison, Reference
    from cimc.machine.machine import Machine
    from cimc.options.conditions import Conditions
    from cimc.program.errors import ProgramError
    from dialects.errors import Error, UserError

    __version__: str

check_own_packages()

__all__ = [
    "Check",
    "Comparison",
    "Conditions",
    "Difference",
    "Distance",
    "Error",
    "Machine",
    "Program",
    "ProgramError",
    "Reference",
    "Report",
    "Session",
    "UserError",
    "compile",
    "load_tokens",
]

_HOMES = {
    "cimc.api.compiling": ("compile",),
    "cimc.api.program": ("Program",),
    "cimc.api.report": ("Report",),
    "cimc.distance": ("Distance",),
    "cimc.language.checking": ("Check", "Difference"),
    "cimc.language.session": ("Session",),
    "cimc.language.tokens": ("load_tokens",),
    "cimc.machine.check": ("Comparison", "Reference"),
    "cimc.machine.machine": ("Machine",),
    "cimc.options.conditions": ("Conditions",),
    "cimc.program.errors": ("ProgramError",),
    "dialects.errors": ("Error", "UserError"),
}
"""Where each name stands: it is loaded when it is first used, so that nobody waits for what he does not need."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        return _version()
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'cimc' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__file__", "__name__", "__path__", "__version__"]


def _version() -> str:
    """The version, as installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cimc")
    except PackageNotFoundError:
        return "not installed"
