"""The figures in the README are those that cimc computes today."""

import re
from pathlib import Path

import pytest

import cimc
from cimc.compiler import Options, compile_network
from cimc.report.report import report_of
from cimc.report.texts.text import summary_lines
from passes.place_tiles.analysis.choices import MappingName

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MONARCH_LM = ROOT / "examples" / "monarch_lm" / "monarch_lm.onnx"


def rows(first: str) -> list[list[str]]:
    """The rows of the table whose head begins with `first`, without emphasis and code marks."""
    table = README[README.index(f"| {first} |") :].split("\n\n")[0].replace("*", "").replace("`", "")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_what_the_demo_shows() -> None:
    compilation = compile_network(MONARCH_LM, Options(measure=True))
    *lines, network = summary_lines(report_of(compilation.program))
    shown, distance = README[README.index("  chip          pcm-256") :].split("  network       ")
    assert shown.splitlines() == [f"  {line}" for line in lines]
    assert distance.startswith("cosine 0.9997")  # whose last digits depend on the processor
    assert network.startswith("network       cosine 0.9997")
    assert distance.splitlines()[0].endswith(network[-len("; inputs made up") :])


@pytest.mark.parametrize(("column", "mapping"), [(1, "linear"), (2, "sparsemap"), (3, "densemap"), (4, "spread")])
def test_arrays_of_the_language_model(column: int, mapping: MappingName) -> None:
    """Those of MiniLM and of the paper's networks are compared in tests/end_to_end/test_mappings.py and tests/paper."""
    (row,) = (row for row in rows("network") if row[0] == "monarch_lm")
    report = cimc.compile(MONARCH_LM, mapping=mapping).report()
    assert (int(row[column]), int(row[5])) == (report.arrays, report.arrays_lower_bound)


def test_it_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) < 140
    assert len(re.findall(r"^!\[", README, re.MULTILINE)) == 1
