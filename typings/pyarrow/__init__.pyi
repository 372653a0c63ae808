"""The part of pyarrow 26 that cimc uses (it has no types of its own)."""

from collections.abc import Mapping, Sequence
from typing import Any

class ArrowException(Exception): ...

class Table:
    column_names: list[str]
    num_rows: int
    def to_pylist(self) -> list[dict[str, Any]]: ...

def table(data: Mapping[str, Sequence[int | float | str | None]]) -> Table: ...
