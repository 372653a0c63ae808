"""Tables as text: aligned, one line a row, nothing folded."""

from cimc.report.text import aligned, statistics_lines


def test_aligned() -> None:
    rows = [("name", "figure", "node"), ("a", "1,000", "x" * 200), ("bcdef", "5", "")]
    assert aligned(rows, "lrl") == [
        "name   figure  node",
        f"a       1,000  {'x' * 200}",
        "bcdef       5",
    ]


def test_statistics() -> None:
    lines = statistics_lines([("tile-blocks", 0.0125, 0.0004, {"cim.digital": 3, "array.multiply": 12})])
    assert lines == [
        "pass           ms  checks ms  operations after it",
        "tile-blocks  12.5        0.4  12 array.multiply, 3 cim.digital",
    ]
