"""Which encoding suits each weight, where the chip leaves it open: by what its actual cells take in each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dialects.chip.formats import ENCODINGS, OFFSET, CellFormat, Format
from passes.analysis.offsets import Weights
from passes.analysis.row_groups import tile_groups
from passes.analysis.timing import ArrayTimes
from passes.choose_formats.analysis.crossbars import Room
from passes.choose_formats.analysis.needs import Need
from passes.choose_formats.analysis.widths import choose_widths, widened

TilesOf = Callable[[int], Sequence[Weights]]
"""The distinct tiles of the weight of that number, each int8 [rows, columns]."""


@dataclass(frozen=True)
class Converters:
    """What conversions depend on: bits of cells, inputs and ADCs, and the times of an array."""

    cell_bits: int
    dac_bits: int
    adc_bits: int
    times: ArrayTimes


@dataclass(frozen=True)
class Candidate:
    """A format of a weight, and what all its tiles take in it for one plane: conversions, and ps of their arrays."""

    cells: CellFormat
    slices: int
    conversions: int
    time: int


def centred(format_: Format) -> CellFormat:
    """The format, with centred offsets if it has offsets."""
    return CellFormat(format_, format_.encoding == OFFSET)


def candidate(tiles: Sequence[Weights], format_: Format, converters: Converters) -> Candidate | None:
    """What distinct tiles of a weight take in a format; None if a single row is too much for the ADCs."""
    cells, slices = centred(format_), format_.slices(converters.cell_bits)
    groups = tile_groups(tiles, converters.cell_bits, cells, converters.dac_bits, converters.adc_bits, 0)
    if groups is None:
        return None
    columns = np.array([tile.shape[1] for tile in tiles], np.int64)[groups[:, 0]]
    time = converters.times.activations(np.ones_like(columns), columns, groups[:, 3])
    return Candidate(cells, slices, slices * int(columns.sum()), int(time.sum()))


def fewest_crossbars(needs: Sequence[Need], tiles: TilesOf, converters: Converters, room: Room) -> list[CellFormat]:
    """The formats with which all weights take the fewest crossbars, then the fewest conversions, then the least time.

    Offsets need the fewest; another encoding is looked at only where it needs no more.
    """
    bits, cell_bits = [need.offset for need in needs], converters.cell_bits
    plain = [Format(width, OFFSET) for width in choose_widths(bits, OFFSET, cell_bits, room)]
    rivals = [_rivals(need, format_, cell_bits) for need, format_ in zip(needs, plain)]
    best = list(plain)
    for number, formats in enumerate(rivals):
        if len(formats) > 1:
            known = [(f, candidate(tiles(number), f, converters)) for f in formats]
            fitting = [(c.conversions, c.time, i, f) for i, (f, c) in enumerate(known) if c is not None]
            best[number] = min(fitting)[-1] if fitting else formats[0]
    more = _crossbars(best, cell_bits, room) > _crossbars(plain, cell_bits, room)
    return [centred(format_) for format_ in (plain if more else best)]


def _rivals(need: Need, format_: Format, cell_bits: int) -> list[Format]:
    """A format, and those of other encodings that hold the weight in as many crossbars."""
    slices, others = format_.slices(cell_bits), list[Format]()
    for encoding in ENCODINGS:
        other = Format(widened(need.bits(encoding), encoding, cell_bits), encoding)
        if encoding != format_.encoding and other.slices(cell_bits) <= slices:
            others.append(other)
    return [format_, *others]


def _crossbars(formats: Sequence[Format], cell_bits: int, room: Room) -> int:
    numbers = {format_: number for number, format_ in enumerate(dict.fromkeys(formats))}
    format_of = np.array([numbers[format_] for format_ in formats], np.int64)
    return room.crossbars(format_of, [format_.slices(cell_bits) for format_ in numbers])


def least_time(
    needs: Sequence[Need],
    tiles: TilesOf,
    converters: Converters,
    room: Room,
    crossbars: int | None,
) -> list[CellFormat]:
    """The formats in which each weight's arrays work for the shortest time, with the fewest crossbars of equal ones.

    Where that takes more `crossbars` than there are, those weights go back to fewer that lose the least time for each
    crossbar.
    """
    chains: list[list[Candidate]] = []
    for number, need in enumerate(needs):
        own = tiles(number)
        formats = [Format(widened(need.bits(e), e, converters.cell_bits), e) for e in ENCODINGS]
        chains.append(_chain([candidate(own, f, converters) for f in formats]) or [_fallback(formats[0], converters)])
    cells = np.maximum(1, room.own + np.bincount(room.shared[:, 1], room.shared[:, 2], len(needs)).astype(np.int64))
    steps = [
        ((slower.time - faster.time) / ((faster.slices - slower.slices) * int(cells[weight])), weight)
        for weight, chain in enumerate(chains)
        for faster, slower in pairwise(chain)
    ]
    order = [weight for _, weight in sorted(steps)]

    def after(count: int) -> list[Format]:
        position = np.bincount(order[:count], minlength=len(chains)) if count else np.zeros(len(chains), np.int64)
        chosen = [chain[at].cells.format for chain, at in zip(chains, position.tolist())]
        return _joined(chosen, needs, converters.cell_bits, room)

    low, high = 0, len(order)
    while crossbars is not None and low < high:
        middle = (low + high) // 2
        if _crossbars(after(middle), converters.cell_bits, room) <= crossbars:
            high = middle
        else:
            low = middle + 1
    return [centred(format_) for format_ in after(low)]


def _fallback(format_: Format, converters: Converters) -> Candidate:
    """What a weight has that no ADC can read: schedule-arrays will say so."""
    return Candidate(centred(format_), format_.slices(converters.cell_bits), 0, 0)


def _chain(candidates: Sequence[Candidate | None]) -> list[Candidate]:
    """The candidates that are worth it, each slower and in fewer crossbars than that before it, for ever more time."""
    known = sorted((c for c in candidates if c is not None), key=lambda c: (c.time, c.slices))
    chain: list[Candidate] = []
    for c in known:
        if chain and c.slices >= chain[-1].slices:
            continue
        while len(chain) > 1 and _price(chain[-2], chain[-1]) >= _price(chain[-1], c):
            chain.pop()
        chain.append(c)
    return chain


def _price(faster: Candidate, slower: Candidate) -> float:
    return (slower.time - faster.time) / (faster.slices - slower.slices)


def _joined(formats: Sequence[Format], needs: Sequence[Need], cell_bits: int, room: Room) -> list[Format]:
    """The formats, some of them wider, where those of one encoding take fewer crossbars so."""
    joined = list(formats)
    for encoding in ENCODINGS:
        members = [i for i, format_ in enumerate(formats) if format_.encoding == encoding]
        own = [needs[i].bits(encoding) for i in members]
        for i, width in zip(members, choose_widths(own, encoding, cell_bits, room.part(members))):
            joined[i] = Format(width, encoding)
    return joined
