"""The options of a compilation, from which come the command line of `cimc`, `cimc.compile` and those of the passes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cimc.options.spelling import Spelling
from cimc.options.values import (
    bits_of_inputs,
    bits_or_auto,
    blocks,
    coverage,
    dimension,
    output_file,
    positive,
    rows_or_column,
    seconds,
    share,
)
from dialects.chip.formats import AUTO, ENCODINGS, MOST_BITS
from passes.analysis.objectives import DEFAULT_OBJECTIVE, OBJECTIVES
from passes.detect_block_diagonal.analysis.choices import NO_PRUNING
from passes.place_tiles.analysis.choices import DEFAULT_MAPPING, MAPPING_NAMES
from passes.project_monarch.analysis.choices import DEFAULT_BUDGET
from passes.quantize.analysis.choices import ACTIVATIONS, COLUMN, DEFAULT_QUALITY_BUDGET
from passes.schedule_arrays.analysis.choices import LOSSLESS

File = str | os.PathLike[str]
DEFAULT_CHIP = "pcm-256"


@dataclass(frozen=True, kw_only=True)
class UserOptions:
    """What to compile for and how, as users say it: in Python by these names, on a command line as they are spelled.

    What stands below a field is what its help leaves open.
    """

    chip: Annotated[File, Spelling("chip file (TOML) or the name of one of cimc's own", "FILE|NAME")] = DEFAULT_CHIP
    arrays: Annotated[int | None, Spelling("how many arrays the chip has", "N", positive)] = None
    """None for as many as the chip file says."""
    digital: Annotated[
        File | None, Spelling("digital constants (TOML) or the name of a set (default: as the chip says)", "FILE|NAME")
    ] = None
    """Area, energy, leakage and rate of digital units, interconnect and memories; None for those of the chip file."""
    encoding: Annotated[
        str | None,
        Spelling("how cells stand for signs (default: as the chip says)", choices=(*ENCODINGS, AUTO)),
    ] = None
    """`auto` for what suits each weight; None for what the chip file says."""
    mapping: Annotated[str, Spelling("how tiles are placed (default: %(default)s)", choices=MAPPING_NAMES[::-1])] = (
        DEFAULT_MAPPING
    )
    objective: Annotated[str, Spelling("what spread aims at (default: fewest arrays)", choices=OBJECTIVES)] = (
        DEFAULT_OBJECTIVE
    )
    reload: Annotated[bool, Spelling("let weights pass through a chip of too few arrays in parts")] = False
    """With enough arrays it changes nothing."""
    lossy: Annotated[int, Spelling("convert to so many bits at most, which may clip", "BITS", positive)] = LOSSLESS
    """0 for conversions that cannot clip."""
    monarch: Annotated[
        int | str | None, Spelling("project dense weights onto Monarch factors", "BLOCKS[,rank=R]|auto|paper", blocks)
    ] = None
    """A number of blocks, as a text also with the rank of slices (`"8,rank=2"`), or how to choose; None for none."""
    monarch_budget: Annotated[
        float, Spelling("relative error a layer may have with auto (%(default)s)", "E", share)
    ] = DEFAULT_BUDGET
    prune_below: Annotated[float, Spelling("weights below T count as zero in finding structure", "T", share)] = (
        NO_PRUNING
    )
    """A magnitude; 0 for none."""
    dims: Annotated[
        Mapping[str, int] | None,
        Spelling("fix a dynamic dimension", "NAME=VALUE", dimension, flag="--dim", pairs=True),
    ] = None
    """Sizes by name; the dimensions without one stay symbolic."""
    activations: Annotated[
        str | None, Spelling("how activations are quantised (default: per token)", choices=ACTIVATIONS)
    ] = None
    """None for static with calibration inputs, per token without."""
    weight_bits: Annotated[
        int | str, Spelling("bits of a weight (default: %(default)s)", "8|6|4|3|2|auto", bits_or_auto)
    ] = MOST_BITS
    """`auto` for as many as `quality_budget` asks for, weight by weight. Networks of integers keep theirs."""
    weight_group: Annotated[
        int | str, Spelling("rows of a column that share a scale, at most (default: all)", "N|column", rows_or_column)
    ] = COLUMN
    activation_bits: Annotated[
        int, Spelling("bits of an activation (default: %(default)s)", "4..8", bits_of_inputs)
    ] = MOST_BITS
    quality_budget: Annotated[
        float, Spelling("relative error that --weight-bits auto may make (%(default)s)", "E", share)
    ] = DEFAULT_QUALITY_BUDGET
    smooth: Annotated[bool, Spelling("divide activations with outliers, as --calibrate tells, where it helps")] = False
    """Rows of the weights are multiplied by the same: in floats the network stays what it is."""
    tokens: Annotated[
        int | None, Spelling("schedule many tokens in flight too, for the latency of N of them", "N", positive)
    ] = None
    """The program gets a pipeline, `Program.pipeline`; None for none."""
    calibrate: Annotated[
        File | None, Spelling("inputs for weights of few bits, static activations, the distance", "X.npz", Path)
    ] = None
    """A file with one array an input; the distance is that of the outputs to those of the original."""
    passes: Annotated[
        str | None,
        Spelling("run these passes instead of the usual ones; cim-opt --help lists all", "'PASS,PASS{OPTION=VALUE}'"),
    ] = None
    """None for those of the pipeline that are left: all of them for ONNX."""
    keep_ir: Annotated[File | None, Spelling("write the IR after every pass to DIR", "DIR", Path)] = None
    reference: Annotated[
        File | None, Spelling("write the network that the program computes, as ONNX", "REF.onnx", output_file)
    ] = None
    reference_float: Annotated[
        File | None, Spelling("write the network before it is quantised, as ONNX", "F.onnx", output_file)
    ] = None
    """It has its final structure, and can be trained further."""
    time_limit: Annotated[
        float | None,
        Spelling(
            "longest time ONNX Runtime may take for a graph (default: 20 to measure the distance, 600 otherwise)",
            "SECONDS",
            seconds,
        ),
    ] = None
    """Graphs run to measure the distance, to fold constants, to calibrate and to verify."""
    measure: Annotated[bool, Spelling("run program and original, to tell how far apart they are (default: do)")] = True
    """Of a program that cannot clip, its network is run in its place: it computes the same, and runs quicker."""
    require_coverage: Annotated[
        float | None,
        Spelling("fail if arrays do less of the constant-weight work, as 95%% or 0.95", "SHARE", coverage),
    ] = None
    """A share, 0 to 1, of the multiply-accumulates of one run; None for any."""
    verify_each: Annotated[bool, Spelling("run the network before and after every pass and compare")] = False


def chip_changes(options: UserOptions) -> dict[str, int | str]:
    """The keys of the chip that options give instead of its file, with their values."""
    given = {"arrays": options.arrays, "encoding": options.encoding}
    return {key: value for key, value in given.items() if value is not None}


def path_of(file: File | None) -> Path | None:
    """The path of a file that may have been named by a text."""
    return None if file is None else Path(file)
