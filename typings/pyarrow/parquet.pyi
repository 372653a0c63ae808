"""The part of pyarrow.parquet 26 that cimc uses."""

from os import PathLike
from typing import BinaryIO

from pyarrow import Table

def read_table(source: str | PathLike[str]) -> Table: ...
def write_table(table: Table, where: BinaryIO) -> None: ...
