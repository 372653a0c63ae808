"""What each pass needs of a network, and what holds after it: rules by the name of the pass."""

from passes.choose_formats.choose_formats import ChooseFormatsPass
from passes.detect_block_diagonal.detect_block_diagonal import DetectBlockDiagonalPass
from passes.fold_constants import FoldConstantsPass
from passes.fold_permutations.fold_permutations import FoldPermutationsPass
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.quantize import QuantizePass
from passes.raise_matmul.raise_matmul import RaiseMatmulPass
from passes.rules import (
    FLAT,
    INTEGERS,
    LAID_OUT,
    LEGAL_PLACES,
    PLACEABLE,
    SCHEDULABLE,
    SCHEDULED,
    TILEABLE,
    TILED_RIGHTLY,
    UNSCHEDULED,
    Rule,
)
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

NETWORK = (UNSCHEDULED, LEGAL_PLACES)
"""What every pass needs but for those that place and schedule."""

LEGAL_BEFORE: dict[str, tuple[Rule, ...]] = {
    FoldConstantsPass.name: NETWORK,
    RaiseMatmulPass.name: NETWORK,
    DetectBlockDiagonalPass.name: NETWORK,
    ProjectMonarchPass.name: NETWORK,
    FoldPermutationsPass.name: NETWORK,
    QuantizePass.name: (*NETWORK, FLAT),
    TileBlocksPass.name: (*TILEABLE, LEGAL_PLACES),
    ChooseFormatsPass.name: (*TILED_RIGHTLY, LEGAL_PLACES),
    PlaceTilesPass.name: PLACEABLE,
    ScheduleArraysPass.name: SCHEDULABLE,
}
"""Checked on what a pass is given: the first rule that does not hold is the user's mistake."""

LEGAL_AFTER: dict[str, tuple[Rule, ...]] = {
    QuantizePass.name: (INTEGERS,),
    TileBlocksPass.name: TILED_RIGHTLY,
    ChooseFormatsPass.name: PLACEABLE,
    PlaceTilesPass.name: LAID_OUT,
    ScheduleArraysPass.name: (*LAID_OUT, SCHEDULED),
}
"""Checked on what a pass leaves: a rule that does not hold is our bug."""
