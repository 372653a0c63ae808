"""Stages from data dependence: what may run at the same time."""

from collections.abc import Sequence


def levels(depends_on: Sequence[Sequence[int]], counts: Sequence[bool]) -> list[int]:
    """The level of each node: how many nodes that count, in succession, it waits for.

    `depends_on[i]` are the earlier nodes that node i reads. Where multiplications count, those of one level form a
    stage, and digital operators of level l run before stage l.
    """
    level_of: list[int] = []
    for needs in depends_on:
        level_of.append(max((level_of[j] + counts[j] for j in needs), default=0))
    return level_of
