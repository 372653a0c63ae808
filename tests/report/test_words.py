"""What figures are for, in words."""

from dataclasses import replace

from cimc.program.program import Program
from cimc.report.report import report_of
from cimc.report.words import per_of, vectors_text, worded


def test_what_figures_are_for(handmade: Program) -> None:
    token = report_of(handmade)
    inference = replace(token, per="inference")
    assert [per_of(reports) for reports in ([token], [inference], [token, inference])] == [
        "token", "inference", "token or inference",
    ]  # fmt: skip


def test_texts() -> None:
    assert worded("energy a token, for one token", "token") == "energy a token, for one token"
    assert worded("energy a token, for one token", "inference") == "energy an inference, for one inference"
    assert worded("energy a token", "token or inference") == "energy a token or inference"
    assert worded("from one token to the next in a prefill", "inference") == "from one inference to the next"


def test_counts_of_vectors() -> None:
    assert [vectors_text(counts) for counts in ([], [7, 7], [12544, 1])] == [
        "0 vectors", "7 vectors", "1 to 12,544 vectors",
    ]  # fmt: skip
