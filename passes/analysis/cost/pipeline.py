"""Many tokens one after the other: the time of the first, and how soon the next can follow."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Prefill:
    """`tokens` tokens through a chip: `fill + (tokens - 1) * interval`; times in ns."""

    tokens: int
    fill_ns: float
    """From when the first token begins to when it is done."""
    interval_ns: float
    """Initiation interval: how long after a token the next one begins."""
    busiest: str
    """What limits it: the resource that a token needs for longest."""
    load_ns: float
    """How long a token needs the busiest resource for, which no interval can be shorter than."""
    proved: bool
    """Whether a schedule with this interval was made and checked; otherwise it is an estimate, `load_ns` itself."""

    @property
    def latency_ns(self) -> float:
        return self.fill_ns + (self.tokens - 1) * self.interval_ns

    @property
    def interval_over_load(self) -> float | None:
        """How far the interval is from what the busiest resource allows; None if nothing takes time."""
        return self.interval_ns / self.load_ns if self.load_ns else None

    @property
    def tokens_per_second(self) -> float | None:
        """In the long run; None if nothing takes time."""
        return 1e9 / self.interval_ns if self.interval_ns else None


def prefill(tokens: int, fill_ns: float, busy_ns: Mapping[str, float]) -> Prefill:
    """An estimate: tokens follow each other as soon as the busiest resource allows; `busy_ns` is for one token."""
    busiest = max(busy_ns, key=lambda name: busy_ns[name])
    return Prefill(tokens, fill_ns, busy_ns[busiest], busiest, busy_ns[busiest], False)
