"""What to tell of how true a program is to its original: where it may clip, what clipped, what was measured."""

from collections.abc import Iterator, Mapping, Sequence

from cimc.program.arrays.conversions import MayClip, clipping_layers, may_clip
from cimc.program.distance import Distance
from cimc.program.metadata import Json
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import Opcode

SHOWN = 3
"""Layers that are named."""


def may_clip_text(clipping: MayClip, nodes: Sequence[str]) -> str:
    """How much may clip; `nodes` are those of the layers that it is in."""
    where = f" ({_some(nodes)})" if clipping.layers < clipping.of_layers else ""
    return (
        f"{clipping.row_groups:,} of {clipping.of_row_groups:,} row groups, {clipping.conversions:,} of "
        f"{clipping.of_conversions:,} conversions a token, in {clipping.layers} of {clipping.of_layers} layers{where}"
    )


def clipped_text(distance: Distance, nodes: Mapping[int, Sequence[str]]) -> str:
    """How much clipped when it was measured, and in which stage most of it; `nodes` are those of each stage."""
    clipped, made = distance.clipped or (0, 0)
    total = f"{clipped:,} of {made:,} conversions ({_percent(clipped, made)})"
    if not clipped:
        return total
    shares = distance.clipping or {}
    worst = min(shares, key=lambda stage: (-shares[stage][0], stage))
    return f"{total}, most in stage {worst} ({_percent(*shares[worst])}): {_some(nodes.get(worst, ()))}"


def measured_text(distance: Distance) -> str:
    """The distance, and on which inputs it was measured."""
    if distance.failure is not None:
        return str(distance)
    return f"{distance}; {f'inputs of {one_line(distance.inputs)}' if distance.inputs else 'inputs made up'}"


def options_text(options: Mapping[str, Json]) -> str:
    """What the compiler was asked for; what was left open is left out."""
    calibrate = options.get("calibrate")
    parts = [f"{name} {value}" for name, value in options.items() if name != "calibrate" and value is not None]
    if isinstance(calibrate, dict):
        parts.append(f"calibrate {calibrate.get('file')} (digest {str(calibrate.get('digest'))[:16]})")
    return one_line(", ".join(parts))


def fidelity_lines(program: Program) -> Iterator[tuple[str, str]]:
    """All of that of one program: a title, and a text of one line."""
    if program.options:
        yield "options", options_text(program.options)
    clipping = may_clip(program)
    if clipping:
        yield "may clip", may_clip_text(clipping, clipping_nodes(program))
    if program.measured is not None:
        if program.measured.clipping is not None:
            yield "clipped", clipped_text(program.measured, nodes_by_stage(program))
        yield program.measured.ran, measured_text(program.measured)


def clipping_nodes(program: Program) -> list[str]:
    """The nodes of the multiplications that may clip."""
    layers = clipping_layers(program)
    return [m.node for m in program.multiplications if m.y in layers]


def nodes_by_stage(program: Program) -> dict[int, list[str]]:
    """The nodes of the multiplications in each stage."""
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    stage_of = dict(zip(records["y"].tolist(), records["stage"].tolist(), strict=True))
    nodes: dict[int, list[str]] = {}
    for multiplication in program.multiplications:
        if multiplication.y in stage_of:
            nodes.setdefault(stage_of[multiplication.y], []).append(multiplication.node)
    return nodes


def _some(nodes: Sequence[str]) -> str:
    others = f" and {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else ""
    return f"{', '.join(map(one_line, nodes[:SHOWN]))}{others}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.3g} %"
