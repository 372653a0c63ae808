"""What a program says of the options that it was made with, so that every report of it can repeat them."""

from xdsl.dialects.builtin import ModuleOp

from cimc.files.reasons import reason
from cimc.onnx_import.reader import digest_of
from cimc.options.compilation import UserOptions, path_of
from cimc.options.spelling import options_of
from cimc.pass_driver.pipeline import activations_of
from cimc.program.metadata import Json
from dialects.errors import UserError
from dialects.history import calibration_of

SAID_ELSEWHERE = frozenset(("chip", "arrays", "digital", "encoding", "mapping", "dims"))
"""Options that have a place of their own in a program."""
WITHOUT_EFFECT = frozenset(
    ("keep_ir", "reference", "reference_float", "time_limit", "measure", "require_coverage", "verify_each")
)
"""Options that change nothing about a program."""


def recorded_options(options: UserOptions) -> dict[str, Json]:
    """All other options by name, as they were given or are by default.

    Calibration inputs are told by name and contents, and `activations` are what the inputs make of them. UserError if
    the inputs cannot be read.
    """
    names = [name for name in options_of(UserOptions) if name not in SAID_ELSEWHERE | WITHOUT_EFFECT]
    given: dict[str, Json] = {name: getattr(options, name) for name in names}
    for name in ("passes", "tokens", "reload"):
        if given[name] == getattr(UserOptions, name):
            del given[name]
    return {**given, "activations": activations_of(options), "calibrate": _calibration(options)}


def recorded_of(module: ModuleOp, options: UserOptions) -> dict[str, Json]:
    """As `recorded_options`, for a module that says itself with which inputs it was calibrated."""
    known = calibration_of(module)
    recorded = recorded_options(options)
    return recorded if known is None else {**recorded, "calibrate": {"file": known[0], "digest": known[1]}}


def _calibration(options: UserOptions) -> dict[str, Json] | None:
    file = path_of(options.calibrate)
    if file is None:
        return None
    try:
        return {"file": file.name, "digest": digest_of(file)}
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
