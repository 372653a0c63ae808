"""What stock passes are told of digital operators, and of permutations: effects, what folds."""

import pytest
from xdsl.parser import Parser
from xdsl.traits import MemoryEffectKind, get_effects

from cimc.universe import make_context
from dialects.cim import DigitalOp, PermuteOp
from dialects.network import Network, main_block
from dialects.weights import WeightStore

X = "%x: tensor<?x2xf32>"


def network(body: str, inputs: str = X) -> Network:
    text = f"func.func @main({inputs}) {{\n{body}\n  func.return\n}}"
    return Network(Parser(make_context(), text).parse_module(), WeightStore())


def first_operator(body: str, inputs: str = X) -> DigitalOp:
    return next(op for op in network(body, inputs).block.ops if isinstance(op, DigitalOp))


DROPOUT = '%y = cim.digital "Dropout"(%x, %ratio, %t) : (tensor<?x2xf32>, tensor<f32>, {kind}) -> tensor<?x2xf32>'
RATIO = "%ratio = cim.constant dense<0.5> : tensor<f32>\n"


@pytest.mark.parametrize(
    ("body", "kind", "random"),
    [
        ("%t = cim.constant dense<true> : tensor<i1>", "tensor<i1>", True),
        ("%t = cim.constant dense<false> : tensor<i1>", "tensor<i1>", False),
        ("%t = cim.read @unknown : tensor<i1>", "tensor<i1>", True),
        ("%t = cim.none : none", "none", False),
    ],
)
def test_a_dropout_is_random_where_it_may_train(body: str, kind: str, random: bool) -> None:
    assert first_operator(f"{RATIO}{body}\n{DROPOUT.format(kind=kind)}").is_random == random


@pytest.mark.parametrize(
    ("operator", "random"),
    [('"Dropout"', False), ('"Relu"', False), ('"Bernoulli"', True), ('"Bernoulli" of "com.example"', False)],
)
def test_random_operators(operator: str, random: bool) -> None:
    op = first_operator(f"%y = cim.digital {operator}(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>")
    assert op.is_random == random


def test_effects() -> None:
    """A draw is new each time; nothing is known of other domains, not even inside a body."""
    relu, bernoulli, foreign = (
        first_operator(f"%y = cim.digital {operator}(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>")
        for operator in ('"Relu"', '"Bernoulli"', '"Relu" of "com.example"')
    )
    assert get_effects(relu) == set()
    drawn = get_effects(bernoulli)
    assert drawn is not None
    assert [(effect.kind, effect.value) for effect in drawn] == [(MemoryEffectKind.ALLOC, bernoulli.outputs[0])]
    assert get_effects(foreign) is None


@pytest.mark.parametrize(("inside", "known"), [("", True), (' of "com.example"', False)])
def test_effects_of_bodies(inside: str, known: bool) -> None:
    body = f"""%y = cim.digital "If"(%go) bodies ["then_branch"] {{
      %0 = cim.digital "Bernoulli"{inside}(%go) : (tensor<i1>) -> tensor<i1>
      cim.yield %0 : tensor<i1>
    }} : (tensor<i1>) -> tensor<i1>"""
    effects = get_effects(first_operator(body, "%go: tensor<i1>"))
    assert (effects is not None) == known
    if effects is not None:
        assert [effect.kind for effect in effects] == [MemoryEffectKind.ALLOC]


@pytest.mark.parametrize(
    ("operation", "folds"),
    [
        ('cim.digital "Identity"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>', True),
        ('cim.digital "Identity"(%x) : (tensor<?x2xf32>) -> tensor<3x2xf32>', False),
        ('cim.digital "Identity" of "com.example"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>', False),
        ('cim.digital "Cast"(%x) with {to = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>', True),
        ('cim.digital "Cast"(%x) with {to = 11 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf64>', False),
        ('cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>', False),
        ('cim.digital "Identity"(%x, %x) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>', False),
        ('cim.digital "Identity"() : () -> tensor<?x2xf32>', False),
        ("cim.permute %x, @identity : tensor<?x2xf32> -> tensor<?x2xf32>", True),
        ("cim.permute %x, @swap : tensor<?x2xf32> -> tensor<?x2xf32>", False),
        ("cim.permute %x, @first : tensor<?x2xf32> -> tensor<?x1xf32>", False),
        ("cim.permute %x, @stored : tensor<?x2xf32> -> tensor<?x2xf32>", False),
        ("cim.permute %x, @nobody : tensor<?x2xf32> -> tensor<?x2xf32>", False),
    ],
)
def test_what_folds_to_its_input(operation: str, folds: bool) -> None:
    text = f"""
    cim.weight @identity = dense<[0, 1]> : tensor<2xi64>
    cim.weight @swap = dense<[1, 0]> : tensor<2xi64>
    cim.weight @first = dense<[0]> : tensor<1xi64>
    cim.weight @stored = #cim.data<"stored", "0123456789abcdef"> : tensor<2xi64>
    func.func @main({X}) {{
      %y = {operation}
      func.return
    }}"""
    block = main_block(Parser(make_context(), text).parse_module())
    op = block.first_op
    assert isinstance(op, DigitalOp | PermuteOp)
    assert op.fold() == ((block.args[0],) if folds else None)


def test_operations_that_are_no_good_do_not_fold() -> None:
    """Nothing refuses them before; a permutation of a single number, an operator without a result."""
    scalar = "tensor<f32>"
    text = f"""cim.weight @one = dense<[0]> : tensor<1xi64>
    func.func @main(%x: {scalar}) {{
      %y = cim.permute %x, @one : {scalar} -> {scalar}
      cim.digital "Identity"(%x) : ({scalar}) -> ()
      func.return
    }}"""
    operations = list(main_block(Parser(make_context(), text).parse_module()).ops)[:-1]
    assert [op.fold() for op in operations if isinstance(op, DigitalOp | PermuteOp)] == [None, None]


@pytest.mark.parametrize(("operator", "folds"), [("Identity", True), ("Cast", False)])
def test_elements_that_nobody_knows_may_be_others_after_a_cast(operator: str, folds: bool) -> None:
    unknown = 'tensor<*x!cim.element<"undefined">>'
    op = first_operator(f'%y = cim.digital "{operator}"(%x) : ({unknown}) -> {unknown}', f"%x: {unknown}")
    assert (op.fold() is not None) == folds
