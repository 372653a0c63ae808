"""What is left to be done with a module, and which options it was made with."""

from typing import Any

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.options.compilation import UserOptions
from cimc.pass_driver.pipeline import PIPELINE, passes_of
from cimc.pass_driver.remaining_passes import (
    OPTIONS_OF,
    asked_for,
    check_options,
    is_on_chip,
    is_quantised,
    options_so_far,
    remaining_steps,
    split,
)
from cimc.universe import make_context
from dialects.errors import UserError
from dialects.history import begin_history, note_pass

FLOATS = "%y = cim.matmul %f, @f : tensor<?x4xf32> -> tensor<?x4xf32>"
BYTES = "%y = cim.matmul %x, @w : tensor<?x4xui8> -> tensor<?x4xi32>"
TILED = "%y = array.multiply %x by @w {{ tile 0: rows 0 to 3, columns 0 to 3{} }} : tensor<?x4xui8> -> tensor<?x4xi32>"
PLACED = TILED.format(" in array 0 at row 0, column 0")
NAMES = [step.of.name for step in PIPELINE]


def module_of(line: str, *passes: str) -> ModuleOp:
    text = f"""func.func @main(%x: tensor<?x4xui8>, %f: tensor<?x4xf32>) {{
      {line}
      func.return
    }}"""
    module = Parser(make_context(), text).parse_module()
    if passes:
        begin_history(module, {})
        for spec in passes:
            note_pass(module, spec)
    return module


@pytest.mark.parametrize(
    ("line", "passes", "next_pass"),
    [
        (FLOATS, (), 0),
        (BYTES, (), 6),
        (FLOATS + BYTES.replace("%y", "%z"), (), 0),
        (TILED.format(""), (), 8),
        (TILED.format("").replace("@w", '@w in 8 bits "offset"'), (), 9),
        (PLACED, (), 10),
        (FLOATS, ("fold-constants",), 1),
        (FLOATS, ("canonicalize", "raise-matmul", "fold-constants"), 2),
        (FLOATS, ("detect-block-diagonal{prune_below=0.5}",), 3),
        (FLOATS, ("fold-permutations", "detect-block-diagonal"), 5),
        (BYTES, ("fold-constants", "quantize"), 6),
        (BYTES, ("quantize", "fold-constants"), 7),
        (TILED.format(""), ("fold-constants", "tile-blocks", "place-tiles"), 8),
        ("%y = cim.none : none", (*NAMES,), 11),
    ],
)
def test_what_is_left(line: str, passes: tuple[str, ...], next_pass: int) -> None:
    steps = remaining_steps(module_of(line, *passes))
    assert [step.of.name for step in steps] == NAMES[next_pass:]


def test_on_the_chip_or_not() -> None:
    assert [is_on_chip(module_of(line)) for line in (FLOATS, BYTES, TILED.format(""))] == [False, False, True]
    assert [is_quantised(module_of(line)) for line in (FLOATS, BYTES, PLACED)] == [False, True, True]


@pytest.mark.parametrize(
    "options",
    [
        {"mapping": "spread", "objective": "latency", "lossy": 5},
        {"prune_below": 1e-9, "monarch": 4, "monarch_budget": 0.25},
        {"monarch": "8,rank=2", "activations": "tensor"},
        {"monarch": "auto"},
        {"weight_bits": 3, "weight_group": 64, "activation_bits": 5, "quality_budget": 0.1},
    ],
)
def test_options_come_back_from_passes(options: dict[str, Any]) -> None:
    asked: dict[str, object] = {}
    for pass_ in passes_of(PIPELINE, UserOptions(**options)):
        asked |= asked_for(pass_)
    assert {name: str(asked[name]) for name in options} == {name: str(value) for name, value in options.items()}
    assert set(asked) <= {name for names in OPTIONS_OF.values() for name in names}


def test_options_of_a_module() -> None:
    module = module_of(PLACED, "odd{x=1}", "quantize", 'place-tiles{mapping="linear"}', "place-tiles")
    assert options_so_far(module)["mapping"] == UserOptions.mapping
    assert options_so_far(module)["activations"] == "token"
    check_options(UserOptions(mapping="linear"), {"mapping": "linear"}, ())
    check_options(UserOptions(mapping="linear"), {}, PIPELINE)
    with pytest.raises(
        UserError, match=r"^m: --prune-below 0.5 is for detect-block-diagonal, which does not run on it"
    ):
        check_options(UserOptions(prune_below=0.5), {}, PIPELINE[-3:], "m: ")


def test_the_three_parts_of_a_way() -> None:
    passes = passes_of(PIPELINE, UserOptions())
    parts = split(passes)
    assert [pass_.name for part in parts for pass_ in part[:1]] == ["fold-constants", "quantize", "tile-blocks"]
    assert [*parts[0], *parts[1], *parts[2]] == [*passes]
    assert [len(part) for part in split(passes[-1:])] == [0, 0, 1]
    assert [len(part) for part in split(passes[:2])] == [2, 0, 0]
