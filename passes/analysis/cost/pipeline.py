"""Many tokens one after the other: the time of the first, and how soon the next can follow."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Prefill:
    """`tokens` tokens through a chip: `fill + (tokens - 1) * interval`; times in ns."""

    tokens: int
    fill_ns: float
    """Latency of the first token."""
    interval_ns: float
    """Initiation interval: what the busiest resource is busy for with one token."""
    busiest: str

    @property
    def latency_ns(self) -> float:
        return self.fill_ns + (self.tokens - 1) * self.interval_ns

    @property
    def tokens_per_second(self) -> float | None:
        """In the long run; None if nothing takes time."""
        return 1e9 / self.interval_ns if self.interval_ns else None


def prefill(tokens: int, fill_ns: float, busy_ns: Mapping[str, float]) -> Prefill:
    """The time of tokens that follow each other as soon as the busiest resource allows; `busy_ns` is for one token."""
    busiest = max(busy_ns, key=lambda name: busy_ns[name])
    return Prefill(tokens, fill_ns, busy_ns[busiest], busiest)
