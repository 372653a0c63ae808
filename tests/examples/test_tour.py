"""The notebook runs, and shows what is stored in it; cells with the tag `varies` may show something else each time.

`python tests/examples/test_tour.py` runs it and stores what it shows.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
TOUR = ROOT / "examples" / "tour.ipynb"
VARIES = "varies"
SHOWN = ("text/html", "text/plain")


def executed() -> Any:
    """The notebook after a run in its folder, without outputs that vary and what else is of one run only."""
    notebook: Any = nbformat.read(TOUR, as_version=4)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        NotebookClient(
            notebook, timeout=600, coalesce_streams=True, resources={"metadata": {"path": str(TOUR.parent)}}
        ).execute()
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    for cell in code_of(notebook):
        cell.metadata.pop("execution", None)
        cell.execution_count = None
        if VARIES in cell.metadata.get("tags", ()):
            cell.outputs.clear()
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = None
    return notebook


def code_of(notebook: Any) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def shown_in(cell: Any) -> list[str]:
    """What a cell shows, as text."""
    texts: list[str] = []
    for output in cell.outputs:
        assert output.output_type in ("stream", "execute_result"), output
        assert output.get("name") != "stderr", output
        data = {"text/plain": output.text} if output.output_type == "stream" else output.data
        texts += [data[form] for form in SHOWN if form in data]
    return texts


def test_it_shows_what_is_stored_in_it() -> None:
    stored, now = (list(code_of(notebook)) for notebook in (nbformat.read(TOUR, as_version=4), executed()))
    assert len(stored) == len(now) > 10
    for before, after in zip(stored, now, strict=True):
        assert shown_in(after) == shown_in(before), after.source
    assert sum(bool(cell.outputs) for cell in stored) > len(stored) / 2


if __name__ == "__main__":
    nbformat.write(executed(), TOUR)
