"""Files with the machine code of loops, which begin with a digest of the rest: a damaged one counts as none.

They lie beside the sources, or in the user's cache, or where NUMBA_CACHE_DIR says; where none of them may be written,
every process compiles anew. A file's name tells of which sources it was made, and for what processor.
"""

import contextlib
import hashlib
import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

from llvmlite import binding

from cimc.files.whole_file import whole_file
from cimc.program.errors import ProgramError

SOURCES = Path(__file__).parent
FOLDER = "NUMBA_CACHE_DIR"
"""The environment variable with the folder for machine code; numba's own, so that one says it all."""
SUFFIX = ".loop"
DIGEST_BYTES = 32


def kept_code(name: str, signature: str) -> bytes | None:
    """The machine code of a loop; None if there is none, or it cannot be read, or is damaged."""
    for folder in folders():
        file = folder / _file_name(name, signature)
        try:
            content = file.read_bytes()
        except OSError:
            continue
        digest, code = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        if digest == hashlib.sha256(code).digest():
            return code
        say_once(str(folder))
    return None


def keep_code(name: str, signature: str, code: bytes) -> None:
    """Keeps the machine code of a loop, if there is a place for it, and forgets that of other sources."""
    for folder in folders():
        with contextlib.suppress(OSError, ProgramError):  # not ours to write to, or a full disk
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / _file_name(name, signature)
            with whole_file(file, ProgramError) as new:
                new.write_bytes(hashlib.sha256(code).digest() + code)
            for stale in folder.glob(f"*{SUFFIX}"):
                if not stale.name.endswith(f"{digest_of_sources()}{SUFFIX}"):
                    stale.unlink(missing_ok=True)
            return


def folders() -> list[Path]:
    """Where machine code may lie, the best place first."""
    given = os.environ.get(FOLDER)
    if given:
        return [Path(given)]
    cached = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return [SOURCES / "__pycache__", Path(cached) / "cimc"]


def _file_name(name: str, signature: str) -> str:
    content = hashlib.sha256("\n".join([signature, *_compiler()]).encode())
    return f"{name}.{content.hexdigest()[:16]}.{digest_of_sources()}{SUFFIX}"


@cache
def _compiler() -> tuple[str, ...]:
    """What machine code depends on but for its sources: who makes it, and for which processor."""
    settings = [f"{key}={value}" for key, value in sorted(os.environ.items()) if key.startswith("NUMBA_CPU_")]
    features = binding.get_host_cpu_features().flatten()
    versions = (version("numba"), version("llvmlite"))
    return (*versions, binding.get_default_triple(), binding.get_host_cpu_name(), features, *settings)


@cache
def digest_of_sources() -> str:
    """Of every file whose code may be in a loop."""
    sources = sorted(SOURCES.glob("*.py"))
    return hashlib.sha256(b"\n".join(source.read_bytes() for source in sources)).hexdigest()[:16]


@cache
def say_once(folder: str) -> None:
    print(f"cimc: note: machine code kept in {folder} is damaged: compiling it anew", file=sys.stderr)
