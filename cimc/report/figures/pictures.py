"""The figures of a page as PNG images, drawn without a browser."""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import vl_convert
from altair.utils import schemapi

from cimc.report.figures.all_figures import figures_of
from cimc.report.figures.figure import VEGA_LITE, Panel
from cimc.report.study import Study

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SCALE = 2
"""Pixels of a picture by points of the chart: sharp in print."""


def pictures_of(studies: Sequence[Study]) -> Iterator[tuple[str, bytes]]:
    """File name and contents of a picture for each chart: `occupancy.png`, or `occupancy-<program>.png` of several."""
    with schemapi.debug_mode(False):  # as on the page
        specs = list(_specs(studies))
    for name, spec in specs:
        yield name, _packed(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=SCALE))


def _specs(studies: Sequence[Study]) -> Iterator[tuple[str, dict[str, Any]]]:
    for figure in figures_of(studies):
        names = [f"{figure.name}.png"] if len(studies) == 1 else _names(figure.name, figure.panels)
        for name, panel in zip(names, figure.panels, strict=True):
            if panel.chart is not None:
                yield name, panel.spec()


def _names(figure: str, panels: Sequence[Panel]) -> list[str]:
    """File names with the label of each panel; with its number too where two would be the same."""
    labels = [re.sub(r"[^\w.-]+", "-", panel.label).strip("-.") for panel in panels]
    numbered = len(set(labels)) < len(labels)
    return [f"{figure}-{label}{f'-{i}' if numbered else ''}.png" for i, label in enumerate(labels)]


def _packed(png: bytes) -> bytes:
    """The same picture with its pixels compressed well, which makes it five times smaller."""
    chunks = list(_chunks(png))
    pixels = zlib.decompress(b"".join(data for chunk_type, data in chunks if chunk_type == b"IDAT"))
    kept = [(chunk_type, data) for chunk_type, data in chunks if chunk_type != b"IDAT"]
    written = [*kept[:-1], (b"IDAT", zlib.compress(pixels)), kept[-1]]
    return png[: len(SIGNATURE)] + b"".join(
        struct.pack(">I", len(data)) + chunk_type + data + struct.pack(">I", zlib.crc32(chunk_type + data))
        for chunk_type, data in written
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk of a PNG file (PNG specification, section 5)."""
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length
