"""A compiler for analog compute-in-memory chips.

    import cimc

    program = cimc.compile("model.onnx", reference="ref.onnx")
    outputs = program.run({"x": x})                       # quick from the second run on
    print(program.check("ref.onnx", {"x": x}))            # every bit, against ONNX Runtime
    print(program.accuracy({"x": x}))                     # how far from the model that was compiled
    report = program.report()                             # arrays, time, energy, area; report.rows() by layer
    program.save("prog.cim")
    program = cimc.Program.load("prog.cim")

compile, Program, Report, Conditions   a network, its program, what that needs of the chip, and for which run
Machine, Session                       programs that are kept ready: for many runs, for writing text
Reference, Comparison, Distance        a network in ONNX Runtime, and what comparing with one gives
Check, Difference, onnx_context        to compare every step of a session, and to run an ONNX network as one
load_tokens, evaluate, Evaluation      text as tokens, and how well a program predicts it
run_sweep                              many chips, mappings and block counts at once
Error, UserError, ProgramError         what is wrong, in one line; Error is all of them

docs/python.md describes all of it.
"""

from typing import TYPE_CHECKING, Any

from cimc.own_packages import check_own_packages

if TYPE_CHECKING:
    from cimc.api.compiling import compile
    from cimc.api.evaluation import evaluate
    from cimc.api.program import Program
    from cimc.api.report import Report
    from cimc.api.sweeps import run_sweep
    from cimc.distance import Distance
    from cimc.language.checking import Check, Difference
    from cimc.language.onnx_context import onnx_context
    from cimc.language.quality.evaluation import Evaluation
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
    "Evaluation",
    "Machine",
    "Program",
    "ProgramError",
    "Reference",
    "Report",
    "Session",
    "UserError",
    "compile",
    "evaluate",
    "load_tokens",
    "onnx_context",
    "run_sweep",
]

_HOMES = {
    "cimc.api.compiling": ("compile",),
    "cimc.api.evaluation": ("evaluate",),
    "cimc.api.program": ("Program",),
    "cimc.api.report": ("Report",),
    "cimc.api.sweeps": ("run_sweep",),
    "cimc.distance": ("Distance",),
    "cimc.language.checking": ("Check", "Difference"),
    "cimc.language.quality.evaluation": ("Evaluation",),
    "cimc.language.onnx_context": ("onnx_context",),
    "cimc.language.session": ("Session",),
    "cimc.language.tokens": ("load_tokens",),
    "cimc.machine.check": ("Comparison", "Reference"),
    "cimc.machine.machine": ("Machine",),
    "cimc.options.conditions": ("Conditions",),
    "cimc.program.errors": ("ProgramError",),
    "dialects.errors": ("Error", "UserError"),
}
"""Where each name stands: it is loaded when it is first used, so that nobody waits for what he does not need."""


def _loaded(name: str) -> Any:
    """A name when it is first used."""
    from importlib import import_module

    if name == "__version__":
        return import_module("cimc.installed").installed_version()
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'cimc' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


if not TYPE_CHECKING:  # to which it would say that there is every name
    __getattr__ = _loaded


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__file__", "__name__", "__path__", "__version__"]
