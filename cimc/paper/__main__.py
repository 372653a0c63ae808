"""`python -m cimc.paper [--digital SET] [--json FILE] [--figures DIR]`: figures of arXiv 2510.11192, beside ours."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from cimc.commands.shared import Arguments, make_folder, progress_bar, run_command
from cimc.file_checks import check_writable
from cimc.files.whole_file import whole_file
from cimc.hardware.digital_sets import digital_set_names
from cimc.hardware.library import load_chip
from cimc.options.compilation import DEFAULT_CHIP
from cimc.paper.counts import Claim, Count, claims, counts, operations, parameters
from cimc.paper.latency import ADCS, EQUAL_BITS, Latency, latencies
from cimc.paper.shapes import NETWORKS, Network
from cimc.paper.speedup_text import speedup_lines
from cimc.paper.speedups import Speedups
from cimc.paper.totals import Total, totals
from cimc.paper.workload import GeneratedWeights
from cimc.report.largest_parts import part_name
from dialects.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = Arguments(
        prog="python -m cimc.paper",
        description="Arrays, operations, latency and energy of the networks of arXiv 2510.11192, by mapping.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables as JSON too")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw them as PNG, with the paper's claims")
    names = [network.name for network in NETWORKS]
    parser.add_argument("--network", choices=names, action="append", help="only this network (default: all three)")
    sets = digital_set_names()
    parser.add_argument("--digital", choices=sets, help="digital constants of the totals (default: the chip's own)")
    arguments = parser.parse_args(argv)
    chosen = [network for network in NETWORKS if network.name in (arguments.network or names)]
    return run_command(lambda: _tables(chosen, arguments.digital, arguments.json, arguments.figures))


def _tables(networks: Sequence[Network], digital: str | None, file: Path | None, folder: Path | None) -> int:
    check_writable(file)
    if folder is not None:
        make_folder(folder)
    with progress_bar("arXiv 2510.11192") as step:
        step("arrays")
        rows = [row for network in networks for row in counts(network)]
        fewer = {n.name: operations(n, monarch=False) / operations(n, monarch=True) for n in networks}
        smaller = {n.name: parameters(n, monarch=False) / parameters(n, monarch=True) for n in networks}
        step("latency by ADCs")
        numbers = GeneratedWeights()
        times = list(latencies(load_chip(DEFAULT_CHIP), networks, numbers=numbers))
        step("totals")
        all_parts = list(totals(DEFAULT_CHIP, networks, numbers, digital))
        step("the paper's latencies")
        programs = Speedups()
        faster, conditions = list(programs.rows()), programs.conditions()
    print(*_count_lines(rows, claims(rows), smaller, fewer), "", sep="\n")
    print(*_latency_lines(times), "", *_total_lines(all_parts), "", sep="\n")
    print(*speedup_lines(faster, conditions), sep="\n")
    if file is not None:
        results = {
            "counts": [vars(row) for row in rows],
            "claims": [vars(claim) for claim in claims(rows)],
            "fewer_parameters": smaller,
            "fewer_operations": fewer,
            "latencies": [vars(row) for row in times],
            "totals": [asdict(row) for row in all_parts],
            "speedups": [vars(row) for row in faster],
            "conditions": [vars(row) for row in conditions],
        }
        with whole_file(file, UserError) as new:
            new.write_text(json.dumps(results, indent=2) + "\n")
    if folder is not None:
        from cimc.paper.figures import write_figures

        print("", *write_figures(folder, rows, times, all_parts, faster), sep="\n")
    return 0


def _count_lines(
    rows: Sequence[Count], ratios: Sequence[Claim], smaller: dict[str, float], fewer: dict[str, float]
) -> Iterator[str]:
    """Linear is the dense network, the rest its Monarch form."""
    yield "Arrays of 256x256. Linear is the dense network, the rest its Monarch form."
    yield f"{'network':14}{'mapping':11}{'arrays':>7}{'expected':>10}{'lower bound':>13}{'utilisation':>13}"
    for row in rows:
        yield (
            f"{row.network:14}{row.mapping:11}{row.arrays:>7}{row.arrays_expected:>10}{row.arrays_lower_bound:>13}"
            f"{row.utilization:>13.1%}"
        )
    yield ""
    yield f"{'mean of the networks':40}{'here':>8}{'paper':>8}"
    yield from (f"{claim.what:40}{claim.found:>8.1%}{claim.reported:>8.1%}" for claim in ratios)
    yield ""
    yield f"{'how many times fewer, Monarch':32}{'parameters':>12}{'paper':>8}{'operations':>12}{'paper':>8}"
    for name, ratio in smaller.items():
        reported = ("8.0x", "5.7x") if name == "BERT-large" else ("-", "-")
        yield f"{name:32}{ratio:>11.2f}x{reported[0]:>8}{fewer[name]:>11.2f}x{reported[1]:>8}"
    yield "Parameters: of the products in all layers, those of 4096 padded to squares. Operations: of a token."


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


def _total_lines(rows: Sequence[Total]) -> Iterator[str]:
    yield "One decoded token, lossless: parameter multiplications (dynamic energy), digital operators with attention,"
    yield "buffers with keys and values, leakage, and all together; x: how many times less than linear."
    energies = (("uJ", 8), ("buffers", 9), ("leaks", 8))
    heads = (("us", 8), ("", 8), ("uJ", 8), ("", 8), ("digital us", 12), *energies, ("total us", 10))
    yield _HEAD + "".join(f"{head:>{width}}" for head, width in (*heads, ("", 7), ("uJ", 9)))
    linear = {row.network: row for row in rows if row.mapping == "linear"}
    for row in rows:
        base = linear[row.network]
        yield (
            f"{_names(row)}{row.parameter_us:>8.1f}{base.parameter_us / row.parameter_us:>7.2f}x"
            f"{row.parameter_uj:>8.1f}{base.parameter_uj / row.parameter_uj:>7.2f}x"
            f"{row.digital_us:>12.1f}{row.digital_uj + row.attention_uj:>8.0f}"
            f"{row.memories_uj:>9.0f}{row.leakage_uj:>8.0f}"
            f"{row.total_us:>10.1f}{base.total_us / row.total_us:>6.2f}x{row.total_uj:>9.0f}"
        )
    yield from _largest_lines(rows)


def _largest_lines(rows: Sequence[Total]) -> Iterator[str]:
    """What is more than half of the energies, with the source of its numbers."""
    parts = [row.largest for row in rows if row.largest is not None]
    for component, of, source in dict.fromkeys((part.component, part.of, part.source) for part in parts):
        own = [part for part in parts if (part.component, part.of, part.source) == (component, of, source)]
        alone = f", {part_name(of)} alone {_range([part.of_share or 0 for part in own])}" if of else ""
        shares = _range([part.share for part in own])
        yield f"Of all uJ in {len(own)} of {len(rows)} rows, {part_name(component)} {shares}{alone}:"
        yield f"  {source or 'no source given'}"


def _range(shares: Sequence[float]) -> str:
    low, high = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


_HEAD = f"{'network':14}{'form':9}{'mapping':11}{'objective':9}"


def _names(row: Latency | Total) -> str:
    return f"{row.network:14}{row.form:9}{row.mapping:11}{row.objective:9}"


if __name__ == "__main__":
    sys.exit(main())
