"""`python -m cimc.paper [--json FILE]`: the figures of arXiv 2510.11192, ours beside the paper's."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cimc.commands.shared import check_writable, run_command, writing
from cimc.hardware.library import DEFAULT_CHIP, load_chip
from cimc.paper.counts import Claim, Count, claims, counts, operations
from cimc.paper.latency import ADCS, EQUAL_BITS, Latency, latencies
from cimc.paper.shapes import NETWORKS

NOT_DERIVED = (
    "The paper reports latencies 1.59x to 1.74x lower than those of linear. They do not follow from what it publishes:",
    "at equal bits sparsemap converts twice as many columns one after the other as linear, densemap eight times as",
    "many, and how conversions, settling and digital operators add up is not said. Nothing here is fitted to them.",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cimc.paper",
        description="Arrays, operations and latency of the networks of arXiv 2510.11192, by mapping.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables as JSON too")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _tables(arguments.json))


def _tables(file: Path | None) -> int:
    check_writable(file)
    rows = [row for network in NETWORKS for row in counts(network)]
    fewer = {n.name: operations(n, monarch=False) / operations(n, monarch=True) for n in NETWORKS}
    print(*_count_lines(rows, claims(rows), fewer), "", sep="\n")
    times = list(latencies(load_chip(DEFAULT_CHIP)))
    print(*_latency_lines(times), "", *NOT_DERIVED, sep="\n")
    if file is not None:
        found = {
            "counts": [vars(row) for row in rows],
            "claims": [vars(claim) for claim in claims(rows)],
            "fewer_operations": fewer,
            "latencies": [vars(row) for row in times],
        }
        with writing(file) as temporary:
            temporary.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _count_lines(rows: Sequence[Count], found: Sequence[Claim], fewer: dict[str, float]) -> Iterator[str]:
    """Linear is the dense network, the rest its Monarch form."""
    yield "Arrays of 256x256. Linear is the dense network, the rest its Monarch form."
    yield f"{'network':14}{'mapping':11}{'arrays':>7}{'expected':>10}{'lower bound':>13}{'utilisation':>13}"
    for row in rows:
        yield (
            f"{row.network:14}{row.mapping:11}{row.arrays:>7}{row.arrays_expected:>10}{row.arrays_lower_bound:>13}"
            f"{row.utilization:>13.1%}"
        )
    yield ""
    yield f"{'mean of the three networks':40}{'here':>8}{'paper':>8}"
    yield from (f"{claim.what:40}{claim.found:>8.1%}{claim.reported:>8.1%}" for claim in found)
    yield ""
    yield f"{'fewer operations a token, Monarch':40}{'here':>8}{'paper':>8}"
    for name, ratio in fewer.items():
        yield f"{name:40}{ratio:>7.2f}x" + (f"{5.7:>7.1f}x" if name == "BERT-large" else f"{'-':>8}")


def _latency_lines(rows: Sequence[Latency]) -> Iterator[str]:
    """The chip's own number of ADCs in detail, then all of them."""
    yield f"Parameter multiplications of one decoded token on {DEFAULT_CHIP}, 8 ADCs a crossbar."
    yield f"steps: ADC conversions one after the other. equal: {EQUAL_BITS} bits a conversion, whole tiles."
    yield "lossless: row groups and bits from the cells of Gaussian weights. In us, and relative to linear."
    yield f"{_HEAD}{'arrays':>8}{'steps':>8}{'equal':>10}{'':>8}{'lossless':>10}{'':>8}"
    chosen = [row for row in rows if row.adcs == 8]
    linear = {row.network: row for row in chosen if row.mapping == "linear"}
    for row in chosen:
        base = linear[row.network]
        yield (
            f"{_names(row)}{row.arrays:>8}{row.column_steps:>8}"
            f"{row.equal_bits_us:>10.1f}{row.equal_bits_us / base.equal_bits_us:>7.2f}x"
            f"{row.lossless_us:>10.1f}{row.lossless_us / base.lossless_us:>7.2f}x"
        )
    yield ""
    yield "The same in us by number of ADCs: equal bits, then lossless."
    yield _HEAD + 2 * "".join(f"{count:>9}" for count in ADCS)
    for row in chosen:
        same = [r for r in rows if _names(r) == _names(row)]
        equal = "".join(f"{r.equal_bits_us:>9.1f}" for r in same)
        yield _names(row) + equal + "".join(f"{r.lossless_us:>9.1f}" for r in same)


_HEAD = f"{'network':14}{'form':9}{'mapping':11}{'objective':9}"


def _names(row: Latency) -> str:
    return f"{row.network:14}{row.form:9}{row.mapping:11}{row.objective:9}"


if __name__ == "__main__":
    sys.exit(main())
