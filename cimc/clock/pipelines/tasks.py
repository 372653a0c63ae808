"""What a modulo schedule places at once: a stage, or what of it hangs together, and each other step by itself."""

from dataclasses import dataclass

import numpy as np

from cimc.clock.graph import Kind, Steps
from cimc.clock.lists import Lists, Numbers

IN_ARRAYS = (Kind.INWARD, Kind.ACTIVATION, Kind.ADDITION, Kind.OUTWARD)


@dataclass(frozen=True, eq=False)
class Tasks:
    """Steps in groups. What shares vectors, products or registers of a stage is one, all others are by themselves."""

    of_step: Numbers
    steps: Lists
    """those of each task, each after what it needs"""
    before: Lists
    """the tasks that a task needs"""
    residences: Lists
    """the times that arrays serve a stage (`Steps.registers`) that belong to each task"""


def tasks_of(steps: Steps) -> Tasks:
    """The tasks of steps."""
    labels = _components(len(steps), *_inner_pairs(steps))
    _, of_step = np.unique(labels, return_inverse=True)
    count = int(of_step.max(initial=-1)) + 1
    rank = np.empty(len(steps), np.int64)
    rank[steps.order] = np.arange(len(steps))
    by_task = np.lexsort([rank, of_step])
    members = Lists(np.searchsorted(of_step[by_task], np.arange(count + 1)), by_task)
    user, needed = of_step[steps.needs.owners], of_step[steps.needs.values]
    outer = user != needed
    registers = steps.registers
    owner = of_step[registers.inward.values[registers.inward.first[:-1]]]
    return Tasks(
        of_step,
        members,
        Lists.of_pairs(user[outer], needed[outer], count),
        Lists.of_pairs(owner, np.arange(len(owner)), count),
    )


def _inner_pairs(steps: Steps) -> tuple[Numbers, Numbers]:
    """Pairs of steps that belong to the same task."""
    kind, needs, registers = steps.kind, steps.needs, steps.registers
    inner = np.isin(kind[needs.owners], IN_ARRAYS[1:]) & np.isin(kind[needs.values], IN_ARRAYS)
    if steps.apart:  # additions belong to no array
        inner &= (kind[needs.owners] != Kind.ADDITION) & (kind[needs.values] != Kind.ADDITION)
    first = registers.inward.values[registers.inward.first[:-1]]
    users = [needs.owners[inner], registers.inward.values, registers.outward.values]
    others = [needs.values[inner], first[registers.inward.owners], first[registers.outward.owners]]
    return np.concatenate(users), np.concatenate(others)


def _components(count: int, first: Numbers, second: Numbers) -> Numbers:
    """For each of `count` things the smallest that pairs connect it with."""
    labels = np.arange(count)
    while True:
        least = np.minimum(labels[first], labels[second])
        new = labels.copy()
        np.minimum.at(new, first, least)
        np.minimum.at(new, second, least)
        new = new[new]
        if (new == labels).all():
            return labels
        labels = new


def turns_of_registers(steps: Steps) -> tuple[Numbers, Numbers]:
    """Which tokens hold each set of registers (`Steps.registers`): of how many copies of a weight which one's.

    That is 1 and 0, all tokens, unless all that a stage does in an array is for one copy.
    """
    registers, own = steps.registers, np.flatnonzero(steps.kind == Kind.ACTIVATION)
    stage = steps.program.instructions["stage"][steps.record[own]].astype(np.int64)
    array = steps.resources.values[steps.resources.first[own]]
    width = int(registers.stage.max(initial=0)) + 1
    which = np.searchsorted(registers.array * width + registers.stage, array * width + stage)
    least, most = np.full((2, len(registers.array)), np.iinfo(np.int64).max), np.zeros((2, len(registers.array)), int)
    for row, values in enumerate((steps.copies[own], steps.copy[own])):
        np.minimum.at(least[row], which, values)
        np.maximum.at(most[row], which, values)
    alike = (least == most).all(axis=0)
    return np.where(alike, most[0], 1), np.where(alike, most[1], 0)
