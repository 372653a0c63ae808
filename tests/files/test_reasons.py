"""Why a file cannot be read or written."""

import errno
import os

from cimc.files.reasons import reason


def test_reasons() -> None:
    assert reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT), "x.npz")) == "no such file or directory"
    assert reason(OSError("Is a directory")) == "is a directory"
    assert reason(ValueError("Embedded null byte")) == "embedded null byte"
