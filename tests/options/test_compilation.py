"""What stands once and is used everywhere."""

import re

from cimc.commands.compile_model import GROUPS
from cimc.commands.sweep import COMPILATION
from cimc.distance import MEASURING_SECONDS
from cimc.options.compilation import UserOptions
from cimc.options.spelling import options_of
from cimc.sweep.grid import AXES
from dialects.semantics.onnx_runtime import SECONDS


def test_every_field_is_an_option():
    assert list(options_of(UserOptions)) == list(vars(UserOptions()))


def test_options_of_no_group_are_about_checks():
    grouped = {name for names in GROUPS.values() for name in names}
    assert set(options_of(UserOptions)) - grouped == {"time_limit", "measure", "require_coverage", "verify_each"}


def test_help_tells_the_time_limits_that_hold_without_one():
    text = options_of(UserOptions)["time_limit"].help
    assert re.findall(r"\d+", text) == [f"{MEASURING_SECONDS:g}", f"{SECONDS:g}"]


def test_grids_have_the_defaults_of_the_options():
    """Or those that the command line gives for all points."""
    for name, axis in AXES.items():
        default = None if name in COMPILATION else getattr(UserOptions, name)
        assert axis.default == (0 if name == "monarch" and default is None else default), name  # TOML has no None
