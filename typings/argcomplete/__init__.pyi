"""Types of what cimc uses of argcomplete."""

import argparse
from collections.abc import Callable
from typing import Any

def autocomplete(argument_parser: argparse.ArgumentParser, *, default_completer: Callable[..., Any] = ...) -> None: ...
