"""English text that comes with every Python: the language reference and the docstrings of the standard library.

The text is that of the running Python, so its size and digest change a little from release to release; `python data.py`
prints them.
"""

import ast
import hashlib
import pydoc_data.topics
import re
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECTION = 2048
"""A section is a run of neighbouring passages of one document, at least so many bytes (the last one may be shorter)."""

VALIDATION_SHARE = 16
"""One section in so many, chosen by digest, is for validation."""

LEFT_OUT = frozenset({"site-packages", "dist-packages", "test", "tests", "idle_test", "distutils", "lib2to3"})
"""Folders not read: not part of the library, tests, and packages that later releases dropped."""


@dataclass(frozen=True)
class Text:
    """Text to learn from, and text to measure with that shares no passage with it."""

    train: bytes
    validation: bytes


def documents() -> Iterator[str]:
    """The topics of pydoc, then for each module of the library all its docstrings, in order of path."""
    for _, topic in sorted(pydoc_data.topics.topics.items()):
        yield topic
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if LEFT_OUT.isdisjoint(path.relative_to(library).parts):
            yield "\n\n".join(docstrings(path.read_bytes()))


def docstrings(source: bytes) -> Iterator[str]:
    """The docstrings of a module, its classes and its functions; none if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def sections() -> Iterator[str]:
    """All documents, cut into sections; a passage (paragraph) that occurred before, however spaced, is left out."""
    seen: set[str] = set()
    for document in documents():
        section: list[str] = []
        size = 0
        for passage in re.split(r"\n[ \t]*\n", document.expandtabs()):
            words = " ".join(passage.split()).casefold()
            if not words or words in seen:
                continue
            seen.add(words)
            section.append("\n".join(line.rstrip() for line in passage.strip("\n").splitlines()))
            size += len(section[-1])
            if size >= SECTION:
                yield "\n\n".join(section) + "\n\n"
                section, size = [], 0
        if section:
            yield "\n\n".join(section) + "\n\n"


def load_text() -> Text:
    """The text, split by content: the digest of a section decides where it goes, so each goes to one place only."""
    train: list[bytes] = []
    validation: list[bytes] = []
    for section in sections():
        content = section.encode()
        chosen = int.from_bytes(hashlib.sha256(content).digest()[:4]) % VALIDATION_SHARE == 0
        (validation if chosen else train).append(content)
    return Text(b"".join(train), b"".join(validation))


if __name__ == "__main__":
    text = load_text()
    for name, content in (("train", text.train), ("validation", text.validation)):
        print(f"{name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:16]}")
