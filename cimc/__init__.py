"""A compiler for analog compute-in-memory chips.

`cimc.compile(model) -> Program`, `Program.save/load/run/generate/report`, `Session`; see `cimc.api`.
"""

from typing import TYPE_CHECKING, Any

from cimc.own_packages import check_own_packages

if TYPE_CHECKING:
    from cimc.api import Program, compile
    from cimc.language.session import Session
    from cimc.program.errors import ProgramError
    from dialects.errors import UserError

check_own_packages()

__all__ = ["Program", "ProgramError", "Session", "UserError", "compile"]


def __getattr__(name: str) -> Any:
    """Load the interface when it is first used: `cimc --help` should not wait for numpy and xDSL."""
    if name not in __all__:
        raise AttributeError(f"module 'cimc' has no attribute {name!r}")
    from importlib import import_module

    elsewhere = {
        "ProgramError": "cimc.program.errors",
        "Session": "cimc.language.session",
        "UserError": "dialects.errors",
    }
    return getattr(import_module(elsewhere.get(name, "cimc.api")), name)
