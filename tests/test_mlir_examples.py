"""Every example of MLIR in a docstring or a page goes through `cim-opt`, and every pass does what its example says.

An example is a block of `mlir`, or a code span that begins like IR (`STARTS`), so none is left out by mistake. It may
leave out what its reader can guess: the module and function around it, where its values come from, and its weights.
"""

import ast
import inspect
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr, TensorType, f32, i8, i32, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from cimc.commands import optimize
from cimc.hardware.library import load_chip
from cimc.ir.texts import text_of
from cimc.universe import PASSES, UNIVERSE, make_context
from dialects.cim import WeightOp
from dialects.element_types import element_type, is_tensor, ui8
from dialects.hardware import MODULE_KEY
from dialects.network import shape_of

ROOT = Path(__file__).parents[1]
STARTS = re.compile(
    r"%\w+(, %\w+)* = |['\"]?(cim|array|func|builtin)\.\w+['\"]?[ (]\S|[#!](cim|array|hardware)\.\w+<|tensor<"
)
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
INLINE_ELEMENTS = 1024
"""Weights that an example leaves out are ones, up to so many elements; larger ones are names without bytes."""


@dataclass(frozen=True)
class Example:
    place: str
    text: str


def examples() -> Iterator[Example]:
    for folder in ("dialects", "passes", "cimc"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, text in docstrings(path.read_text("utf-8")):
                yield from examples_of(text, f"{path.relative_to(ROOT)}:{line}")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        page = path.read_text("utf-8")
        yield from examples_of(page, str(path.relative_to(ROOT)))
        for match in FENCED.finditer(page):
            if match[2] == "python":
                for _, text in docstrings(match[3]):
                    yield from examples_of(text, str(path.relative_to(ROOT)))


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring, those of fields and constants included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, inspect.cleandoc(node.value.value)


def examples_of(text: str, place: str) -> Iterator[Example]:
    for match in FENCED.finditer(text):
        if match[2] == "mlir":
            yield Example(f"{place}: block {match[3].strip().splitlines()[0]}", match[3])
    outside = FENCED.sub("", text)
    assert outside.count("`") % 2 == 0, f"{place}: a code span has no end"
    for span in re.findall(r"`([^`]+)`", outside):
        if STARTS.match(span):
            yield Example(f"{place}: {span}", span)


EXAMPLES = list(examples())


def completed(text: str) -> str:
    """The example as a whole module, for the chip `tiny-4` unless it names another."""
    if text.startswith(("#", "!", "tensor<")):
        text = f"builtin.module attributes {{example = {text}}} {{}}"
    parser = Parser(make_context(), text, "example")
    ops: list[Operation] = []
    while (op := parser.parse_optional_operation()) is not None:
        ops.append(op)
    assert parser.pos >= len(text.rstrip()), f"no operation: {text[parser.pos :]}"
    module = ops[0] if isinstance(ops[0], ModuleOp) else module_of(ops, parser)
    module.attributes.setdefault(MODULE_KEY, load_chip("tiny-4"))
    defined = {op.sym_name.data for op in module.ops if isinstance(op, WeightOp)}
    missing = [weight(symbol, kind) for symbol, kind in weights_used(module) if symbol not in defined]
    return text_of(module, locations=False).replace("{\n", "\n  ".join(["{", *dict.fromkeys(missing)]) + "\n", 1)


def module_of(ops: Sequence[Operation], parser: Parser) -> ModuleOp:
    """All but weights and functions goes into `@main`, which takes what nothing defines, gives what nothing uses."""
    top = [op for op in ops if isinstance(op, WeightOp | FuncOp)]
    inside = [op for op in ops if op not in top]
    if not inside:
        return ModuleOp(top)
    undefined = [(name, value) for name, of in parser.forward_ssa_references.items() for value in of.values()]
    block = Block(arg_types=[value.type for _, value in undefined])
    for argument, (name, value) in zip(block.args, undefined):
        argument.name_hint = None if name.isdigit() else name
        value.replace_all_uses_with(argument)
    unused = [result for op in inside for result in op.results if result.first_use is None]
    block.add_ops([*inside, ReturnOp(*unused)])
    kind = ([value.type for value in block.args], [value.type for value in unused])
    return ModuleOp([*top, FuncOp("main", kind, Region(block))])


def weights_used(module: ModuleOp) -> Iterator[tuple[str, TensorType]]:
    """Every symbol that is used, with the type that its weight must have."""
    for op in module.walk():
        properties = op.properties
        if isinstance(table := properties.get("table"), SymbolRefAttr):
            yield table.root_reference.data, TensorType(i64, (shape_of(op.results[0].type) or (0,))[-1:])
        if isinstance(symbol := properties.get("weight"), SymbolRefAttr):
            yield symbol.root_reference.data, weight_type(op)
        if isinstance(op, WeightOp):
            if op.structure is not None and op.structure.order_symbol is not None:
                yield op.structure.order_symbol, TensorType(i64, op.matrix_shape[1:])
            if op.affine is not None:
                yield op.affine.scale.root_reference.data, TensorType(f32, op.matrix_shape[1:])
                if isinstance(op.affine.zero_point, SymbolRefAttr):
                    yield op.affine.zero_point.root_reference.data, TensorType(i32, op.matrix_shape[1:])


def weight_type(op: Operation) -> TensorType:
    """The type of the weight [in, out] that an operation multiplies by, or of the one that it reads."""
    result = op.results[0].type
    if not op.operands:
        assert is_tensor(result)
        return result
    factor = element_type(op.operands[0].type)
    shapes = [shape_of(kind) or (0,) for kind in (op.operands[0].type, result)]
    return TensorType(i8 if factor == ui8 else factor, [shape[-1] for shape in shapes])


def weight(symbol: str, kind: TensorType) -> str:
    """A weight of ones; of int64, a permutation: the order backwards."""
    (count, *_) = shape = kind.get_shape()
    if kind.element_type == i64:
        return f"cim.weight @{symbol} = dense<{list(reversed(range(count)))}> : {kind}"
    if math.prod(shape) > INLINE_ELEMENTS:
        return f'cim.weight @{symbol} = #cim.data<"{symbol}", "0123456789abcdef"> : {kind}'
    return f"cim.weight @{symbol} = dense<{'1.0' if 'f' in str(kind.element_type) else '1'}> : {kind}"


def optimized(text: str, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    file = folder / "example.mlir"
    file.write_text(text)
    code = optimize.main([str(file), *options])
    printed = capsys.readouterr()
    assert code == 0, f"{printed.err}{text}"
    return printed.out


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_example(example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = optimized(completed(example.text), tmp_path, capsys)
    assert optimized(printed, tmp_path, capsys) == printed


def test_examples_are_found() -> None:
    """In every floor, or the tests above would test nothing."""
    counts = Counter(re.split("[/:.]", example.place)[0] for example in EXAMPLES)
    assert counts["dialects"] >= 20
    assert counts["passes"] >= 2 * len(PASSES)
    assert counts["docs"] >= 10


@pytest.mark.parametrize(
    "operation", [op.name for factory in UNIVERSE.all_dialects.values() for op in factory().operations]
)
def test_every_operation_is_shown(operation: str) -> None:
    """In a docstring of the languages."""
    assert any(operation in example.text for example in EXAMPLES if example.place.startswith("dialects/"))


@pytest.mark.parametrize("one", PASSES, ids=lambda one: one.name)
def test_pass_does_what_its_example_says(
    one: type[ModulePass], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the module of `Before`, it makes every line of `After`, and changes no more of its outputs than it may.

    Values with a number for a name may have another.
    """
    doc = inspect.getdoc(one) or ""
    pair = re.search(r"^Before\b.*:\n```mlir\n([^`]*)```\nAfter\b.*:\n```mlir\n([^`]*)```$", doc, re.MULTILINE)
    assert pair is not None, f"{one.__name__} has no example: a block of mlir below `Before:`, one below `After:`"
    made = lines(optimized(completed(pair[1]), tmp_path, capsys, "-p", one.name, "--verify-each"))
    for line in lines(optimized(completed(pair[2]), tmp_path, capsys)):
        given = re.match(r"cim.weight (@\S+) =", line)
        if given is None or f"cim.weight {given[1]} =" in pair[2]:
            assert line in made, f"{line}\nis not in\n" + "\n".join(made)


def lines(printed: str) -> list[str]:
    """What stands in the module and its function, line by line; values with a number for a name without it.

    Long texts have names for types, which stand for them here.
    """
    names = dict(re.findall(r"^(!\w+) = (.*)$", printed, re.MULTILINE))
    printed = re.sub(r"!\w+", lambda name: names.get(name[0], name[0]), printed)
    printed = re.sub(r"func\.func @main\(\n.*?\{\n", "", printed, flags=re.DOTALL)  # a header of several lines
    stripped = [re.sub(r"%\d+", "%", line.strip()) for line in printed.splitlines()]
    return [line for line in stripped if line and not line.startswith(("builtin.module", "func.", "}"))]
