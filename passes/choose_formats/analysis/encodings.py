"""Which encoding suits each weight, where the chip leaves it open: by what its actual cells take in each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

    Of limited `crossbars` those that one weight takes are missing where tiles could work at the same time, in arrays
    of their format. So there all weights have one encoding: of those that fit that with the least crossbar-time.
    """
    known = [_by_encoding(need, tiles(number), converters) for number, need in enumerate(needs)]
    if crossbars is None:
        fastest = [min(own, key=lambda e: (own[e].time, own[e].slices), default=OFFSET) for own in known]
        return [centred(format_) for format_ in _joined(fastest, needs, converters.cell_bits, room)]
    choices: list[tuple[int, list[Format]]] = []
    for encoding in ENCODINGS:
        formats = _joined([encoding] * len(needs), needs, converters.cell_bits, room)
        fits = _crossbars(formats, converters.cell_bits, room) <= crossbars
        if encoding == OFFSET or (fits and all(encoding in own for own in known)):
            taken = sum(own[encoding].time * own[encoding].slices for own in known if encoding in own)
            choices.append((taken, formats))
    return [centred(format_) for format_ in min(choices, key=lambda choice: choice[0])[1]]


def _by_encoding(need: Need, tiles: Sequence[Weights], converters: Converters) -> dict[str, Candidate]:
    """What a weight takes in each encoding that the ADCs can read."""
    known = dict[str, Candidate]()
    for encoding in ENCODINGS:
        bits = widened(need.bits(encoding), encoding, converters.cell_bits)
        taken = candidate(tiles, Format(bits, encoding), converters)
        if taken is not None:
            known[encoding] = taken
    return known


def _joined(encodings: Sequence[str], needs: Sequence[Need], cell_bits: int, room: Room) -> list[Format]:
    """Formats in these encodings: those of one have the bits with which all of them take the fewest crossbars."""
    joined: dict[int, Format] = {}
    for encoding in ENCODINGS:
        members = [i for i, own in enumerate(encodings) if own == encoding]
        own = [needs[i].bits(encoding) for i in members]
        for i, width in zip(members, choose_widths(own, encoding, cell_bits, room.part(members))):
            joined[i] = Format(width, encoding)
    return [joined[i] for i in range(len(needs))]
