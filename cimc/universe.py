"""What cimc adds to xDSL, as tuples: dialects and passes, for our own commands and for plain xdsl-opt."""

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.func import Func
from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe

from dialects.array import ArrayDialect
from dialects.cim import make_cim
from dialects.hardware import Hardware
from dialects.weights import WeightStore
from passes.choose_formats.choose_formats import ChooseFormatsPass
from passes.detect_block_diagonal.detect_block_diagonal import DetectBlockDiagonalPass
from passes.fold_constants import FoldConstantsPass
from passes.fold_permutations.fold_permutations import FoldPermutationsPass
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.quantize import QuantizePass
from passes.raise_matmul.raise_matmul import RaiseMatmulPass
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

PASSES: tuple[type[ModulePass], ...] = (
    FoldConstantsPass,
    RaiseMatmulPass,
    DetectBlockDiagonalPass,
    ProjectMonarchPass,
    FoldPermutationsPass,
    QuantizePass,
    TileBlocksPass,
    ChooseFormatsPass,
    PlaceTilesPass,
    ScheduleArraysPass,
)


def dialects(store: WeightStore | None = None) -> tuple[Dialect, ...]:
    """All dialects that our modules use; the `cim` dialect is a fresh one with its own weight store."""
    return (Builtin, Func, Hardware, ArrayDialect, make_cim(store))


def make_context(store: WeightStore | None = None) -> Context:
    """A context that knows our dialects."""
    ctx = Context()
    for dialect in dialects(store):
        ctx.load_dialect(dialect)
    return ctx


def _cim() -> Dialect:
    return make_cim()


def _hardware() -> Dialect:
    return Hardware


def _array() -> Dialect:
    return ArrayDialect


UNIVERSE = Universe(
    all_dialects={"cim": _cim, "hardware": _hardware, "array": _array},
    all_passes={p.name: (lambda p=p: p) for p in PASSES},
)
