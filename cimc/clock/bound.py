"""A time that no schedule can do without: the program's own row groups, dealt over its arrays and ADCs in any way."""

from dataclasses import dataclass

import numpy as np

from cimc.clock.graph import Kind, Steps
from cimc.clock.lists import Numbers
from cimc.program.arrays.planes import planes_of
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.times.timing import activations_of


@dataclass(frozen=True)
class _Conversions:
    """What multiplications convert, a row for each MULTIPLY record; times in ps.

    A record has `columns` conversions of `adc_ps` each, `repeats` times: planes times vectors.
    """

    product: Numbers
    columns: Numbers
    adc_ps: Numbers
    repeats: Numbers

    def of(self, products: Numbers) -> "_Conversions":
        own = np.isin(self.product, products)
        return _Conversions(self.product[own], self.columns[own], self.adc_ps[own], self.repeats[own])

    def least_ps(self, settle_ps: int, converters: int, settles: int = 1) -> int:
        """What so many ADCs need for all of them: so many times settling, and conversions shared evenly.

        Where all are repeated equally often: of the conversions that take at least as long as one of them, an ADC does
        its share or more, and whole ones.
        """
        if not len(self.product):
            return 0
        fewest, settle_ps = int(self.repeats.min()), settles * settle_ps
        work = int((self.repeats * self.columns * self.adc_ps).sum())
        least = fewest * settle_ps - (-work // converters)
        if (self.repeats == fewest).all():
            longest_first = np.argsort(-self.adc_ps, kind="stable")
            shares = -(-np.cumsum(self.columns[longest_first]) // converters)
            least = max(least, fewest * (settle_ps + int((shares * self.adc_ps[longest_first]).max())))
        return least


def latency_lower_bound_ps(steps: Steps) -> int:
    """The least latency of these steps, operators and additions taking no time, on the arrays that the program uses.

    A multiplication takes as long as all ADCs together need for it, between its transfers; so do all multiplications
    between two cuts, where what comes after a cut needs all that comes before it (docs/cost-model.md).
    """
    return _Bound(steps).latency() if (steps.kind == Kind.ACTIVATION).any() else _plain(steps)


def _plain(steps: Steps) -> int:
    """Without multiplications: permutations that wait for each other."""
    ends = np.zeros(len(steps), np.int64)
    for step in steps.order.tolist():
        own = 0 if steps.kind[step] in (Kind.OPERATOR, Kind.ADDITION) else int(steps.duration[step])
        ends[step] = own + int(ends[steps.needs.of(step)].max(initial=0))
    return int(ends.max(initial=0))


def _arrays_at_a_time(program: Program) -> int:
    """The arrays that a program uses; where weights are loaded, the most of a load."""
    loads = program.instructions[program.instructions["op"] == Opcode.LOAD]
    return int(loads["n"].max(initial=0)) if len(loads) else len(program.arrays)


class _Bound:
    def __init__(self, steps: Steps) -> None:
        program, timing = steps.program, steps.program.timing
        assert timing is not None, "a program without times has no steps"
        self.steps, self.settle_ps = steps, timing.settle_ps
        self.converters = max(1, _arrays_at_a_time(program) * program.chip.adcs)
        activations = activations_of(program, timing)
        records = program.instructions[activations.records]
        values, product = np.unique(records["y"].astype(np.int64), return_inverse=True)
        self.count = len(values)
        vectors = (steps.duration[: len(activations.array)] // activations.duration)[activations.of_record]
        self.conversions = _Conversions(
            product.reshape(-1),
            records["columns"].astype(np.int64),
            np.array(timing.adc_ps, np.int64)[records["adc_bits"].astype(np.int64) - 1],
            planes_of(records, program) * vectors,
        )
        self.products: dict[int, list[int]] = {}
        """the multiplications of each vector that moves into arrays"""
        vectors_in = self._vectors_in()
        reads = np.stack([records["stage"], records["x"], self.conversions.product]).astype(np.int64)
        for stage, x, own in np.unique(reads, axis=1).T.tolist():
            self.products.setdefault(vectors_in[stage, x], []).append(own)
        number = {value: i for i, value in enumerate(values.tolist())}
        moved = np.flatnonzero(steps.kind == Kind.OUTWARD)
        slots: list[int] = program.instructions["x"][steps.record[moved]].tolist()
        self.outward: dict[int, int] = {
            step: number[slot] for step, slot in zip(moved.tolist(), slots) if slot in number
        }
        """the multiplication whose product each step moves out"""
        self.before = self._ancestors()

    def latency(self) -> int:
        """The ends of all steps, one after the other; a segment is left when all its multiplications are done."""
        steps, clock = self.steps, _Segments(self)
        ends = [0] * len(steps)
        kinds: list[int] = steps.kind.tolist()
        durations: list[int] = steps.duration.tolist()
        order: list[int] = steps.order.tolist()
        for step in order:
            needs: list[int] = steps.needs.of(step).tolist()
            end: int = max([ends[other] for other in needs], default=0)
            if kinds[step] == Kind.ACTIVATION:
                continue
            if step in self.outward:
                end = clock.end(self.outward[step], end) + durations[step]
            elif kinds[step] not in (Kind.OPERATOR, Kind.ADDITION):
                end += durations[step]
            for product in self.products.get(step, ()):
                clock.begin(product, end)
            ends[step] = end
        return max(*ends, clock.latency())

    def _vectors_in(self) -> dict[tuple[int, int], int]:
        """The steps in which vectors move into arrays, by stage and slot."""
        moves = np.flatnonzero(self.steps.kind == Kind.INWARD)
        records = self.steps.program.instructions[self.steps.record[moves]]
        return dict(zip(zip(records["stage"].tolist(), records["x"].tolist()), moves.tolist()))

    def least(self, products: list[int], settles: int = 1) -> int:
        """How long these multiplications take at least, from when the first begins until the last is converted."""
        return self.conversions.of(np.array(products)).least_ps(self.settle_ps, self.converters, settles)

    def settles(self, segment: list[int]) -> int:
        """How often each ADC has settled, or waited as long, while the multiplications of a segment are converted.

        It is twice if all of them that need no other one of the segment are needed by one. Then an ADC that converts
        for both settles for both, as they are in different stages. One that converts only for those that come first is
        done before another begins that needs what it converted, and one that converts only for others begins after a
        first one has ended; each multiplication takes at least as long as it settles.
        """
        own = sum(1 << product for product in segment)
        first = sum(1 << product for product in segment if not self.before[product] & own)
        needed = 0
        for product in segment:
            needed |= self.before[product] & own
        return 2 if needed and first & ~needed == 0 else 1

    def out(self, own: list[int]) -> int:
        """What the first of these products to move out takes for it; 0 if one stays."""
        times = {product: int(self.steps.duration[step]) for step, product in self.outward.items() if product in own}
        return min(times.values()) if len(times) == len(own) else 0

    def segments(self) -> list[list[int]]:
        """The multiplications between cuts, in order: all of one need all of the one before."""
        before = self.before
        order = sorted(range(self.count), key=lambda product: before[product].bit_count())
        common = [-1] * (self.count + 1)
        for place in range(self.count - 1, -1, -1):
            common[place] = common[place + 1] & before[order[place]]
        segments: list[list[int]] = [[]]
        passed = 0
        for place, product in enumerate(order):
            if segments[-1] and common[place] & passed == passed:
                segments.append([])
            segments[-1].append(product)
            passed |= 1 << product
        return segments

    def _ancestors(self) -> list[int]:
        """For each multiplication those that it needs, as bits: by its own vector, for what shares an activation need
        not do so elsewhere."""
        steps, needed = self.steps, [0] * len(self.steps)
        before = [0] * self.count
        for step in steps.order.tolist():
            bits, needs = 0, list[int](steps.needs.of(step).tolist())
            for other in needs:
                bits |= needed[other]
            if steps.kind[step] == Kind.ACTIVATION:
                continue
            for product in self.products.get(step, ()):
                before[product] |= bits
            if step in self.outward:
                bits = before[self.outward[step]] | 1 << self.outward[step]
            needed[step] = bits
        return before


class _Segments:
    """When the multiplications of each segment begin and are done, at the earliest."""

    def __init__(self, bound: _Bound) -> None:
        self.members = bound.segments()
        self.of_product = {product: number for number, own in enumerate(self.members) for product in own}
        self.least = [bound.least([product]) for product in range(bound.count)]
        self.whole = [bound.least(own, bound.settles(own)) for own in self.members]
        self.out = [bound.out(own) for own in self.members]
        self.inward = int(bound.steps.duration[bound.steps.kind == Kind.INWARD].min(initial=1 << 60))
        self.begun: list[int | None] = [None] * len(self.members)
        self.done = [0] * bound.count

    def begin(self, product: int, ready: int) -> None:
        """A multiplication begins whose vector is there at `ready`, but after all of the segment before."""
        number = self.of_product[product]
        if number:
            ready = max(ready, self.left(number - 1) + self.out[number - 1] + self.inward)
        begun = self.begun[number]
        self.begun[number] = ready if begun is None else min(begun, ready)
        self.done[product] = max(self.done[product], ready + self.least[product])

    def end(self, product: int, ready: int) -> int:
        """When a product can move out whose sums are there at `ready` as far as the steps tell."""
        number = self.of_product[product]
        alone = len(self.members[number]) == 1
        return max(ready, self.left(number) if alone else self.done[product])

    def left(self, number: int) -> int:
        """When all of a segment is converted."""
        return max(
            max(self.done[product] for product in self.members[number]), (self.begun[number] or 0) + self.whole[number]
        )

    def latency(self) -> int:
        """When the last segment is done, and the first of its products out."""
        return self.left(len(self.members) - 1) + self.out[-1]
