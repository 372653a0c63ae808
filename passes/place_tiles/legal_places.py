"""Which places are legal: inside their arrays, and no two on the same cells."""

from xdsl.dialects.builtin import ModuleOp

from dialects.array import MultiplyOp
from dialects.hardware import chip_of
from dialects.locations import node_name
from dialects.network import main_block
from passes.analysis.places import Placement, illegal_place


def wrongly_placed(module: ModuleOp) -> str | None:
    """A node whose tiles lie outside their arrays or on cells of others; None if all places are legal."""
    users: dict[str, MultiplyOp] = {}
    for op in main_block(module).walk():
        if isinstance(op, MultiplyOp) and op.places is not None:
            users.setdefault(op.symbol, op)
    if not users:
        return None
    chip = chip_of(module)
    placements = [Placement(op.tiles.array, op.places.array) for op in users.values() if op.places is not None]
    found = illegal_place(placements, chip.rows, chip.columns)
    return None if found is None else f"{node_name(list(users.values())[found[0]])}: {found[1]}"
