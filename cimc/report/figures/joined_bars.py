"""Bars of a schedule that are too many to draw: those that nobody could tell apart become one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cimc.report.timeline import Event, Resource

FINEST = 4096
"""Parts of the whole time that a screen can tell apart, at most."""
SEVERAL = "several nodes"


@dataclass(frozen=True)
class Joined:
    """Events of which some stand for several; those of one lane were joined across gaps of at most `gap_ps`."""

    events: list[Event]
    gap_ps: int


def joined(events: Sequence[Event], most: int) -> Joined:
    """At most `most` events, if joining neighbours of one lane that belong to one layer makes them so few.

    `events` are ordered by their start. The gap grows until they are few enough.
    """
    kept, gap = list(events), 0
    end = max((event.end_ps for event in events), default=0)
    while len(kept) > most and gap < end:
        gap = max(end // FINEST, 2 * gap, 1)
        kept = _across(events, gap)
    return Joined(kept, gap)


def _across(events: Sequence[Event], gap: int) -> list[Event]:
    kept: list[Event] = []
    counts: list[int] = []
    last: dict[tuple[Resource, int, int, int], int] = {}
    for event in events:
        lane = event.resource, event.unit, event.part, event.parts
        place = last.get(lane)
        if place is not None and _belong_together(kept[place], event, gap):
            kept[place] = _both(kept[place], event)
            counts[place] += 1
        else:
            last[lane] = len(kept)
            kept.append(event)
            counts.append(0)
    return [
        replace(event, does=f"{event.does}, and {more:,} more") if more else event for event, more in zip(kept, counts)
    ]


def _belong_together(first: Event, second: Event, gap: int) -> bool:
    return first.layer == second.layer and first.stage == second.stage and second.start_ps - first.end_ps <= gap


def _both(first: Event, second: Event) -> Event:
    end = max(first.end_ps, second.end_ps)
    node = first.node if first.node == second.node else SEVERAL
    return replace(first, duration_ps=end - first.start_ps, node=node)
