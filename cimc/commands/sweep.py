"""`cim-sweep model.onnx --grid grid.toml`: compile a network for many chips and mappings, and find the best of them."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import Arguments, counting_bar, run_command, say, say_written
from cimc.extras import need
from cimc.file_checks import check_names
from cimc.files.whole_file import whole_file
from cimc.options.compilation import UserOptions
from cimc.options.conditions import Conditions
from cimc.options.spelling import add_options, given
from cimc.options.values import natural, workers

if TYPE_CHECKING:
    from cimc.compiler import Options
    from cimc.sweep.grid import Grid
    from cimc.sweep.run import Progress, Sweep


COMPILATION = (
    "dims",
    "activations",
    "weight_bits",
    "weight_group",
    "activation_bits",
    "quality_budget",
    "calibrate",
    "monarch_budget",
)
DETECTION = ("prune_below", "digital")
"""Options that hold for all points; what a grid can vary is no option."""
CONDITIONS = ("context", "tokens")


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(
        prog="cim-sweep", description="Compile a network for every point of a grid of chips, mappings and block counts."
    )
    add = parser.add_argument
    add("model", type=Path, help="the network, an .onnx file")
    add("--grid", type=Path, required=True, metavar="GRID.toml", help="what to vary (see docs/sweeps.md)")
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the results (default: beside the model, its name with .sweep)",
    )
    add("--jobs", type=workers, metavar="N", help="how many processes to run on this machine (default: all processors)")
    add("--scheduler", metavar="ADDRESS", help="run on the Dask cluster with this scheduler, like tcp://host:8786")
    add(
        "--reports",
        type=natural,
        metavar="N",
        help="how many of the best points get a report page of their own (default: 12; 0 for none)",
    )
    add("--retry-failed", action="store_true", help="run points again that failed before")
    add_options(parser, UserOptions, COMPILATION)
    add_options(parser, Conditions, CONDITIONS)
    add_options(parser, UserOptions, DETECTION)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.jobs is not None and arguments.scheduler is not None:
        parser.error("argument --jobs: not allowed with argument --scheduler, whose workers are there already")
    return run_command(lambda: _sweep(arguments))


def _sweep(arguments: argparse.Namespace) -> int:
    from cimc.sweep.grid import read_grid
    from dialects.errors import UserError

    need("sweep", "cim-sweep")
    from cimc.sweep.run import Where, run_sweep

    grid = read_grid(arguments.grid)
    out: Path = arguments.out or default_folder(arguments.model)
    text = None if grid.quality is None else grid.quality.text
    check_names([arguments.grid, arguments.calibrate, text], _results(out), networks=[arguments.model])
    where = Where(arguments.scheduler, arguments.jobs)
    try:
        with counting_bar("sweeping: preparing") as bar:
            sweep = run_sweep(
                arguments.model,
                grid,
                out,
                _options(arguments),
                conditions=Conditions(**given(arguments, Conditions, CONDITIONS)),
                where=where,
                retry_failed=arguments.retry_failed,
                progress=partial(_show_progress, bar),
            )
    except KeyboardInterrupt:
        raise UserError("interrupted: the same command goes on from here") from None
    return _show(arguments.model, grid, sweep, out, arguments.reports)


def default_folder(model: Path) -> Path:
    """Where the results of a model go if nothing else is said: `model.sweep` beside it."""
    return model.with_name(f"{model.stem}.sweep")


def _results(out: Path) -> list[Path]:
    """The files of the results: all points, the best ones as table, picture and page."""
    return [out / name for name in ("points.parquet", "pareto.csv", "pareto.png", "sweep.html")]


def _options(arguments: argparse.Namespace) -> "Options":
    from cimc.compiler import Options

    return Options(**given(arguments, UserOptions, (*COMPILATION, *DETECTION)))


def _show(model: Path, grid: "Grid", sweep: "Sweep", out: Path, reports: int | None) -> int:
    """Write and print the results; 1 if no point came through."""
    from cimc.report.texts.table import print_table
    from cimc.sweep.pareto import front_of
    from cimc.sweep.shown.page import page_of_sweep
    from cimc.sweep.shown.parts import parts_notes
    from cimc.sweep.shown.plot import write_plot
    from cimc.sweep.shown.reports import MOST_REPORTS, write_reports
    from cimc.sweep.shown.results import rows_of, varying_settings, write_csv
    from cimc.sweep.shown.text import best_line, best_ties, front_notes, front_table, summary_lines
    from cimc.sweep.store import ERROR, write_table
    from dialects.errors import UserError

    rows = rows_of(sweep)
    points, best, picture, page = _results(out)
    write_table(points, rows)
    say(f"{model} -> {out}")
    for line in summary_lines(sweep):
        say(f"  {line}")
    finished = [row for row in rows if row[ERROR] is None]
    if not finished:
        raise UserError(f"none of {len(rows)} points came through; {points} tells why in column {ERROR}")
    front = front_of(finished, grid.goals)
    notes = list(parts_notes(sweep, front))
    with whole_file(best, UserError) as new:
        write_csv(new, front.best)
    with whole_file(picture, UserError) as new:
        write_plot(new, front, varying_settings(sweep), f"{model.name}: {len(finished)} points", notes)
    say("")
    say(best_line(front))
    print_table(front_table(sweep, front))
    say(*front_notes(front), *notes)
    wanted = [tie.first for tie in best_ties(front)[: MOST_REPORTS if reports is None else reports]]
    with counting_bar("reports") as bar:
        addresses = write_reports(sweep, wanted, out, lambda written: bar("reports", written, len(wanted)))
    with whole_file(page, UserError) as new:
        new.write_text(page_of_sweep(sweep, front, model.name, addresses), encoding="utf-8")
    say("")
    say_written(points, best, picture, page)
    return 0


def _show_progress(bar: Callable[[str, int, int | None], None], progress: "Progress") -> None:
    failed = f", {progress.failed} failed" if progress.failed else ""
    bar(f"sweeping{failed}", progress.finished, progress.points)


if __name__ == "__main__":
    sys.exit(main())
