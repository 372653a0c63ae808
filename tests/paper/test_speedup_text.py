"""What is said of the speedups: the table, the fit, and what does not follow."""

from dataclasses import replace

from cimc.paper.speedup_text import speedup_lines
from cimc.paper.speedups import Condition, Speedup


def test_lines() -> None:
    linear = Speedup("BERT-large", "linear", 8, 8, 1, 4608, 20.0, 18.0, 30.0, 40.0)
    rows = [
        linear,
        replace(linear, mapping="sparsemap", adc_bits=5, serial_us=10.0, flow_us=9.0),
        replace(linear, mapping="densemap", adc_bits=3, layers_compiled=2, serial_us=8.0, dynamic_uj=3.0),
        replace(linear, mapping="spread", serial_us=5.0),
    ]
    lines = list(speedup_lines(rows, [Condition("if", None, 0.5)]))
    text = "\n".join(lines)
    assert max(len(line) for line in lines) <= 120
    assert "  densemap  monarch 3 bits   4608 arrays  2 layers compiled" in lines
    assert "8          20.00   1.00x     10.00   2.00x      8.00   2.50x      5.00   4.00x" in lines
    assert "paper                  -             1.59x             1.73x                 -" in lines
    assert "if                                               -     0.50x" in lines
    assert "energy but for leakage                       1.00x    10.00x" in lines
    assert "Fitted to the paper's two factors at 8 ADCs: settling, 2.6 ns, and 0.19 ns a bit." in text
    assert "conversions clip" in text
    assert "energy but" not in "\n".join(speedup_lines([replace(row, adcs=4) for row in rows], []))
