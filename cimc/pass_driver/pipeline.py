"""The order of the passes, and what each may change: both are data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from xdsl.passes import ModulePass

from cimc.options.compilation import UserOptions, path_of
from dialects.errors import UserError
from passes.choose_formats.choose_formats import ChooseFormatsPass
from passes.detect_block_diagonal.detect_block_diagonal import DetectBlockDiagonalPass
from passes.fold_constants import FoldConstantsPass
from passes.fold_permutations.fold_permutations import FoldPermutationsPass
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.project_monarch.analysis.choices import blocks_and_rank
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.analysis.choices import STATIC, TOKEN
from passes.quantize.quantize import QuantizePass
from passes.raise_matmul.raise_matmul import RaiseMatmulPass
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass


@dataclass(frozen=True)
class Step:
    """A place in the order of the passes."""

    of: type[ModulePass]
    """The class of the pass that runs there."""
    with_options: Callable[[UserOptions], ModulePass | None] | None = None
    """That pass with its options, None if it is not to run; without this it has no options, and always runs."""

    def passes(self, options: UserOptions) -> tuple[ModulePass, ...]:
        """What runs here: one pass, or none."""
        made = self.of() if self.with_options is None else self.with_options(options)
        return () if made is None else (made,)


def _projection(options: UserOptions) -> ProjectMonarchPass | None:
    if options.monarch is None:
        return None
    blocks, rank = blocks_and_rank(options.monarch)
    return ProjectMonarchPass(blocks, options.monarch_budget, _calibration(options), rank)


def _quantisation(options: UserOptions) -> QuantizePass:
    calibration = _calibration(options)
    if options.activations == STATIC and calibration is None:
        raise UserError("activations=static needs calibration inputs: give them with --calibrate x.npz")
    if options.smooth and calibration is None:
        raise UserError("--smooth needs calibration inputs: give them with --calibrate x.npz")
    return QuantizePass(
        activations_of(options),
        calibration,
        options.weight_bits,
        options.weight_group,
        options.activation_bits,
        options.quality_budget,
        options.smooth,
    )


def activations_of(options: UserOptions) -> str:
    """How activations are quantised."""
    return options.activations or (TOKEN if options.calibrate is None else STATIC)


def _calibration(options: UserOptions) -> str | None:
    file = path_of(options.calibrate)
    return None if file is None else str(file)


STRUCTURE = (
    Step(FoldConstantsPass),
    Step(RaiseMatmulPass),
    Step(DetectBlockDiagonalPass, lambda options: DetectBlockDiagonalPass(options.prune_below)),
    Step(ProjectMonarchPass, _projection),
    Step(FoldPermutationsPass),
)
"""The passes that give the float network its final structure."""
NUMBERS = (
    Step(QuantizePass, _quantisation),
    Step(FoldConstantsPass),
)
"""The passes that make the network's numbers those of the program."""
CHIP = (
    Step(TileBlocksPass),
    Step(ChooseFormatsPass, lambda options: ChooseFormatsPass(options.objective)),
    Step(PlaceTilesPass, lambda o: PlaceTilesPass(o.mapping, o.objective, o.reload, o.lossy)),
    Step(ScheduleArraysPass, lambda options: ScheduleArraysPass(options.lossy)),
)
"""The passes that bring the network onto the chip; the only ones that depend on it."""
PIPELINE = (*STRUCTURE, *NUMBERS, *CHIP)
"""The way down from an imported network to a scheduled one."""


def passes_of(steps: Sequence[Step], options: UserOptions) -> tuple[ModulePass, ...]:
    """The passes of these steps, with their options; UserError for options that no pass can be made of."""
    return tuple(made for step in steps for made in step.passes(options))


class Exactness(Enum):
    """How a pass may change the network's outputs."""

    EXACT = "not a bit"
    ROUNDING = "the order of float additions"
    QUANTIZING = "numbers of few bits"
    PROJECTING = "anything, its error is reported"


EXACTNESS: dict[str, Exactness] = {
    FoldConstantsPass.name: Exactness.ROUNDING,  # ONNX Runtime multiplies by a constant in another order
    RaiseMatmulPass.name: Exactness.ROUNDING,
    DetectBlockDiagonalPass.name: Exactness.ROUNDING,
    FoldPermutationsPass.name: Exactness.ROUNDING,
    ProjectMonarchPass.name: Exactness.PROJECTING,
    QuantizePass.name: Exactness.QUANTIZING,
    TileBlocksPass.name: Exactness.EXACT,
    ChooseFormatsPass.name: Exactness.EXACT,
    PlaceTilesPass.name: Exactness.EXACT,
    ScheduleArraysPass.name: Exactness.EXACT,
}


def exactness_of(pass_: ModulePass) -> Exactness:
    """How a pass with these options may change the network's outputs; another package's says so by its `exactness`."""
    if isinstance(pass_, DetectBlockDiagonalPass) and pass_.prune_below > 0:
        return Exactness.PROJECTING
    said: object = getattr(pass_, "exactness", Exactness.EXACT)
    return EXACTNESS.get(pass_.name, said if isinstance(said, Exactness) else Exactness.EXACT)
