"""`cimc.compile`: from a network, as a Python program has it, to a program."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.api.calibration import Calibration, Samples, calibration_file, samples_of
from cimc.api.intermediate import Keep
from cimc.api.models import Model, model_file
from cimc.api.options import checked_options
from cimc.api.program import Program, from_parts
from cimc.compiler import Options, compile_network
from cimc.options.compilation import DEFAULT_CHIP, File
from cimc.program import program as files
from dialects.chip.formats import MOST_BITS, EncodingChoice
from dialects.errors import UserError
from passes.analysis.objectives import DEFAULT_OBJECTIVE, Objective
from passes.detect_block_diagonal.analysis.choices import NO_PRUNING
from passes.place_tiles.analysis.choices import DEFAULT_MAPPING, MappingName
from passes.project_monarch.analysis.choices import DEFAULT_BUDGET
from passes.quantize.analysis.choices import COLUMN, DEFAULT_QUALITY_BUDGET, Activations
from passes.schedule_arrays.analysis.choices import LOSSLESS


def compile(
    model: Model,
    *,
    chip: File = DEFAULT_CHIP,
    arrays: int | None = None,
    digital: File | None = None,
    encoding: EncodingChoice | None = None,
    mapping: MappingName = DEFAULT_MAPPING,
    objective: Objective = DEFAULT_OBJECTIVE,
    reload: bool = False,
    lossy: int = LOSSLESS,
    tokens: int | None = None,
    monarch: int | str | None = None,
    monarch_budget: float = DEFAULT_BUDGET,
    prune_below: float = NO_PRUNING,
    dims: Mapping[str, int] | None = None,
    activations: Activations | None = None,
    weight_bits: int | str = MOST_BITS,
    weight_group: int | str = COLUMN,
    activation_bits: int = MOST_BITS,
    quality_budget: float = DEFAULT_QUALITY_BUDGET,
    smooth: bool = False,
    calibrate: Calibration | None = None,
    passes: str | None = None,
    keep_ir: File | None = None,
    reference: File | None = None,
    reference_float: File | None = None,
    time_limit: float | None = None,
    verify_each: bool = False,
    measure: bool = False,
    require_coverage: float | str | None = None,
) -> Program:
    """Compile a network to a program for an analog compute-in-memory chip; the options are those of `cimc`.

    Args:
        model: the path of an ONNX file, of a folder with a checkpoint of a language model, or of a program of
            torch.export (.pt2); IR that was kept (.mlir); or the bytes of an ONNX file, or an onnx.ModelProto.
        chip: the name of one of cimc's own chips (pcm-256, isaac-128, sram-256, 3dsim-256, tiny-4), or a chip
            file (TOML).
        arrays: how many arrays the chip has; None for as many as its file says.
        digital: what digital units, interconnect and memories take: the name of one of cimc's own sets of constants
            ("simulator", "published"), or a file (TOML); None for what the chip's file says.
        encoding: how cells stand for the signs of weights, "offset", "twos-complement" or "differential", or "auto"
            for what suits each weight and the objective; None for what the chip's file says.
        mapping: how tiles are placed: "spread" needs the fewest arrays; "densemap", "sparsemap" and "linear" are those
            of arXiv 2510.11192.
        objective: what "spread" aims at: fewest "arrays", least "latency" of one token, or most "throughput".
        reload: let weights pass through the chip in parts where it has too few arrays for all of them; the time and the
            energy of programming them count.
        lossy: convert to so many bits at most, which may clip; 0 for conversions that cannot.
        tokens: make a schedule of many tokens in flight too, `Program.pipeline`, the one in which so many are done
            first; None for none.
        monarch: project dense weights onto Monarch factors: a number of blocks, as a text also with the rank of slices
            ("8,rank=2"), "auto" for the cheapest within monarch_budget, or "paper"; None for none.
        monarch_budget: the relative error that a layer may have with monarch="auto".
        prune_below: weights below this magnitude count as zero in finding structure; 0 for none.
        dims: sizes of symbolic dimensions by name; those without one stay symbolic.
        activations: how activations are quantised: by the range of each "token", of the "tensor", or "static", of the
            calibration inputs; None for static where there are such inputs, and per token where not.
        weight_bits: how many bits a weight is quantised to: 8, 6, 4, 3 or 2, or "auto" for as many as quality_budget
            asks for, weight by weight. Integers that a network brings stay what they are.
        weight_group: how many successive rows of a weight's column have a scale of their own; "column" for one each.
        activation_bits: how many bits an activation is quantised to, 4 to 8.
        quality_budget: the relative error that weight_bits="auto" may make.
        smooth: divide channels of activations with outliers, and multiply the rows of weights by the same, where
            calibration inputs tell that products lose less so.
        calibrate: inputs for static activations, and for weights of fewer than 8 bits to lose little on: the path of an
            .npz file, a dictionary of arrays by the names of inputs, one array where there is one input, or an iterable
            of such samples, which are joined along their first dimension.
        passes: run these instead of the usual ones, as `cimc --passes` takes them: "quantize,tile-blocks".
        keep_ir: a folder to write the IR after every pass to; `Program.ir` shows it without.
        reference: a file to write the network to that the program computes, as ONNX.
        reference_float: a file for the network before it is quantised, with its final structure, as ONNX.
        time_limit: the longest time [s] that ONNX Runtime may take for a graph that is run to fold constants, to
            calibrate and to verify; None for 600.
        verify_each: run the network before and after every pass, and compare.
        measure: measure how far the program is from its original, and keep that in it, `Program.measured`.
        require_coverage: the share of the constant-weight multiply-accumulates that arrays have to do, 0.95 or "95%":
            less is a UserError that names the nodes that stay digital. None for any.

    Raises:
        UserError: one line with file, node and what to do, for whatever is wrong with the model or an option.
    """
    options = Options(**checked_options({**locals(), "calibrate": None}))
    known = os.path.abspath(model) if isinstance(model, str | os.PathLike) else model
    with model_file(model) as file:
        samples = samples_of(calibrate, file)
        with calibration_file(samples) as inputs:
            program = compile_network(file, replace(options, calibrate=inputs)).program
    return from_parts(program, model=known, keep_ir=_again(known, samples, options, program))


def _again(model: Model, samples: Samples, options: Options, program: files.Program) -> Keep:
    """What compiles a program once more to keep its IR."""

    def keep(folder: Path) -> None:
        with model_file(model) as file, calibration_file(samples) as inputs:
            again = replace(options, calibrate=inputs, keep_ir=folder, reference=None, reference_float=None)
            compiled = compile_network(file, replace(again, verify_each=False, measure=False)).program
        if compiled.source != program.source or not np.array_equal(compiled.instructions, program.instructions):
            name = model if isinstance(model, str) else f"the {type(model).__name__}"
            raise UserError(f"{name} has changed since it was compiled: compile it again, and read the IR of that")

    return keep
