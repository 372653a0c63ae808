"""The checker of pipelines whose arrays move vectors and sums by themselves against the simulation (S20).

A pipeline begins as the scheduler makes it, or with tokens that follow each other when one is done; moves come, go and
are shifted, the interval becomes shorter, and what is still legal is changed further.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.clock.pipelines.pipeline import QUICK
from cimc.clock.pipelines.pipelined import pipelined
from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import activations_of, record_ends

Make = Callable[[Random], Program]
Follow = Callable[[Program, dict[int, int]], bool]


def raises(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProgramError:
        return True
    return False


def pipeline_of(program: Program) -> Pipeline:
    assert program.pipeline is not None
    return program.pipeline


def first_pipeline(program: Program, random: Random) -> Program:
    """That of the scheduler, where arrays move all by themselves without links, or one token after the other."""
    assert program.timing is not None
    if program.timing.links is None or random.random() < 0.2:
        program = pipelined(program, random.choice([2, 100]), QUICK)
        own = pipeline_of(program)
        longest = 1000 + int(
            max(own.starts.max(), own.moves[:, 3].max(initial=0), own.operations[:, 3:].max(initial=0))
        )
        return program if random.random() < 0.4 else replace(program, pipeline=replace(own, interval_ps=longest))
    interval = 1 + int(record_ends(program, program.timing, activations_of(program, program.timing)).max())
    starts = program.instructions["start"].astype(np.int64)
    return replace(program, pipeline=Pipeline(interval, starts, program.operations.copy()))


def moved(program: Program, random: Random) -> Program:
    """The program with another interval, another start, or a move that comes, goes or is shifted."""
    own = pipeline_of(program)
    moves, starts, interval = own.moves.copy(), own.starts.copy(), own.interval_ps
    for _ in range(random.randint(1, 2)):
        number = random.randrange(len(moves)) if len(moves) else None
        match random.randrange(7):
            case 0 | 1:
                moves = np.append(moves, [a_move(program, random)], axis=0)
            case 2 | 3 if number is not None:
                moves[number, 3] = max(0, moves[number, 3] + random.choice([-9, -2, -1, 1, 2, 5, interval, -interval]))
            case 4 if number is not None:
                moves = np.delete(moves, number, axis=0)
            case 5:
                interval = max(1, random.choice([interval - 1, interval * 9 // 10, interval // 3, interval + 3]))
            case _:
                records = program.instructions
                work = np.flatnonzero(np.isin(records["op"], (Opcode.TRANSFER, Opcode.MULTIPLY, Opcode.ADD)))
                chosen = random.choice(work.tolist())
                same = (records["op"] == records["op"][chosen]) & (starts == starts[chosen])
                starts[same] = max(0, int(starts[chosen]) + random.choice([-3, -1, 1, 4]))
    return replace(program, pipeline=replace(own, moves=moves, starts=starts, interval_ps=interval))


def a_move(program: Program, random: Random) -> tuple[int, int, int, int]:
    """A move of an array, of something that it needs or makes more often than not."""
    own, records = pipeline_of(program), program.instructions
    record = random.choice(np.flatnonzero(records["op"] == Opcode.TRANSFER).tolist())
    value = "y" if records["flags"][record] else "x"
    works = (records["op"] == Opcode.MULTIPLY) & (records[value] == records["x"][record])
    arrays: list[int] = np.unique(records["array"][works]).tolist()
    array = random.choice(arrays) if arrays and random.random() < 0.9 else random.randrange(len(program.arrays))
    start = int(own.starts[record]) + random.choice([0, 0, 0, 1, 5, -1, -4])
    links = program.timing.links if program.timing is not None else None
    return record, array, random.randrange(links) if links else 0, max(0, start)


def walk(random: Random, steps: int, program: Program, can_follow: Follow) -> list[tuple[bool, int, float]]:
    """What both agree on: whether each of some pipelines is legal, its moves, and how many tokens are on their way."""
    stages = [Stage(stage.number, 0, 1 << 40) for stage in program.stages]
    program = first_pipeline(replace(program, stages=stages), random)
    verify_schedule(program)
    assert can_follow(program, {})
    verdicts: list[tuple[bool, int, float]] = []
    for _ in range(steps):
        other = moved(program, random)
        own = pipeline_of(other)
        depth = int(own.starts.max()) / own.interval_ps
        if not raises(other.verify) and depth < 6:
            legal = not raises(lambda other=other: verify_schedule(other))
            assert legal == can_follow(other, {})
            verdicts.append((legal, len(own.moves), depth))
            program = other if legal else program
    return verdicts


@settings(max_examples=15, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_checker_and_simulation_agree(random_program: Make, can_follow: Follow, random: Random) -> None:
    walk(random, 8, random_program(random), can_follow)


def test_arrays_often_move_by_themselves(random_program: Make, can_follow: Follow) -> None:
    verdicts: list[tuple[bool, int, float]] = []
    for seed in range(48):
        random = Random(seed)
        verdicts += walk(random, 10, random_program(random), can_follow)
    legal = [(moves, depth) for legal, moves, depth in verdicts if legal]
    assert 0.2 < len(legal) / len(verdicts) < 0.8
    assert sum(moves > 0 for moves, _ in legal) > 10
    assert sum(depth > 1 for moves, depth in legal if moves) > 5
