"""SmolLM2-135M with weights of few bits: what it costs in quality, and what it saves in crossbars and conversions.

`SMOLLM2` in the environment names a folder with the checkpoint and its tokenizer. The text that is predicted is
Python's `pydoc_data.topics`; weights are rounded by docstrings of the standard library, which are other text.
"""

import importlib
import inspect
import json
import os
import pydoc_data.topics
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

AddRow = Callable[..., None]
MODULES = (
    "argparse array ast asyncio bisect calendar cmd codecs collections configparser contextlib copy csv dataclasses "
    "datetime decimal difflib dis doctest email enum fractions ftplib functools gettext glob hashlib heapq html.parser "
    "http.client imaplib inspect io itertools json locale logging mailbox math multiprocessing operator optparse os "
    "pathlib pickle platform poplib pprint profile queue random re sched select selectors shelve shlex shutil signal "
    "smtplib socket socketserver sqlite3 ssl statistics string struct subprocess tarfile tempfile textwrap threading "
    "timeit tokenize traceback turtle typing unittest urllib.parse urllib.request uuid warnings weakref "
    "xml.dom.minidom xml.etree.ElementTree zipfile zoneinfo"
)
SHORT = 200
"""Characters; docstrings that have fewer say little."""
WINDOW, SCORED, CALIBRATED = 64, 24, 128
"""Tokens of a window, windows that are predicted, and windows that weights are rounded by."""
AIMED = "4 to 6 bits"
CHOICES: dict[str, list[object]] = {
    "4 bits": ["--weight-bits", 4],
    AIMED: ["--weight-bits", "auto", "--quality-budget", 0.22],
}
"""What weights are compiled to; the targets are for the second, and said of both."""
PERPLEXITY, CROSSBARS, CONVERSIONS = 1.08, 0.55, 0.6
"""At most: of the floats, and of weights of 8 bits."""


@pytest.fixture
def folder() -> Path:
    name = os.environ.get("SMOLLM2")
    if name is None:
        pytest.skip("SMOLLM2 names no folder with the checkpoint")
    return Path(name)


def test_weights_of_few_bits(folder: Path, tmp_path: Path, row: AddRow) -> None:
    network, calibration = tmp_path / "smol.onnx", tmp_path / "calib.npz"
    (tmp_path / "topics.txt").write_text("\n\n".join(text for _, text in sorted(pydoc_data.topics.topics.items())))
    (tmp_path / "docstrings.txt").write_text("\n\n".join(docstrings()))
    read = ["--tokenizer", folder, "--window", WINDOW]
    command("export_model", folder, "-o", network)
    command("compile_model", network, "-o", tmp_path / "w8.cim", "--no-measure")
    texts = ["--text", tmp_path / "docstrings.txt", *read, "--windows", CALIBRATED]
    command("evaluate", tmp_path / "w8.cim", *texts, "--save-inputs", calibration)
    given = ["--weight-group", 128, "--calibrate", calibration, "--activations", "token", "--no-measure"]
    for name, bits in CHOICES.items():
        command("compile_model", network, "-o", tmp_path / f"{name}.cim", *bits, *given, "--time-limit", 3600)
    figures: dict[str, dict[str, Any]] = {}
    for name in ("w8", *CHOICES):
        quality, report = tmp_path / f"{name}.quality.json", tmp_path / f"{name}.json"
        texts = ["--text", tmp_path / "topics.txt", *read, "--windows", SCORED]
        command("evaluate", tmp_path / f"{name}.cim", *texts, "--original", network, "--json", quality)
        command("report_program", tmp_path / f"{name}.cim", "--json", report, "-o", tmp_path / "page.html")
        figures[name] = json.loads(report.read_text()) | json.loads(quality.read_text())
    w8, floats = figures["w8"], figures["w8"]["scores"]["original"]["perplexity"]
    row("SmolLM2-135M, 8 bits: perplexity", ratio=w8["scores"]["program"]["perplexity"] / floats, against="floats")
    missed: list[str] = []
    for name in CHOICES:
        own = figures[name]
        rows = [
            ("perplexity", own["scores"]["program"]["perplexity"] / floats, "floats", PERPLEXITY),
            ("crossbars", own["crossbars"] / w8["crossbars"], "8 bits", CROSSBARS),
            ("conversions", own["conversions_per_token"] / w8["conversions_per_token"], "8 bits", CONVERSIONS),
        ]
        for figure, ratio, against, target in rows:
            row(f"SmolLM2-135M, {name}: {figure}", ratio=ratio, against=against, target=target)
        missed += [f"{name}: {figure}" for figure, ratio, _, target in rows if ratio > target]
    assert not [figure for figure in missed if figure.startswith(AIMED)], missed


def command(name: str, *arguments: object) -> None:
    """Run a command of this project; what it prints is seen where it fails."""
    subprocess.run([sys.executable, "-m", f"cimc.commands.{name}", *map(str, arguments)], check=True)


def docstrings() -> list[str]:
    """Those of modules, classes, methods and functions, each once; the first of them are of all modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of names that go with the next Python
        texts = {text for name in MODULES.split() for text in _of(importlib.import_module(name)) if len(text) > SHORT}
    return sorted(map(inspect.cleandoc, texts), key=lambda text: sha256(text.encode()).digest())


def _of(owner: object) -> Iterator[str]:
    if isinstance(doc := getattr(owner, "__doc__", None), str):
        yield doc
    if inspect.ismodule(owner) or inspect.isclass(owner):
        for _, member in sorted(vars(owner).items()):
            if inspect.isroutine(member) or (inspect.isclass(member) and inspect.ismodule(owner)):
                yield from _of(member)
