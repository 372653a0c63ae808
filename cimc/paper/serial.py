"""How long the multiplications of a program take if digital operators take no time: in data flow, or stage by stage."""

from dataclasses import replace

import numpy as np

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.lists import Lists, Numbers
from cimc.clock.retiming import retimed


def flow_ps(steps: Steps) -> int:
    """As the program runs, but for its digital operators, which take no time and no unit."""
    return retimed(_without(steps, Kind.OPERATOR)).latency


def serial_ps(steps: Steps) -> int:
    """Stages one after the other: the vectors of a stage move in when all products of the one before are out.

    Permutations take no time, as if they were folded into what moves. Expects products that move out, in every stage.
    """
    stage = _stages(steps)
    owner, need = steps.needs.owners, steps.needs.values
    same = (stage[owner] == stage[need]) & (stage[owner] >= 0)
    owners, needs = [owner[same]], [need[same]]
    for number in range(1, int(stage.max(initial=0)) + 1):
        inward = np.flatnonzero((stage == number) & (steps.kind == Kind.INWARD))
        outward = np.flatnonzero((stage == number - 1) & (steps.kind == Kind.OUTWARD))
        assert inward.size, "a stage reads nothing"
        assert outward.size, "no product of a stage moves out"
        owners.append(np.repeat(inward, len(outward)))
        needs.append(np.tile(outward, len(inward)))
    place = np.empty(len(steps), np.int64)
    place[steps.order] = np.arange(len(steps))
    apart = replace(
        _without(steps, Kind.OPERATOR, Kind.PERMUTATION),
        needs=Lists.of_pairs(np.concatenate(owners), np.concatenate(needs), len(steps)),
        order=np.lexsort([place, stage]),
    )
    return retimed(apart).latency


def _stages(steps: Steps) -> Numbers:
    """The stage that each step belongs to, -1 for what lies between stages."""
    stage = steps.program.instructions["stage"][np.maximum(steps.record, 0)].astype(np.int64)
    inside = np.isin(steps.kind, (Kind.ACTIVATION, Kind.INWARD, Kind.OUTWARD, Kind.ADDITION))
    return np.where(inside, stage, -1)


def _without(steps: Steps, *kinds: Kind) -> Steps:
    """The same where steps of some kinds take no time, and occupy nothing."""
    free = np.isin(steps.kind, kinds)
    return replace(
        steps,
        duration=np.where(free, 0, steps.duration),
        units=np.where(free, 0, steps.units),
        pool=np.where(free, Pool.NONE, steps.pool).astype(np.int8),
    )
