"""What cimc believes about xDSL 0.74: a failure after an upgrade names code of ours that must, or may, change.

The tests named `workaround` show a weakness that we work around: where one fails, remove the workaround.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from inspect import getsource
from io import StringIO

import pytest
from xdsl.context import Context
from xdsl.dialect_interfaces.constant_materialization import ConstantMaterializationInterface
from xdsl.dialects import test
from xdsl.dialects.builtin import (
    Builtin,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    IndexType,
    ModuleOp,
    NameLoc,
    NoneAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    UnknownLoc,
    f32,
)
from xdsl.folder import Folder
from xdsl.ir import Dialect, DialectInterface, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, result_def, traits_def
from xdsl.parser import Parser
from xdsl.passes import ModulePass, PassPipeline
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination
from xdsl.transforms.dead_code_elimination import DeadCodeElimination
from xdsl.utils.exceptions import ArgSpecParseError
from xdsl.utils.mlir_lexer import MLIRLexer


def parse(text: str) -> ModuleOp:
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(test.Test)
    return Parser(context, text).parse_module()


def text_of(op: Operation, locations: bool = False) -> str:
    stream = StringIO()
    Printer(stream, print_debuginfo=locations).print_op(op)
    return stream.getvalue()


def first_op(module: ModuleOp) -> Operation:
    op = module.body.block.first_op
    assert op is not None
    return op


class Draws(MemoryEffect):
    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.ALLOC, op.results[0])}


@irdl_op_definition
class DrawOp(IRDLOperation):
    """An operation whose result is new each time."""

    name = "test.draw"
    result = result_def(IndexType)
    traits = traits_def(Draws())


class ReplaceTestOp(RewritePattern):
    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, test.TestOp) and "done" not in op.attributes:
            rewriter.replace(op, test.TestOp(attributes={"done": StringAttr("")}))


@dataclass(frozen=True)
class Example(ModulePass):
    name = "example"

    rows: int = 0
    ratio: float = 0.0
    sizes: tuple[int, ...] = ()
    mapping: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None: ...


@dataclass(frozen=True)
class Other(ModulePass):
    name = "other"

    def apply(self, ctx: Context, op: ModuleOp) -> None: ...


def parse_passes(spec: str) -> tuple[ModulePass, ...]:
    return PassPipeline.parse_spec({"example": lambda: Example, "other": lambda: Other}, spec).passes


# Locations.


def test_locations_are_printed_parsed_and_cloned():
    text = '"test.op"() : () -> () loc("/layer.0/MatMul")'
    module = parse(text)
    assert first_op(module).location == NameLoc(StringAttr("/layer.0/MatMul"), NoneAttr())
    assert first_op(module.clone()).location == first_op(module).location
    assert text in text_of(module, locations=True)


def test_workaround_replace_drops_locations():
    """Why patterns are wrapped, so that new operations get the location of the one they replace."""
    module = parse('"test.op"() : () -> () loc("x")')
    PatternRewriteWalker(ReplaceTestOp()).rewrite_module(module)
    assert "done" in first_op(module).attributes
    assert isinstance(first_op(module).location, UnknownLoc)


class Refuse(RewritePattern):
    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        raise RuntimeError("a mistake of the user")


def test_workaround_the_walker_prints_the_module_into_errors() -> None:
    """Why passes have a walker of their own: a mistake of the user is one line, and networks are large."""
    with pytest.raises(RuntimeError) as caught:
        PatternRewriteWalker(Refuse()).rewrite_module(parse('"test.op"() : () -> ()'))
    assert "builtin.module" in "".join(caught.value.__notes__)


class WideOp(RewritePattern):
    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, test.TestPureOp):
            rewriter.replace(op, test.TestOp(result_types=[TensorType(f32, [-1])]))


def test_workaround_replace_forgets_what_the_old_type_told() -> None:
    """Why our rewriter unites both types."""
    module = parse('%0 = "test.pureop"() : () -> tensor<3xf32>\n"test.op"(%0) : (tensor<3xf32>) -> ()')
    PatternRewriteWalker(WideOp()).rewrite_module(module)
    assert first_op(module).results[0].type == TensorType(f32, [-1])


# What stock passes do.


def test_what_is_allocated_goes_if_dead_and_is_never_merged() -> None:
    """So we say that random numbers are allocated."""
    module = ModuleOp([DrawOp(result_types=[IndexType()]) for _ in range(2)])
    module.body.block.add_op(test.TestOp(operands=[op.results[0] for op in module.body.block.ops]))
    CommonSubexpressionElimination().apply(Context(), module)
    assert len(module.body.block.ops) == 3
    module.body.block.add_op(DrawOp(result_types=[IndexType()]))
    DeadCodeElimination().apply(Context(), module)
    assert len(module.body.block.ops) == 3


BODIES = """
%0 = "test.pureop"() ({ "test.pureop"() {a = 1 : i64} : () -> () }) : () -> index
%1 = "test.pureop"() ({ "test.pureop"() {a = NUMBER : i64} : () -> () }) : () -> index
"test.op"(%0, %1) : (index, index) -> ()
"""


@pytest.mark.parametrize(("number", "left"), [(1, 2), (2, 3)])
def test_operations_with_equal_bodies_are_merged_and_others_are_not(number: int, left: int) -> None:
    module = parse(BODIES.replace("NUMBER", str(number)))
    CommonSubexpressionElimination().apply(Context(), module)
    assert len(module.body.block.ops) == left


def test_what_is_merged_keeps_its_location() -> None:
    module = parse("""
    %0 = "test.pureop"() : () -> index loc("first")
    %1 = "test.pureop"() : () -> index loc("second")
    "test.op"(%0, %1) : (index, index) -> ()""")
    CommonSubexpressionElimination().apply(Context(), module)
    assert first_op(module).location == NameLoc(StringAttr("first"), NoneAttr())


def test_workaround_folded_constants_have_no_location() -> None:
    """Why operations of ours fold to their inputs, and only constants to attributes: the runner wants nodes for all."""
    assert "location" not in getsource(Folder)
    assert "location" not in getsource(ConstantMaterializationInterface)


# Values and names.


def test_workaround_verifier_does_not_check_dominance():
    """Why there is a check of our own after each pass."""
    value = test.TestOp(result_types=[IndexType()])
    user = test.TestOp(operands=[value.results[0]])
    ModuleOp([user, value]).verify()


def test_workaround_names_with_slashes_are_refused():
    """Why names of ONNX are cleaned before they become names of values."""
    with pytest.raises(ValueError, match="Invalid"):
        SSAValue.extract_valid_name("/h.0/MatMul")


def test_workaround_numbers_at_the_end_of_names_are_cut():
    assert SSAValue.extract_valid_name("x_12") == "x"


def test_workaround_texts_beyond_ascii_come_back_as_bytes():
    """Why parsers of ours take bytes for text."""
    module = ModuleOp([], attributes={"name": StringAttr("é")})
    assert parse(text_of(module)).attributes["name"] == BytesAttr("é".encode())


@pytest.mark.parametrize(("values", "found"), [([1000001.0], 1232348160.0), ([-0.0, 0.0], -0.0)])
def test_workaround_some_dense_floats_come_back_wrong(values: list[float], found: float):
    """Why such constants are weights of the store: large whole floats, and zeros of both signs."""
    value = DenseIntOrFPElementsAttr.from_list(TensorType(f32, [len(values)]), values)
    again = parse(text_of(ModuleOp([], attributes={"value": value}))).attributes["value"]
    assert isinstance(again, DenseIntOrFPElementsAttr)
    assert [str(v) for v in again.get_values()] == [str(found)] * len(values)


def test_symbols_may_have_any_ascii_name():
    module = ModuleOp([], attributes={"weight": SymbolRefAttr("a/b:0")})
    assert parse(text_of(module)).attributes["weight"] == SymbolRefAttr("a/b:0")


# Passes.


def test_options_are_separated_by_spaces_and_lists_by_commas():
    assert parse_passes('example{rows=4 sizes=1,2 mapping="best fit"},other') == (
        Example(rows=4, sizes=(1, 2), mapping="best fit"),
        Other(),
    )
    with pytest.raises(ArgSpecParseError):
        parse_passes("example{rows=4,mapping=linear}")


def test_passes_print_their_spec_without_defaults():
    assert str(Example(rows=4)) == "example{rows=4}"


def test_workaround_whole_numbers_are_refused_for_float_options():
    """Why such options are typed `float | int`."""
    with pytest.raises(Exception, match=r"expected <class .float.>"):
        parse_passes("example{ratio=1}")


def test_callback_comes_before_between_and_after_passes():
    calls: list[tuple[ModulePass | None, ModulePass | None]] = []
    passes = (Example(), Other())
    PassPipeline(passes, lambda done, module, following: calls.append((done, following))).apply(Context(), ModuleOp([]))
    assert calls == [(None, passes[0]), (passes[0], passes[1]), (passes[1], None)]


# Dialects.


class Store(DialectInterface): ...


def test_a_dialect_made_for_a_context_carries_an_interface_of_its_own():
    stores = Store(), Store()
    for store in stores:
        context = Context()
        context.load_dialect(Dialect("example", [], [], [store]))
        dialect = context.get_dialect("example")
        assert dialect.get_interface(Store) is store


def test_workaround_strings_that_nothing_closes():
    """xDSL tries 2^n ways to read n letters, which is why cim-opt brings an expression of its own."""
    assert r"""r'"(?:[^"\\\n\v\f]+|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*"'""" in getsource(MLIRLexer)
