"""The schedule of a block level by level: one row of steps after the other, the measure of every other order."""

from collections.abc import Mapping, Sequence
from heapq import heapify, heapreplace

from passes.analysis.cost.digital import OperatorCost
from passes.analysis.stages.additions import schedule_additions
from passes.analysis.stages.resources import Resources
from passes.schedule_arrays.analysis.operators import schedule_operators
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Moved, Operator, Permutation, Row, Stage, StageTimes, Times


def schedule_by_levels(
    rows: Sequence[Row], prepared: Mapping[int, PreparedStage], resources: Resources, begin: int, before: int
) -> list[Times] | None:
    """When each step of the rows runs, from `begin` on [ps]; None if not all is done before that time.

    `prepared` are the stages, by their numbers among the steps. In a row all steps begin when those of the row before
    are done. Of a stage all vectors move in, then all is converted and added, then all products move out.
    """
    times: list[Times] = []
    clock, value = begin, 0
    for row in rows:
        operators = [step for step in row if isinstance(step, Operator)]
        waiting = [(_free(step), [need - value for need in step.needs if need >= value]) for step in operators]
        times += schedule_operators(waiting, resources.digital_units, resources.attention_units, clock)
        times += _moves([step.picoseconds for step in row if isinstance(step, Permutation)], resources.links, clock)
        for step in row:
            if isinstance(step, Stage):
                times.append(_stage(prepared[len(times)], resources, clock))
            value += len(step.products) if isinstance(step, Stage) else 1
        clock = max((time.end for time in times[len(times) - len(row) :]), default=clock)
        if clock >= before:
            return None
    return times


def _free(step: Operator) -> OperatorCost:
    return OperatorCost(step.cost.unit.NONE) if step.is_free else step.cost


def _moves(durations: Sequence[int], links: int | None, begin: int) -> list[Moved]:
    """Vectors that are all there at `begin` [ps], in their order."""
    if links is None:
        return [Moved(0, begin, duration) for duration in durations]
    free = [(begin, link) for link in range(min(links, len(durations)))]
    heapify(free)
    moved: list[Moved] = []
    for duration in durations:
        start, link = free[0]
        moved.append(Moved(link, start, duration))
        heapreplace(free, (start + duration, link))
    return moved


def _stage(prepared: PreparedStage, resources: Resources, begin: int) -> StageTimes:
    stage, activations = prepared.stage, prepared.activations
    ins = _moves(stage.ins, resources.links, begin)
    there = max(moved.end for moved in ins)
    starts, ends = (time[activations.of_job] + there for time in activations.in_turn())
    parts = [product.parts(end) for product, end in zip(stage.products, prepared.split(ends))]
    adds, summed = schedule_additions(parts, resources.digital_units, resources.add_ps, resources.vector_width)
    done = max(int(ends.max(initial=there)), summed)
    adds = [product.additions(own) for product, own in zip(stage.products, adds)]
    return StageTimes(ins, prepared.split(starts), adds, _moves(stage.outs, resources.links, done))
