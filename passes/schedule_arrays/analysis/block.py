"""The schedule of a block: by its data flow, which is never slower than level by level."""

from collections.abc import Sequence

from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.resources import Resources
from passes.schedule_arrays.analysis.by_levels import schedule_by_levels
from passes.schedule_arrays.analysis.flow import schedule_flow
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Row, Stage, Times


def schedule_block(rows: Sequence[Row], occupancy: Occupancy, resources: Resources, begin: int) -> list[Times]:
    """When each step of the rows runs, from `begin` on [ps]; `occupancy` is of all weights, those of others too.

    What is begun as early as it can be may be in the way of what is more urgent; where this takes longer than going
    from row to row, that is the schedule.
    """
    steps = [step for row in rows for step in row]
    prepared = {
        number: PreparedStage.of(step, occupancy, resources.times)
        for number, step in enumerate(steps)
        if isinstance(step, Stage)
    }
    flow = schedule_flow(steps, prepared, resources, begin)
    end = max((time.end for time in flow), default=begin)
    return schedule_by_levels(rows, prepared, resources, begin, end) or flow
