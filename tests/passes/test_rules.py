"""Rules: what breaks each of them, and the one line that says so."""

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.pass_driver.pass_runner import check
from cimc.universe import make_context
from passes.rules import (
    EQUAL_COPIES,
    FLAT,
    INTEGERS,
    LEGAL_PLACES,
    LOADS_APART,
    OF_NETWORKS,
    ONE_FORMAT,
    PLACEABLE,
    PLACED,
    SAME_COPIES,
    SAME_FORMATS,
    SAME_LOADS,
    SAME_PLACES,
    SAME_TILES,
    SCHEDULABLE,
    SCHEDULED,
    TILED,
    TILES_FIT,
    TILES_OF_BLOCKS,
    UNSCHEDULED,
    IllegalNetwork,
    Rule,
    require,
)

CHIP = """hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8,
    adcs = 1, encoding = "offset">"""
WEIGHTS = """
  cim.weight @w = dense<1> : tensor<4x2xi8>
  cim.weight @v = dense<1> : tensor<4x2xi8>
  cim.weight @f = dense<1.0> : tensor<4x4xf32>
  cim.weight @b = dense<1> : tensor<2x2x1xi8> structure #cim.block_diagonal<2 blocks of 2x1, "block_diagonal">
  cim.weight @long = dense<1> : tensor<5x2xi8>"""
KINDS = "tensor<?x4xui8> -> tensor<?x2xi32>"


def network(*operations: str, chip: str = CHIP) -> ModuleOp:
    """A network of operations of `%x` (uint8, 4 elements), `%f` (floats), `%l` (5 elements) and `%go`."""
    text = f"""builtin.module attributes {{{chip}}} {{ {WEIGHTS}
      func.func @main(%x: tensor<?x4xui8>, %f: tensor<?x4xf32>, %l: tensor<?x5xui8>, %go: tensor<i1>) {{
        {" ".join(operations)}
        func.return
      }}
    }}"""
    module = Parser(make_context(), text).parse_module()
    module.verify()
    return module


def multiply(
    weight: str = "w",
    tiles: str = "[[0, 0, 4, 2]]",
    places: str = "",
    groups: str = "",
    node: str = "/fc",
    cells: str = "",
    copies: int = 1,
    load: int | None = None,
) -> str:
    """A multiplication in generic form, as `loc("node")`."""
    given = {"tiles": tiles, "places": places, "groups": groups}
    tables = "".join(f", {name} = #array.table<{table}>" for name, table in given.items() if table)
    x, y = KINDS.split(" -> ")
    properties = f"weight = @{weight}{tables}" + (f", format = #array.format<{cells}>" if cells else "")
    properties += f", copies = {copies} : i64" if copies > 1 else ""
    properties += "" if load is None else f", load = {load} : i64"
    return f'%{weight}{node[1:]} = "array.multiply"(%x) <{{{properties}}}> : ({x}) -> {y} loc("{node}")'


TWICE = "[[0, 0, 4, 2], [0, 0, 4, 2]]"
FLOATS = '%y = cim.matmul %f, @f : tensor<?x4xf32> -> tensor<?x4xf32> loc("/fc")'
BYTES = f'%y = cim.matmul %x, @w : {KINDS} loc("/fc")'
BODY = 'cim.digital "If"(%go) bodies ["then_branch"] { OPERATION cim.yield } : (tensor<i1>) -> ()'
BRANCHES = BODY.replace("]", ', "else_branch"]', 1).replace(":", "{ cim.yield } :", 1)
STAGE = f"""%y = array.stage 0 start_ps 0 duration_ps 9 {{
    %in = array.transfer %x "into arrays" start_ps 0 duration_ps 2 : tensor<?x4xui8>
    {multiply(places="[[0, 0, 0]]", groups="[[0, 0, 4, 4, 0, 12, 5]]").replace("%x", "%in")}
    %out = array.transfer %wfc "out of arrays" start_ps 7 duration_ps 2 : tensor<?x2xi32>
    array.yield %out : tensor<?x2xi32> }} : tensor<?x2xi32> loc("stage 0")"""
KERNEL = """%k = array.kernel 0 start_ps 0 duration_ps 9 {
    %r = cim.digital "Relu"(%f) : (tensor<?x4xf32>) -> tensor<?x4xf32> loc("/relu")
    array.yield %r : tensor<?x4xf32> } : tensor<?x4xf32> loc("kernel 0")"""

BROKEN: list[tuple[Rule, tuple[str, ...], str]] = [
    (UNSCHEDULED, (STAGE,), "node '/fc' is scheduled: expected IR from before schedule-arrays, to run quantize on"),
    (UNSCHEDULED, (KERNEL,), "node '/relu' is scheduled: expected IR from before schedule-arrays, to run quantize on"),
    (
        UNSCHEDULED,
        (multiply(groups="[[0, 0, 4, 4, 0, 12, 5]]"),),
        "node '/fc' is scheduled: expected IR from before schedule-arrays, to run quantize on",
    ),
    (
        FLAT,
        (BODY.replace("OPERATION", FLOATS),),
        'node \'/fc\' stands in a body of If: expected cim.digital "MatMul" or "MatMulInteger" there',
    ),
    (
        OF_NETWORKS,
        ('%two = builtin.unrealized_conversion_cast %x : tensor<?x4xui8> to tensor<?x4xi8> loc("/fc")',),
        "node '/fc' is builtin.unrealized_conversion_cast: expected operations of the languages cim and array alone",
    ),
    (INTEGERS, (FLOATS,), "node '/fc' multiplies f32, arrays multiply integers: run quantize first"),
    (TILED, (BYTES,), "node '/fc' has no tiles: run tile-blocks first"),
    (
        TILES_FIT,
        (
            "%y = array.multiply %l by @long { tile 0: rows 0 to 4, columns 0 to 1 } "
            ': tensor<?x5xui8> -> tensor<?x2xi32> loc("/fc")',
        ),
        "node '/fc' has tiles of 5x2, chip 'tiny-4' has arrays of 4x4: run tile-blocks, on IR from before it, for this "
        "chip",
    ),
    (
        SAME_TILES,
        (multiply(), multiply(tiles="[[0, 0, 2, 2], [2, 0, 2, 2]]", node="/two")),
        "node '/two' has other tiles of weight @w than node '/fc': run tile-blocks, on IR from before it",
    ),
    (
        TILES_OF_BLOCKS,
        (multiply("b"),),
        "node '/fc' has tiles of weight @b outside its blocks: run tile-blocks, on IR from before it",
    ),
    (
        TILES_OF_BLOCKS,
        (multiply(tiles="[[0, 0, 3, 2], [2, 0, 2, 2]]"),),
        "node '/fc' has tiles of weight @w that overlap: run tile-blocks, on IR from before it",
    ),
    (PLACED, (multiply(),), "node '/fc' has no places for its tiles: run place-tiles first"),
    (
        SAME_PLACES,
        (multiply(places="[[0, 0, 0]]"), multiply(places="[[1, 0, 0]]", node="/two")),
        "node '/two' has other places of weight @w than node '/fc': run place-tiles for legal places",
    ),
    (
        SAME_LOADS,
        (multiply(places="[[0, 0, 0]]", load=0), multiply(places="[[0, 0, 0]]", node="/two", load=1)),
        "node '/two' has other load of weight @w than node '/fc': run place-tiles for legal places",
    ),
    (
        LOADS_APART,
        (multiply(places="[[0, 0, 0]]", load=0), multiply("v", places="[[1, 0, 0]]", node="/two")),
        "node '/two' has no load, others have: weights pass through the chip in parts: run place-tiles for legal "
        "places",
    ),
    (
        LOADS_APART,
        (multiply(places="[[1, 0, 0]]", load=0), multiply("v", places="[[1, 0, 2]]", node="/two", load=1)),
        "node '/two' of load 1 lies in array 1, of a load before it: run place-tiles for legal places",
    ),
    (
        LOADS_APART,
        (
            BRANCHES.replace(
                "OPERATION",
                multiply(places="[[0, 0, 0]]", load=0) + multiply("v", places="[[1, 0, 0]]", node="/two", load=1),
            ),
        ),
        "node '/two' in a body of control flow is of load 1, others there of load 0: run place-tiles for legal places",
    ),
    (
        LEGAL_PLACES,
        (multiply(places="[[0, 0, 0]]"), multiply("v", places="[[0, 0, 1]]", node="/two")),
        "node /two: tiles overlap in array 0: run place-tiles for legal places",
    ),
    (
        LEGAL_PLACES,
        (multiply(places="[[0, 0, 0]]"), multiply("v", places="[[0, 0, 3]]", node="/two")),
        "node /two: a tile lies outside array 0: run place-tiles for legal places",
    ),
    (
        LEGAL_PLACES,
        (multiply(places="[[2147483647, 0, 0]]"),),
        "node /fc: a tile lies in array 2147483647, there are 2147483647: run place-tiles for legal places",
    ),
    (
        SAME_COPIES,
        (multiply(), multiply(tiles=TWICE, copies=2, node="/two")),
        "node '/two' has other copies of weight @w than node '/fc': run place-tiles on IR from before it",
    ),
    (
        EQUAL_COPIES,
        (multiply(tiles="[[0, 0, 4, 2], [0, 0, 4, 1]]", copies=2),),
        "node '/fc' has copies of weight @w that hold different parts of blocks: run place-tiles on IR from before it",
    ),
    (
        EQUAL_COPIES,
        (multiply(tiles=TWICE, copies=2, places="[[0, 0, 0], [0, 0, 2]]"),),
        "node '/fc' has copies of weight @w that share an array: run place-tiles on IR from before it",
    ),
    (
        TILES_OF_BLOCKS,
        (multiply(tiles="[[0, 0, 4, 2], [0, 0, 3, 2], [2, 0, 2, 2]]", copies=2),),
        "node '/fc' has tiles of weight @w that overlap: run tile-blocks, on IR from before it",
    ),
    (
        SAME_FORMATS,
        (multiply(), multiply(cells='4, "offset"', node="/two")),
        "node '/two' has other format of weight @w than node '/fc': run choose-formats",
    ),
    (
        ONE_FORMAT,
        (multiply(places="[[2, 0, 0]]"), multiply("v", places="[[2, 0, 2]]", cells='4, "offset"', node="/two")),
        "node '/two' has tiles of 4 bits, offset in array 2, others there are of 8 bits, offset: "
        "run place-tiles for legal places",
    ),
    (SCHEDULED, (multiply(places="[[0, 0, 0]]"),), "node '/fc' is not scheduled: run schedule-arrays first"),
]


@pytest.mark.parametrize(("rule", "operations", "message"), BROKEN)
def test_what_breaks_a_rule(rule: Rule, operations: tuple[str, ...], message: str) -> None:
    with pytest.raises(IllegalNetwork) as error:
        require(network(*operations), [rule], "quantize")
    assert str(error.value) == message
    assert error.value.in_file == (rule not in (INTEGERS, TILED, PLACED))


def test_what_keeps_all_rules() -> None:
    placed = multiply(places="[[0, 0, 0]]"), multiply("v", places="[[0, 0, 2]]", node="/two")
    blocks = multiply("b", tiles="[[0, 0, 2, 1], [2, 1, 1, 1], [3, 1, 1, 1]]", node="/three")
    require(network(multiply(), blocks), PLACEABLE, "place-tiles")
    require(network(*placed), [UNSCHEDULED, *SCHEDULABLE], "schedule-arrays")
    require(network(STAGE), [*SCHEDULABLE, SCHEDULED], "schedule-arrays")
    require(network(BODY.replace("OPERATION", "")), [UNSCHEDULED, *SCHEDULABLE, SCHEDULED], "schedule-arrays")


def test_tiles_of_one_format_share_an_array() -> None:
    """Centred offsets or not, and said or not."""
    said = '8, "offset", centred'
    placed = multiply(places="[[0, 0, 0]]"), multiply("v", places="[[0, 0, 2]]", cells=said, node="/two")
    require(network(*placed), [ONE_FORMAT], "schedule-arrays")


@pytest.mark.parametrize(
    ("arrays", "places", "cells", "fault"),
    [
        (2, "[[1, 0, 0]]", "", None),
        (2, "[[2, 0, 0]]", "", "node /fc: a tile lies in array 2, there are 2"),
        (1, "[[0, 0, 0], [1, 0, 0]]", '4, "offset"', None),
        (1, "[[0, 0, 0], [1, 0, 0]]", '5, "offset"', "node /fc: arrays 0 to 1 have 6 crossbars, chip 'tiny-4' has 4"),
        (1, "[[0, 0, 0], [4, 0, 0]]", '2, "offset"', "node /fc: a tile lies in array 4, there are 1"),
        (1, "[[0, 0, 0], [1, 0, 0]]", "", "node /fc: a tile lies in array 1, there are 1"),
    ],
)
def test_a_chip_has_so_many_crossbars(arrays: int, places: str, cells: str, fault: str | None) -> None:
    """Of 2-bit cells, an array of 8 bits has 4; those that are empty count as one of 8 bits."""
    tiles = "[[0, 0, 4, 1], [0, 1, 4, 1]]" if places.count("[") > 2 else "[[0, 0, 4, 2]]"
    op = multiply(tiles=tiles, places=places, cells=cells)
    module = network(op, chip=CHIP.replace("adcs = 1", f"adcs = 1, arrays = {arrays}"))
    if fault is None:
        require(module, [LEGAL_PLACES], "schedule-arrays")
    else:
        with pytest.raises(IllegalNetwork) as error:
            require(module, [LEGAL_PLACES], "schedule-arrays")
        assert str(error.value) == f"{fault}: run place-tiles for legal places"


def test_the_first_broken_rule_is_told() -> None:
    with pytest.raises(IllegalNetwork, match="has no tiles"):
        require(network(multiply(), BYTES), SCHEDULABLE, "schedule-arrays")


def test_rules_after_a_pass_are_assertions() -> None:
    overlapping = multiply(places="[[0, 0, 0]]"), multiply("v", places="[[0, 0, 1]]", node="/two")
    with pytest.raises(
        AssertionError, match=r"where all their cells are the same should hold, but not for node '/two'"
    ):
        check(network(*overlapping), "place-tiles")
    check(network(multiply(places="[[0, 0, 0]]"), multiply("v", places="[[0, 0, 2]]", node="/two")), "place-tiles")
