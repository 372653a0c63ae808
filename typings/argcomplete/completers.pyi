"""Types of what cimc uses of argcomplete's completers."""

from collections.abc import Iterable
from typing import Any

class FilesCompleter:
    def __init__(self, allowednames: Iterable[str] = ..., directories: bool = ...) -> None: ...
    def __call__(self, prefix: str, **kwargs: Any) -> list[str]: ...
