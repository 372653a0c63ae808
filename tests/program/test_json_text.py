"""Programs as JSON: by the schema of the docs, with the numbers of the records, a line at a time."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from cimc.program.json_text import FIELDS, array_entries, header_json, json_lines, record_entries
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.seal import Seal
from cimc.program.times.pipeline import Pipeline

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "objdump.schema.json").read_text())


def parsed(program: Program, name: str = "", entries: Any = ()) -> dict[str, Any]:
    content = json.loads("\n".join(json_lines(header_json(program, Seal(2, "12ab")), name, entries)))
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(content)] == []
    return content


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_header(handmade: Program) -> None:
    header = parsed(handmade)
    assert (header["version"], header["digest"]) == (2, "12ab")
    assert header["source"] == handmade.source.to_json()
    assert header["counts"] == {
        "arrays": 2,
        "crossbars": 8,
        "tiles": 2,
        "records": 6,
        "values": 5,
        "kernels": 2,
        "stages": 1,
    }
    assert header["formats"] == [{"bits": 8, "encoding": "offset", "crossbars": 4, "arrays": 2}]
    assert "records" not in header


@pytest.mark.parametrize("name", ["handmade", "scheduled"])
def test_records(name: str, request: pytest.FixtureRequest) -> None:
    """Every field of the table has its number, and nothing but these."""
    program: Program = request.getfixturevalue(name)
    entries = parsed(program, "records", record_entries(program))["records"]
    assert [entry["number"] for entry in entries] == list(range(len(program.instructions)))
    for entry, record in zip(entries, program.instructions, strict=True):
        assert {key: record[key] for key in FIELDS[Opcode(record["op"])]}.items() <= entry.items()
        assert entry["start"] == record["start"]
        assert "stage" in entry


def test_names_of_records(scheduled: Program) -> None:
    entries: list[Any] = list(record_entries(scheduled, np.array([0, 1, 3, 9])))
    assert [entry["op"] for entry in entries] == ["kernel", "transfer", "multiply", "transfer"]
    assert [entry["nodes"] for entry in entries] == [["/quantise"], [], ["/first"], []]
    assert [entry.get("direction") for entry in entries] == [None, "into arrays", None, "out of arrays"]


def test_arrays(scheduled: Program) -> None:
    first, second = parsed(scheduled, "arrays", array_entries(scheduled))["arrays"]
    assert (first["array"], first["used"], second["array"], second["used"]) == (0, 0.5, 1, 1.0)
    assert (first["format"], second["format"]) == (0, 0)
    tile = {"weight": "first", "nodes": ["/first", "/again"], "rows": 2, "columns": 2, "n": 0}
    places = [{"row": 0, "column": 0, "k": 0}, {"row": 2, "column": 2, "k": 2}]
    assert first["tiles"] == [{**tile, **place} for place in places]
    (part,) = parsed(scheduled, "arrays", array_entries(scheduled, np.array([1])))["arrays"]
    assert part == {**first, "tiles": first["tiles"][1:]}


def test_lists_without_entries(scheduled: Program) -> None:
    assert parsed(scheduled, "arrays", [])["arrays"] == []
    assert list(array_entries(scheduled, np.array([], np.intp))) == []


def test_times_and_pipelines(scheduled: Program, handmade: Program) -> None:
    assert scheduled.timing is not None
    scheduled.timing = replace(scheduled.timing, buffers=2, links=3, link_bits_per_ns=0.5)
    assert parsed(handmade)["timing"] is None
    assert parsed(scheduled)["timing"] == scheduled.timing.to_json()
    starts = np.arange(len(scheduled.instructions), dtype=np.int64)
    piped = replace(scheduled, pipeline=Pipeline(700, starts, scheduled.operations))
    content = parsed(piped, "records", record_entries(piped, np.array([3, 7])))
    assert content["pipeline"] == {"interval_ps": 700}
    assert [(entry["start"], entry["pipeline_start"]) for entry in content["records"]] == [(180, 3), (180, 7)]
    moving = replace(scheduled, pipeline=Pipeline(700, starts, scheduled.operations, np.array([[1, 0, 2, 80]])))
    records = parsed(moving, "records", record_entries(moving, np.array([1, 3])))["records"]
    assert [entry.get("pipeline_moves") for entry in records] == [[{"array": 0, "link": 2, "start": 80}], None]


def test_copies_of_weights(scheduled: Program) -> None:
    first, second = scheduled.weights
    copied = replace(scheduled, weights=[first, replace(second, copies=2)])
    records = parsed(copied, "records", record_entries(copied))["records"]
    assert [entry.get("copy") for entry in records if entry["op"] == "multiply"] == [None, None, 0, 0, None, None]
    arrays = parsed(copied, "arrays", array_entries(copied))["arrays"]
    assert [tile.get("copy") for array in arrays for tile in array["tiles"]] == [None, None, 0]


def test_control_flow(looped: Program) -> None:
    """Its records, and the values that they move."""
    content = parsed(looped, "records", record_entries(looped))
    assert [control["type"] for control in content["controls"]] == ["loop"]
    assert [(r["op"], r["k"], r["nodes"]) for r in content["records"] if r["op"] in ("loop", "end")] == [
        ("loop", 0, ["/loop"]),
        ("end", 0, ["/loop"]),
    ]
