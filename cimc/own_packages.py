"""A guard: `dialects` and `passes` are packages of ours, whose names a user's own file may bear."""

import sys
from importlib.util import find_spec
from pathlib import Path

NAMES = ("dialects", "passes")


def check_own_packages() -> None:
    """ImportError, in one line, if something of the user's hides one of our packages.

    Python looks into the folder of the running script first: a file passes.py there would be imported instead of ours,
    and fail far from its cause.
    """
    ours = Path(__file__).resolve().parents[1]
    for name in NAMES:
        spec = find_spec(name)
        places = [] if spec is None else [spec.origin] if spec.origin else [*(spec.submodule_search_locations or ())]
        own = ours / name
        if not places:
            raise ImportError(f"cimc is not whole: its package {name} is missing from {ours}: install cimc anew")
        for place in map(Path, filter(None, places)):
            if own not in (place.resolve(), place.resolve().parent):
                loaded = "was imported before" if name in sys.modules else "hides it"
                raise ImportError(
                    f"cimc has a package {name} of its own, in {own}, but {place} {loaded}: "
                    "rename that file or folder, or start Python elsewhere"
                )
