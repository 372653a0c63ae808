"""The best bargains come first: crossbars saved for squared error."""

from passes.quantize.analysis.choosing import Option, squared_errors, steps_of, within

OPTIONS = {
    "large": [Option(8, 400, 0.0), Option(6, 300, 1.0), Option(4, 200, 5.0)],
    "small": [Option(8, 40, 0.0), Option(6, 30, 0.2), Option(4, 20, 0.3)],
    "same": [Option(8, 4, 0.0), Option(6, 4, 1.0)],
}


def test_steps() -> None:
    """`small` goes to 4 bits at once, for the second step is the better one; `same` saves nothing."""
    steps = steps_of(OPTIONS)
    assert [(s.symbol, s.more.bits, s.fewer.bits) for s in steps] == [("large", 8, 6), ("small", 8, 4), ("large", 6, 4)]
    assert squared_errors(OPTIONS, steps) == [0, 1, 1.3, 5.3]


def test_equal_prices_keep_the_order_of_weights() -> None:
    options = {name: [Option(8, 4, 0.0), Option(4, 2, 1.0)] for name in ("b", "a")}
    assert [step.symbol for step in steps_of(options)] == ["b", "a"]


def test_how_many_steps_are_within() -> None:
    totals = [0.5, 0.4, 1.3, 5.3]
    assert [within(totals, most) for most in (0.1, 0.4, 1.3, 9)] == [0, 1, 2, 3]
