"""`python -m cimc.paper [--json FILE]`: the arrays of the paper's networks, ours beside the paper's."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cimc.commands.shared import check_writable, run_command
from cimc.paper.counts import Count, claims, counts
from cimc.paper.shapes import NETWORKS


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cimc.paper", description="Arrays of the networks of arXiv 2510.11192, by mapping."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON too")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _tables(arguments.json))


def _tables(file: Path | None) -> int:
    check_writable(file)
    rows = [row for network in NETWORKS for row in counts(network)]
    for line in _lines(rows):
        print(line)
    if file is not None:
        found = {"counts": [vars(row) for row in rows], "claims": [vars(claim) for claim in claims(rows)]}
        file.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _lines(rows: Sequence[Count]) -> list[str]:
    """The tables as text; linear is the dense network, the rest its Monarch form."""
    lines = [f"{'network':14}{'mapping':11}{'arrays':>7}{'expected':>10}{'lower bound':>13}{'utilisation':>13}"]
    for row in rows:
        lines.append(
            f"{row.network:14}{row.mapping:11}{row.arrays:>7}{row.arrays_expected:>10}{row.arrays_lower_bound:>13}"
            f"{row.utilization:>13.1%}"
        )
    lines += ["", f"{'mean of the three networks':40}{'here':>8}{'paper':>8}"]
    return lines + [f"{claim.what:40}{claim.found:>8.1%}{claim.reported:>8.1%}" for claim in claims(rows)]


if __name__ == "__main__":
    sys.exit(main())
