"""Every rule with a label (N1, I1, S1, ...) is named by what keeps or checks it, and by a test; no other label is.

Labels are looked for in comments and docstrings. N are those of numerics, I of instructions, S of schedules.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {"N": "numerics.md", "I": "instruction-set.md", "S": "schedules.md"}
LABEL = r"[NIS][1-9]\d*"


def defined(letter: str) -> list[str]:
    """The labels that a page gives its rules, in order."""
    return re.findall(rf"\*\*({letter}[1-9]\d*)\*\*(?! and so on)", (ROOT / "docs" / PAGES[letter]).read_text("utf-8"))


ALL = [label for letter in PAGES for label in defined(letter)]


@cache
def named(*folders: str) -> dict[str, str]:
    """The labels that sources of these folders name, each with a place where."""
    places: dict[str, str] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in remarks(path.read_text("utf-8")) if path != Path(__file__) else ():
                places |= dict.fromkeys(re.findall(rf"\b{LABEL}\b", text), str(path.relative_to(ROOT)))
    return places


def remarks(source: str) -> Iterator[str]:
    """Comments and docstrings, if any label stands in the source at all."""
    if re.search(rf"\b{LABEL}\b", source) is None:
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


@pytest.mark.parametrize("letter", PAGES)
def test_labels_of_a_page_count_from_one(letter: str) -> None:
    labels = defined(letter)
    assert len(labels) >= 10
    assert labels == [f"{letter}{number}" for number in range(1, len(labels) + 1)]


def test_pages_name_labels_that_are() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        text = re.sub(r"^\|.*\|$|`[^`]*`", "", page.read_text("utf-8"), flags=re.MULTILINE)
        assert set(re.findall(rf"\b{LABEL}\b", text)) <= set(ALL), page.name


@pytest.mark.parametrize("label", ALL)
def test_every_rule_has_its_code_and_its_test(label: str) -> None:
    assert label in named("cimc", "dialects", "passes"), f"no source names {label}"
    assert label in named("tests"), f"no test names {label}"


def test_every_label_has_its_rule() -> None:
    labels = named("cimc", "dialects", "passes") | named("tests")
    assert {label: place for label, place in labels.items() if label not in ALL} == {}
