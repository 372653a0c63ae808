"""Parts of a program, by stage, node and array, and what is said of parts that are not there."""

from dataclasses import replace

import pytest

from cimc.program.errors import ProgramError
from cimc.program.listing import listing_lines
from cimc.program.program import Program
from cimc.program.records import no_records
from cimc.program.selection import Selection


def chosen(program: Program, selection: Selection) -> list[int]:
    return selection.records(program).tolist()


def test_all_of_it(scheduled: Program) -> None:
    assert not Selection()
    assert chosen(scheduled, Selection()) == list(range(len(scheduled.instructions)))
    assert Selection().tiles(scheduled).tolist() == [0, 1, 2]


def test_stages(scheduled: Program) -> None:
    stages = scheduled.instructions["stage"]
    assert chosen(scheduled, Selection(stages=[range(1, 2)])) == [i for i, stage in enumerate(stages) if stage == 1]
    assert len(chosen(scheduled, Selection(stages=[range(1), range(1, 2)]))) == len(stages)
    assert Selection(stages=[range(1, 2)]).tiles(scheduled).tolist() == [0, 1]


def test_nodes(scheduled: Program) -> None:
    """Their multiplications with the transfers of their vectors, in their own stages, and the kernels they are in."""
    lines = [" ".join(line.split()[2:5]) for line in listing_lines(scheduled)]

    def of(*nodes: str) -> list[str]:
        return [lines[i] for i in chosen(scheduled, Selection(nodes=nodes))]

    assert of("/second") == [
        "transfer v1 into",
        "clear v3 =",
        "multiply v3[0:4] +=",
        "multiply v3[0:4] +=",
        "transfer v3 out",
    ]
    assert of("/join") == ["kernel v4 ="]
    assert of("/again")[0] == "transfer v5 into"
    assert len(of("/first", "/second")) == len(of("/first")) + len(of("/second")) - 1  # v1 is moved for both
    assert of("/[fs]*") == of("/first", "/second")
    assert Selection(nodes=["/second"]).tiles(scheduled).tolist() == [2]


def test_arrays(scheduled: Program) -> None:
    """Their multiplications, and not additions on the digital unit of that number."""
    records = scheduled.instructions
    for i in chosen(scheduled, Selection(arrays=[range(1, 2)])):
        assert (records["op"][i], records["array"][i]) == (3, 1)
    assert len(chosen(scheduled, Selection(arrays=[range(1)]))) == 4
    assert Selection(arrays=[range(1)]).tiles(scheduled).tolist() == [0, 1]


def test_together(scheduled: Program) -> None:
    """All that are given hold."""
    both = Selection(stages=[range(1)], nodes=["/first"], arrays=[range(1)])
    first = set(chosen(scheduled, Selection(nodes=["/first"])))
    assert chosen(scheduled, both) == [3, 4]
    assert set(chosen(scheduled, both)) < first


def test_names_with_letters_of_patterns_are_names_first(scheduled: Program) -> None:
    named = replace(scheduled, multiplications=[replace(m, node=f"n[{m.y}]") for m in scheduled.multiplications])
    assert len(chosen(named, Selection(nodes=["n[3]"]))) == 5


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(nodes=["/fist"]), "no node is called '/fist': near ones are '/first'"),
        (Selection(nodes=["AGAI"]), "no node is called 'AGAI': near ones are '/again'"),
        (Selection(nodes=["zzzzzz"]), "no node is called 'zzzzzz': the program has 5 nodes, like '/first'"),
        (Selection(stages=[range(1, 4)]), "stage 3 does not exist: the program has stages 0 to 1"),
        (Selection(arrays=[range(1 << 40)]), f"array {(1 << 40) - 1} does not exist: the program has arrays 0 to 1"),
        (
            Selection(nodes=["/second"], arrays=[range(1)]),
            "no record belongs to the nodes and arrays that were asked for, all at once",
        ),
    ],
)
def test_what_is_not_there(selection: Selection, message: str, scheduled: Program) -> None:
    with pytest.raises(ProgramError) as error:
        selection.records(scheduled)
    assert str(error.value) == message


def test_no_tiles(scheduled: Program) -> None:
    with pytest.raises(ProgramError, match="no tile belongs to the stages and arrays"):
        Selection(stages=[range(1, 2)], arrays=[range(1, 2)]).tiles(scheduled)


def test_programs_without_names_or_records(scheduled: Program) -> None:
    nameless = replace(scheduled, multiplications=[], kernels=[])
    with pytest.raises(ProgramError, match="the program names no nodes"):
        Selection(nodes=["/first"]).records(nameless)
    with pytest.raises(ProgramError, match="stage 0 does not exist: the program has no stages"):
        Selection(stages=[range(1)]).records(replace(scheduled, instructions=no_records()))


def test_a_node_of_control_flow(looped: Program) -> None:
    assert Selection(nodes=["/loop"]).records(looped).tolist() == [0, 6]
