"""Pictures: PNG files with the names of the figures, as small as they can be."""

import struct
import zlib
from dataclasses import replace
from unittest.mock import Mock

import pytest
import vl_convert

from cimc.report.figures.all_figures import figures_of
from cimc.report.figures.pictures import pictures_of
from cimc.report.study import Study


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and filtered pixels of a PNG file of one data chunk; checksums are checked."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, data, size = 8, b"", (0, 0)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, chunk = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + chunk),)
        if kind == b"IHDR":
            size = struct.unpack_from(">II", chunk)
        data += chunk if kind == b"IDAT" else b""
        at += 12 + length
    return *size, zlib.decompress(data)


def test_one_program(study: Study) -> None:
    """A picture for every chart of the page, with something on it."""
    pictures = dict(pictures_of([study]))
    drawn = [figure.name for figure in figures_of([study]) if figure.panels[0].chart is not None]
    assert list(pictures) == [f"{name}.png" for name in drawn]
    for png in pictures.values():
        width, height, data = pixels(png)
        assert width >= 950
        assert height >= 40
        assert len(set(data)) > 20


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_several_programs(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names follow the figure's; where two would be the same, numbers do as well. One picture serves for all."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    picture = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(2))) + chunk(b"IEND", b"")
    monkeypatch.setattr(vl_convert, "vegalite_to_png", Mock(return_value=picture))
    names = [name for name, _ in pictures_of([study, replace(study, label="a/b.cim")])]
    assert {"occupancy-p.png", "occupancy-a-b.cim.png", "comparison-arrays.png"} <= set(names)
    alike = [name for name, _ in pictures_of([replace(study, label="a/b"), replace(study, label="a-b")])]
    assert {"occupancy-a-b-0.png", "occupancy-a-b-1.png"} <= set(alike)
