"""The steps of a program as lists, which placing them one by one reads fast."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import lcm

import numpy as np

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.lists import Lists
from cimc.clock.pipelines.tasks import tasks_of, turns_of_registers

Hold = tuple[int, int, int, int, int]
"""An array, from when and for how long a stage holds a set of its registers [ps], and of how many copies of a weight it
uses which."""


@dataclass(eq=False)
class Plan:
    """Steps and tasks, and how long it is from each task to the end at least."""

    steps: Steps
    duration: list[int] = field(init=False)

    def __post_init__(self) -> None:
        steps = self.steps
        tasks, registers = tasks_of(steps), steps.registers
        self.of_step = tasks.of_step
        """the task of each step"""
        self.of_step_list: list[int] = tasks.of_step.tolist()
        self.duration = steps.duration.tolist()
        self.kind: list[int] = steps.kind.tolist()
        self.units: list[int] = steps.units.tolist()
        self.pool: list[int] = steps.pool.tolist()
        self.resources = _lists(steps.resources)
        self.needs: list[list[int]] = _lists(steps.needs)
        self.members = _lists(tasks.steps)
        self.residences = _lists(tasks.residences)
        self.array: list[int] = registers.array.tolist()
        self.inward, self.outward = _lists(registers.inward), _lists(registers.outward)
        self.turns: list[tuple[int, int]] = list(zip(steps.copies.tolist(), steps.copy.tolist(), strict=True))
        self.most = self._most()
        copies, copy = turns_of_registers(steps)
        self.turns_of_residences: list[tuple[int, int]] = list(zip(copies.tolist(), copy.tolist(), strict=True))
        self.copies = self._copies_of_tasks()
        self.before: list[int] = np.diff(tasks.before.first).tolist()
        self.after = [list[int]() for _ in self.members]
        for user, before in enumerate(_lists(tasks.before)):
            for needed in before:
                self.after[needed].append(user)
        self.height = self._heights()
        self.stages = [t for t, members in enumerate(self.members) if self.kind[members[0]] == Kind.INWARD]
        self.inputs = {t: [i for i in self.members[t] if self.kind[i] == Kind.INWARD] for t in self.stages}
        self.offsets: dict[int, dict[int, int]] = {}
        """of stages, when their steps start if nothing else is in their way but their own activations"""
        self.alone = {t: self._alone(t) for t in self.stages}
        self.rigid = self._rigid()

    def _heights(self) -> list[int]:
        height = [0] * len(self.duration)
        order: list[int] = self.steps.order.tolist()
        for step in reversed(order):
            height[step] += self.duration[step]
            for needed in self.needs[step]:
                height[needed] = max(height[needed], height[step])
        return [max(height[step] for step in members) for members in self.members]

    def _most(self) -> list[int]:
        """After how many tokens each resource does the same again: all copies that it works for have whole turns."""
        most = np.ones(self.steps.resource_count, np.int64)
        np.lcm.at(most, self.steps.resources.values, self.steps.copies[self.steps.resources.owners])
        return most.tolist()

    def _copies_of_tasks(self) -> list[int]:
        """After how many tokens each task uses the same copies of weights again, 1 if it does the same for all."""
        return [
            lcm(
                *(self.turns[step][0] for step in members),
                *(self.turns_of_residences[r][0] for r in self.residences[task]),
            )
            for task, members in enumerate(self.members)
        ]

    def holds(self, task: int, start: dict[int, int], end: dict[int, int]) -> list[Hold]:
        """What a stage holds of registers if its steps start and end then."""
        holds: list[Hold] = []
        for r in self.residences[task]:
            first = min([start[i] for i in self.inward[r]])
            last = max([end[i] for i in self.outward[r]])
            holds.append((self.array[r], first, last - first, *self.turns_of_residences[r]))
        return holds

    def _alone(self, task: int) -> list[Hold]:
        """What a stage holds if it starts at 0 and nothing else is in its way but its own activations."""
        start: dict[int, int] = {}
        end: dict[int, int] = {}
        free: dict[int, int] = {}
        for step in self.members[task]:
            inward = self.kind[step] == Kind.INWARD
            begin = 0 if inward else max(end[needed] for needed in self.needs[step])
            if self.kind[step] == Kind.ACTIVATION:
                begin = max(begin, free.get(self.resources[step][0], 0))
                free[self.resources[step][0]] = begin + self.duration[step]
            start[step], end[step] = begin, begin + self.duration[step]
        self.offsets[task] = start
        return self.holds(task, start, end)

    def _rigid(self) -> set[int]:
        """Stages whose steps start as far apart wherever they find room: those of an array that moves by itself,
        without links, and has one set of registers, which keeps activations apart."""
        if not self.steps.apart or self.steps.buffers > 1 or len(self.steps.pools[Pool.LINKS]):
            return set()
        return {task for task in self.stages if len(self.residences[task]) == 1}


def _lists(lists: Lists) -> list[list[int]]:
    values: list[int] = lists.values.tolist()
    first: list[int] = lists.first.tolist()
    return [values[begin:end] for begin, end in pairwise(first)]
