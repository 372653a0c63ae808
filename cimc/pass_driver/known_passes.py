"""All passes by name: cimc's, xDSL's, and those of other packages; each loaded when it is asked for."""

from collections.abc import Callable

from xdsl.passes import ModulePass, PassPipeline
from xdsl.universe import Universe
from xdsl.utils.arg_spec import parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError

from cimc.pass_driver.plugins import Plugin, plugins
from cimc.universe import PASSES
from dialects.errors import UserError

PassFactory = Callable[[], type[ModulePass]]
OURS: dict[str, PassFactory] = {pass_type.name: lambda pass_type=pass_type: pass_type for pass_type in PASSES}
"""The passes of cimc itself."""


def known_passes() -> dict[str, PassFactory]:
    """What gives the class of a pass, by the name of the pass: ours, those of other packages, xDSL's."""
    known = OURS | {name: make for name, make in Universe.get_multiverse().all_passes.items() if name not in OURS}
    for plugin in plugins():
        known[plugin.name] = _clash(plugin) if plugin.name in known else plugin.load
    return known


def _clash(plugin: Plugin) -> PassFactory:
    def refuse() -> type[ModulePass]:
        raise UserError(
            f"pass {plugin.name}: there is one of this name besides that of the package {plugin.package}: "
            "expected another name for its entry point"
        )

    return refuse


def parse_passes(text: str, known: dict[str, PassFactory] | None = None) -> tuple[ModulePass, ...]:
    """The passes that a text names, `pass,pass{option=value}`, of those that are known: all, if nothing else is said.

    Raises UserError, one line, if there is no such pass, or it has no such options.
    """
    try:
        specs = list(parse_pipeline(text))
    except ArgSpecParseError as error:
        raise UserError(f"passes {text!r}: {' '.join(str(error).split())}") from error
    if known is None:
        known = known_passes()
    for spec in specs:
        if spec.name not in known:
            usual = ", ".join(pass_type.name for pass_type in PASSES)
            raise UserError(f"unknown pass {spec.name!r}: expected {usual}, or another that cim-opt --help lists")
    try:
        return PassPipeline.parse_spec(known, text).passes
    except ValueError as error:  # options
        raise UserError(f"passes {text!r}: {error}") from error
