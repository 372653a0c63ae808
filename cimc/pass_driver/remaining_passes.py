"""What is left to be done with a module that was kept on the way: read off what it holds and which passes ran on it."""

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.options.compilation import UserOptions
from cimc.pass_driver.known_passes import OURS, parse_passes
from cimc.pass_driver.pipeline import CHIP, NUMBERS, STRUCTURE, Step
from dialects.array import MultiplyOp, StageOp
from dialects.cim import MatmulOp
from dialects.errors import UserError
from dialects.history import passes_done
from dialects.network import main_block, operations
from passes.choose_formats.choose_formats import ChooseFormatsPass
from passes.detect_block_diagonal.detect_block_diagonal import DetectBlockDiagonalPass
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.quantize import QuantizePass
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass


def remaining_steps(module: ModuleOp) -> tuple[Step, ...]:
    """The steps of the pipeline that come after those that a module has been through.

    The last four are known by what they leave in the IR, those before them by the list of passes that the module
    carries; IR without one, written by hand, is taken for imported, or for quantised if it multiplies integers alone.
    """
    return (*STRUCTURE, *NUMBERS)[_network_steps(module) :] + CHIP[_chip_steps(module) :]


def _chip_steps(module: ModuleOp) -> int:
    """How many of the steps that bring a network onto the chip are behind it."""
    ops = list(operations(main_block(module)))
    multiplies = [op for op in ops if isinstance(op, MultiplyOp)]
    if any(isinstance(op, StageOp) for op in ops) or (not multiplies and _says(module, ScheduleArraysPass.name)):
        return 4
    if not multiplies or any(isinstance(op, MatmulOp) for op in ops):
        return 0
    if all(op.places is not None for op in multiplies):
        return 3
    return 2 if all(op.format is not None for op in multiplies) else 1


def _says(module: ModuleOp, name: str) -> bool:
    return name in [_name(spec) for spec in passes_done(module) or ()]


def _network_steps(module: ModuleOp) -> int:
    """How many of the steps that change the network itself are behind it."""
    steps, done = (*STRUCTURE, *NUMBERS), passes_done(module)
    if _chip_steps(module):
        return len(steps)
    if done is None:
        ops = [op for op in operations(main_block(module)) if isinstance(op, MatmulOp)]
        return len(STRUCTURE) + 1 if ops and all(op.is_integer for op in ops) else 0
    position = 0
    for spec in done:
        end = len(steps) if position > len(STRUCTURE) else len(STRUCTURE) + 1  # nothing but quantize comes past it
        later = [i for i in range(position, end) if steps[i].of.name == _name(spec)]
        position = later[0] + 1 if later else position
    return position


def _name(spec: str) -> str:
    return spec.partition("{")[0]


def options_so_far(module: ModuleOp) -> dict[str, Any]:
    """The options with which passes ran on a module, by their names in `UserOptions`."""
    options: dict[str, Any] = {}
    for spec in passes_done(module) or ():
        if _name(spec) in OURS:
            options |= asked_for(parse_passes(spec, OURS)[0])
    return options


def asked_for(pass_: ModulePass) -> dict[str, Any]:
    """The options that make this pass, by their names in `UserOptions`; calibration inputs are not among them."""
    match pass_:
        case DetectBlockDiagonalPass():
            return {"prune_below": pass_.prune_below}
        case ProjectMonarchPass():
            blocks = pass_.blocks if pass_.rank is None else f"{pass_.blocks},rank={pass_.rank}"
            return {"monarch": blocks, "monarch_budget": pass_.budget}
        case QuantizePass():
            return {name: getattr(pass_, name) for name in OPTIONS_OF[QuantizePass]}
        case PlaceTilesPass():
            return {name: getattr(pass_, name) for name in OPTIONS_OF[PlaceTilesPass]}
        case ScheduleArraysPass():
            return {"lossy": pass_.lossy}
        case _:
            return {}


OPTIONS_OF = {
    DetectBlockDiagonalPass: ("prune_below",),
    ProjectMonarchPass: ("monarch", "monarch_budget"),
    QuantizePass: ("activations", "weight_bits", "weight_group", "activation_bits", "quality_budget", "smooth"),
    PlaceTilesPass: ("mapping", "objective", "reload"),
    ScheduleArraysPass: ("lossy",),
}
"""The options that each step of the pipeline takes, apart from calibration inputs."""


def check_options(options: UserOptions, done: dict[str, Any], steps: Sequence[Step], subject: str = "") -> None:
    """UserError for an option of a pass that will not run, because it did already, with another value.

    An option at its default counts as not given. `subject` begins the message.
    """
    coming = {step.of for step in steps}
    for pass_type, names in OPTIONS_OF.items():
        for name in names if pass_type not in coming else ():
            value = getattr(options, name)
            if value != getattr(UserOptions, name) and str(value) != str(done.get(name)):
                raise UserError(
                    f"{subject}--{name.replace('_', '-')} {value} is for {pass_type.name}, which does not run on it: "
                    f"expected IR from before it, or --passes"
                )


def is_on_chip(module: ModuleOp) -> bool:
    """Whether a module has begun to be brought onto its chip, so that it cannot go to another."""
    return _chip_steps(module) > 0


def is_quantised(module: ModuleOp) -> bool:
    """Whether a module multiplies integers already."""
    return _network_steps(module) > len(STRUCTURE)


def split(passes: Sequence[ModulePass]) -> tuple[Sequence[ModulePass], Sequence[ModulePass], Sequence[ModulePass]]:
    """Passes before the network is quantised, until its numbers are final, and on the chip."""
    on_chip = {TileBlocksPass.name, ChooseFormatsPass.name, PlaceTilesPass.name, ScheduleArraysPass.name}
    end = next((i for i, pass_ in enumerate(passes) if pass_.name in on_chip), len(passes))
    middle = next((i for i, pass_ in enumerate(passes[:end]) if pass_.name == QuantizePass.name), end)
    return passes[:middle], passes[middle:end], passes[end:]
