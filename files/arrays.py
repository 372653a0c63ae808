"""Reads .npz files: arrays by name, as numpy.savez writes them."""

import os
import zipfile
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray


class DamagedArchive(Exception):
    """What is no .npz file, or one that cannot be read to its end; the text is the reason, without the file's name."""


class NoArchive(DamagedArchive):
    """What is no archive at all."""


def read_arrays(file: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, by name.

    Raises OSError if it cannot be read, and DamagedArchive for whatever is wrong with its contents.
    """
    try:
        with open(file, "rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise NoArchive("expected arrays saved by numpy.savez")
        with np.load(file, allow_pickle=False) as archive:
            return {name: _array(archive[name]) for name in archive.files}
    except (OSError, NoArchive):
        raise
    except Exception as error:  # zipfile, zlib and numpy raise many unrelated types for a damaged file
        raise DamagedArchive(str(error) or type(error).__name__) from error


def _array(found: object) -> NDArray[Any]:
    if not isinstance(found, np.ndarray):  # numpy hands out the bytes of files that are no arrays
        raise ValueError("it holds files that are no arrays")
    return cast(NDArray[Any], found)
