"""Options from Python are checked as those of a command line are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cimc
from cimc.api.options import checked_options
from cimc.options.compilation import UserOptions

DEFAULTS = vars(UserOptions())


def test_defaults_and_what_is_given() -> None:
    assert checked_options(DEFAULTS) == DEFAULTS
    given = {
        "chip": Path("my.toml"), "arrays": np.int64(3), "lossy": 4, "monarch": "8,rank=2", "monarch_budget": 1,
        "weight_bits": np.int64(4), "weight_group": 128, "activation_bits": 6, "quality_budget": 0.5,
        "dims": {"batch": np.int32(2)}, "mapping": "linear", "verify_each": True,
    }  # fmt: skip
    options = checked_options({**DEFAULTS, **given, "something": "else"})
    assert options == {**DEFAULTS, **given}
    assert (type(options["arrays"]), type(options["dims"]["batch"])) == (int, int), "JSON knows no others"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("mapping", "square", r"mapping='square' is unknown: expected one of spread, densemap, sparsemap, linear"),
        ("activations", 8, r"activations=8 is unknown: expected one of token, tensor, static"),
        ("weight_bits", 5, r"weight_bits=5: expected one of 8, 6, 4, 3, 2, auto"),
        ("weight_group", 1, r"weight_group=1: expected a number of rows of at least 2, or column"),
        ("weight_group", "all", r"weight_group='all': expected a number of rows of at least 2, or column"),
        ("activation_bits", 3, r"activation_bits=3: expected one of 8, 7, 6, 5, 4"),
        ("quality_budget", -1, r"quality_budget=-1: expected a number of at least 0"),
        ("arrays", 0, r"arrays=0: expected a number of at least 1, and at most 2147483647"),
        ("arrays", True, r"arrays=True: expected a number of at least 1"),
        ("lossy", -1, r"lossy=-1: expected a number of at least 1"),
        ("lossy", False, r"lossy=False: expected a number of at least 1"),
        ("monarch", 1, r"monarch=1: expected a number of blocks of at least 2, also with a rank"),
        ("prune_below", float("nan"), r"prune_below=nan: expected a number of at least 0"),
        ("dims", "n=3", r"dims is of type str: expected a dictionary of values by name"),
        ("dims", {"n": 0}, r"dims=\('n', 0\): expected NAME=VALUE with a size of at least 1"),
        ("time_limit", 0, r"time_limit=0: expected a number of seconds above 0"),
        ("verify_each", "yes", r"verify_each='yes': expected True or False"),
        ("chip", 256, r"chip is of type int: expected the path of a file"),
        ("keep_ir", True, r"keep_ir is of type bool: expected the path of a file"),
    ],
)
def test_mistakes(option: str, value: Any, message: str) -> None:
    with pytest.raises(cimc.UserError, match=f"^{message}"):
        checked_options({**DEFAULTS, option: value})
