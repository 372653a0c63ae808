"""Many chips, mappings and block counts at once, from Python: `cim-sweep` with rows as its result."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.api.options import checked_options
from cimc.compiler import Options
from cimc.extras import need
from cimc.options.compilation import File, UserOptions
from cimc.options.conditions import DECODE, Conditions
from dialects.chip.formats import MOST_BITS
from passes.detect_block_diagonal.analysis.choices import NO_PRUNING
from passes.project_monarch.analysis.choices import DEFAULT_BUDGET
from passes.quantize.analysis.choices import COLUMN, DEFAULT_QUALITY_BUDGET, Activations

if TYPE_CHECKING:
    from cimc.sweep.run import Progress
    from cimc.sweep.store import Row


def run_sweep(
    model: File,
    grid: File,
    folder: File,
    *,
    processes: int | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
    conditions: Conditions = DECODE,
    progress: "Callable[[Progress], None]" = lambda progress: None,
    dims: Mapping[str, int] | None = None,
    activations: Activations | None = None,
    weight_bits: int | str = MOST_BITS,
    weight_group: int | str = COLUMN,
    activation_bits: int = MOST_BITS,
    quality_budget: float = DEFAULT_QUALITY_BUDGET,
    calibrate: File | None = None,
    monarch_budget: float = DEFAULT_BUDGET,
    prune_below: float = NO_PRUNING,
    digital: File | None = None,
) -> "list[Row]":
    """Compile a network for every point of a grid; a dictionary for each point, all with the same keys.

    Points that an earlier sweep with the same `folder` has finished are not run again. The rows are those of
    `points.parquet` (docs/sweeps.md), for `pandas.DataFrame(rows)`: a point that failed says why in "error". It starts
    processes: the main module of a script needs `if __name__ == "__main__":`.

    Args:
        model: the path of an ONNX file.
        grid: the path of a grid file (TOML): which values each setting takes.
        folder: where results are kept.
        processes: how many work on this machine; None for one a processor.
        scheduler: the address of a Dask cluster that works instead, like "tcp://host:8786".
        retry_failed: run points again that failed before.
        conditions: under which conditions programs are costed.
        progress: called now and then with how many `points` there are, how many are `finished`, and how many `failed`.
        dims, activations, weight_bits, weight_group, activation_bits, quality_budget, calibrate, monarch_budget,
            prune_below, digital: for all points, as in `compile`.

    Raises UserError if the model, the grid, the folder or the cluster cannot be used.
    """
    need("sweep", f"{model}: to sweep it")
    from cimc.sweep import run  # what these import is an extra
    from cimc.sweep.grid import read_grid
    from cimc.sweep.shown.results import rows_of

    given = {
        "dims": dims, "activations": activations, "weight_bits": weight_bits, "weight_group": weight_group,
        "activation_bits": activation_bits, "quality_budget": quality_budget, "calibrate": calibrate,
        "monarch_budget": monarch_budget, "prune_below": prune_below, "digital": digital,
    }  # fmt: skip
    options = Options(**checked_options({**vars(UserOptions()), **given}))
    sweep = run.run_sweep(
        Path(model),
        read_grid(Path(grid)),
        Path(folder),
        options,
        conditions=conditions,
        where=run.Where(scheduler, processes),
        retry_failed=retry_failed,
        progress=progress,
    )
    return rows_of(sweep)
