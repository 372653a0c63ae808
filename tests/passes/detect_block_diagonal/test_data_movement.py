"""What chains of data movement do to vectors is read off; nothing is taken for a permutation that is none."""

import pytest
from xdsl.dialects.func import ReturnOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, main_block
from passes.detect_block_diagonal.data_movement import Movement, Sources, Tried, movement

CONSTANTS = """
  %split = cim.constant dense<[0, 2, 2]> : tensor<3xi64>
  %join = cim.constant dense<[0, 4]> : tensor<2xi64>
  %flat = cim.constant dense<[-1, 4]> : tensor<2xi64>
  %pads = cim.constant dense<[0, 1, 0, 1]> : tensor<4xi64>
  %three = cim.constant dense<3.0> : tensor<f32>
  %half = cim.constant dense<0.5> : tensor<f32>
  %indices = cim.constant dense<[3, 3, -4]> : tensor<3xi64>
  %zero = cim.constant dense<[0]> : tensor<1xi64>
  %two = cim.constant dense<[2]> : tensor<1xi64>
  %many = cim.constant dense<[999]> : tensor<1xi64>
  %one = cim.constant dense<[1]> : tensor<1xi64>
  %ones = cim.constant dense<1.0> : tensor<1x1xf32>
  %two_one = cim.constant dense<[[2.0, 1.0]]> : tensor<1x2xf32>
  %nought = cim.constant dense<0.0> : tensor<1x1xf32>"""


def tried(body: str, x: str, y: str) -> Movement | None:
    """What `body` does on the way from %x of type `x` to %y of type `y`."""
    ctx = make_context()
    end = f"func.return %y : tensor<{y}xf32>"
    text = f"func.func @main(%x: tensor<{x}xf32>) -> tensor<{y}xf32> {{{CONSTANTS}\n{body}\n{end}\n}}"
    module = Parser(ctx, text).parse_module()
    last = main_block(module).last_op
    assert isinstance(last, ReturnOp)
    source = Sources().of(last.arguments[0])
    return None if source is None else movement(last.arguments[0], source, Network.of(ctx, module))


SHUFFLE = """
  %a = cim.digital "Reshape"(%x, %split) : (tensor<{0}x4xf32>, tensor<3xi64>) -> tensor<{0}x2x2xf32>
  %b = cim.digital "Transpose"(%a) with {{perm = array<i64: 0, 2, 1>}} : (tensor<{0}x2x2xf32>) -> tensor<{0}x2x2xf32>
  %y = cim.digital "Reshape"(%b, %join) : (tensor<{0}x2x2xf32>, tensor<2xi64>) -> tensor<{0}x4xf32>"""


GATHER = """
  %order = cim.constant dense<{}> : tensor<3xi64>
  %y = cim.digital "Gather"(%x, %order) with {{axis = 1 : i64}} : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x3xf32>"""


@pytest.mark.parametrize("batch", ["?", "3", "1"])
def test_a_shuffle(batch: str) -> None:
    found = tried(SHUFFLE.format(batch), f"{batch}x4", f"{batch}x4")
    assert found is not None
    assert found.table.tolist() == [0, 2, 1, 3]
    assert found.same_leading


@pytest.mark.parametrize(
    ("body", "y", "table"),
    [
        ('"Gather"(%x, %indices) with {axis = 1 : i64} : (tensor<1x4xf32>, tensor<3xi64>)', "1x3", [3, 3, 0]),
        ('"Pad"(%x, %pads) : (tensor<1x4xf32>, tensor<4xi64>)', "1x6", [-1, 0, 1, 2, 3, -1]),
        (
            '"Concat"(%x, %nought, %x) with {axis = 1 : i64} : (tensor<1x4xf32>, tensor<1x1xf32>, tensor<1x4xf32>)',
            "1x9",
            [0, 1, 2, 3, -1, 0, 1, 2, 3],
        ),
        ('"Slice"(%x, %zero, %one, %one) : (tensor<1x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)', "1x1", [0]),
    ],
)
def test_choices_and_zeros(body: str, y: str, table: list[int]) -> None:
    found = tried(f"%y = cim.digital {body} -> tensor<{y}xf32>", "1x4", y)
    assert found is not None
    assert found.table.tolist() == table


def test_leading_dimensions_that_are_joined() -> None:
    body = '%y = cim.digital "Reshape"(%x, %flat) : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>'
    found = tried(body, "?x3x4", "?x4")
    assert found is not None
    assert found.table.tolist() == [0, 1, 2, 3]
    assert not found.same_leading


@pytest.mark.parametrize(
    ("body", "x", "y"),
    [
        (
            '"Slice"(%x, %zero, %one, %zero) : (tensor<2x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)',
            "2x4",
            "1x4",
        ),
        ('"Concat"(%x, %x) with {axis = 0 : i64} : (tensor<1x4xf32>, tensor<1x4xf32>)', "1x4", "2x4"),
        ('"Transpose"(%x) with {perm = array<i64: 1, 0>} : (tensor<4x4xf32>)', "4x4", "4x4"),
        ('"Transpose"(%x) with {perm = array<i64: 1, 0, 2>} : (tensor<?x3x4xf32>)', "?x3x4", "3x?x4"),
        ('"Concat"(%x, %ones) with {axis = 1 : i64} : (tensor<1x4xf32>, tensor<1x1xf32>)', "1x4", "1x5"),
        ('"Pad"(%x, %pads, %three) : (tensor<1x4xf32>, tensor<4xi64>, tensor<f32>)', "1x4", "1x6"),
        ('"Pad"(%x, %pads, %half) : (tensor<1x4xf32>, tensor<4xi64>, tensor<f32>)', "1x4", "1x6"),
    ],
)
def test_what_is_no_permutation_of_vectors(body: str, x: str, y: str) -> None:
    """Vectors lost, added or mixed, and numbers that are not zero beside them."""
    assert tried(f"%y = cim.digital {body} -> tensor<{y}xf32>", x, y) is None


@pytest.mark.parametrize(("last", "table"), [("two", None), ("many", [0, 1, 2, 3])])
def test_a_choice_that_is_right_for_the_vectors_of_one_trial(last: str, table: list[int] | None) -> None:
    """The first trial has two vectors: the first two of them are all, in the second they are not."""
    operands = f"%x, %zero, %{last}, %zero"
    kinds = "tensor<?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>"
    found = tried(f'%y = cim.digital "Slice"({operands}) : ({kinds}) -> tensor<?x4xf32>', "?x4", "?x4")
    assert (None if found is None else found.table.tolist()) == table


def test_constants_that_equal_the_numbers_of_one_trial() -> None:
    """The first trial numbers the four elements from 1 on, and so takes these constants for the first two."""
    body = (
        '%y = cim.digital "Concat"(%x, %two_one) with {axis = 1 : i64} : '
        "(tensor<1x4xf32>, tensor<1x2xf32>) -> tensor<1x6xf32>"
    )
    assert tried(body, "1x4", "1x6") is None


@pytest.mark.parametrize("kind", ["tensor<f32>", "tensor<?x0xf32>", "tensor<*xf32>", "tensor<?x4xf16>"])
def test_what_holds_no_vectors_to_try(kind: str) -> None:
    """Neither one number nor nothing, nor what has no known shape or numbers that do not tell all places."""
    ctx = make_context()
    text = f"""func.func @main(%x: {kind}) -> {kind} {{
      %y = cim.digital "Identity"(%x) : ({kind}) -> {kind}
      func.return %y : {kind}
    }}"""
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    assert movement(network.returned.arguments[0], network.block.args[0], network) is None


@pytest.mark.parametrize(("like", "table"), [("?x2", [0, 1]), ("?x4", None)])
def test_shapes_that_are_those_of_another_value(like: str, table: list[int] | None) -> None:
    """%x is given the shape of %z, whose numbers do not matter: whether it mixes vectors, its shape tells."""
    ctx = make_context()
    text = f"""func.func @main(%x: tensor<?x2xf32>, %z: tensor<{like}xf32>) -> tensor<{like}xf32> {{
      %shape = cim.digital "Shape"(%z) : (tensor<{like}xf32>) -> tensor<2xi64>
      %y = cim.digital "Reshape"(%x, %shape) : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<{like}xf32>
      func.return %y : tensor<{like}xf32>
    }}"""
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    found = movement(network.returned.arguments[0], network.block.args[0], network)
    assert (None if found is None else found.table.tolist()) == table


def test_movements_that_are_alike_are_tried_once() -> None:
    """Those of another order, another constant, another wiring or another type are others."""
    ctx = make_context()
    bodies = [
        ("tensor<?x4xf32>", SHUFFLE.format("?")),
        ("tensor<?x4xf32>", SHUFFLE.format("?")),
        ("tensor<3x4xf32>", SHUFFLE.format("3")),
        ("tensor<?x4xf32>", SHUFFLE.format("?").replace("0, 2, 1", "0, 1, 2")),
        ("tensor<?x3xf32>", GATHER.format("[3, 3, -4]")),
        ("tensor<?x3xf32>", GATHER.format("[3, 3, 1]")),
        ("tensor<?x3xf32>", GATHER.format("[3, 3, -4]")),
    ]
    known, tables, sizes = Tried(), list[list[int]](), list[int]()
    for result, body in bodies:
        x = result.replace("x3x", "x4x")
        text = f"func.func @main(%x: {x}) -> {result} {{{CONSTANTS}\n{body}\nfunc.return %y : {result}\n}}"
        network = Network.of(ctx, Parser(ctx, text).parse_module())
        found = movement(network.returned.arguments[0], network.block.args[0], network, known)
        assert found is not None
        assert found.source is network.block.args[0]
        tables.append(found.table.tolist())
        sizes.append(len(known))
    assert tables == [[0, 2, 1, 3]] * 3 + [[0, 1, 2, 3], [3, 3, 0], [3, 3, 1], [3, 3, 0]]
    assert sizes == [1, 1, 2, 3, 4, 5, 5]


@pytest.mark.parametrize("places", ["NonZero", "Reshape"])
def test_places_that_another_value_tells(places: str) -> None:
    """Each run moves other vectors, whatever two trials with zeros would say."""
    ctx = make_context()
    computed = {
        "NonZero": """%own = cim.digital "Equal"(%i, %o) : (tensor<?xi64>, tensor<i64>) -> tensor<?xi1>
          %two = cim.digital "NonZero"(%own) : (tensor<?xi1>) -> tensor<1x?xi64>
          %p = cim.digital "Reshape"(%two, %flat) : (tensor<1x?xi64>, tensor<1xi64>) -> tensor<?xi64>""",
        "Reshape": '%p = cim.digital "Reshape"(%i, %flat) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>',
    }[places]
    text = f"""func.func @main(%x: tensor<?x4xf32>, %i: tensor<?xi64>) -> tensor<?x4xf32> {{
      %o = cim.constant dense<0> : tensor<i64>
      %flat = cim.constant dense<[-1]> : tensor<1xi64>
      {computed}
      %y = cim.digital "Gather"(%x, %p) with {{axis = 0 : i64}} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
      func.return %y : tensor<?x4xf32>
    }}"""
    module = Parser(ctx, text).parse_module()
    last = main_block(module).last_op
    assert isinstance(last, ReturnOp)
    assert movement(last.arguments[0], main_block(module).args[0], Network.of(ctx, module)) is None
