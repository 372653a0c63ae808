"""The inputs of a language model for windows of a text, as calibration takes them."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from cimc.language.context import Context, Run
from cimc.language.ports import Ports
from cimc.language.quality.evaluation import Plan, Text, check_text
from cimc.language.quality.windows import ids_of
from cimc.program.errors import ProgramError


def inputs_for(run: Run, ports: Ports, text: Text, plan: Plan) -> Mapping[str, NDArray[Any]]:
    """The inputs of one run that reads the windows of a text side by side, with nothing before them.

    A window that is shorter than the others is left out. `run` is asked for sizes of a cache that the ports do not say.
    Raises ProgramError for a network that does not read as many tokens or sequences at once.
    """
    if ports.step not in (None, plan.window):
        raise ProgramError(
            f"the network takes {ports.step} token{'s' if ports.step > 1 else ''} at once, and a window has "
            f"{plan.window}: expected a network that reads windows"
        )
    check_text(text, ports, plan)
    windows = [window for window in plan.windows(text, ports) if window.length == plan.window]
    if not windows:
        raise ProgramError(f"the text has {len(text.ids)} tokens, too few: expected at least {plan.window}")
    if ports.batch is not None and len(windows) != ports.batch:
        raise ProgramError(f"the network takes {ports.batch} windows at once, found {len(windows)}: expected as many")
    return Context(ports, run, len(windows)).inputs(ids_of(text.ids, windows))
