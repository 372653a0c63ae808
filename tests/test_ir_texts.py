"""Texts of modules are those of xDSL's printer, to the letter."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import ArrayAttr, BytesAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.printer import Printer

from cimc.hardware.library import load_chip
from cimc.ir_texts import IrTexts
from cimc.onnx_import.importer import import_onnx
from cimc.options.compilation import UserOptions
from cimc.pass_runner import PassRunner
from cimc.pipeline import PIPELINE, passes_of
from cimc.universe import make_context
from dialects.network import main_block


def printed(module: ModuleOp, locations: bool) -> str:
    stream = StringIO()
    Printer(stream, print_debuginfo=locations).print_op(module)
    return stream.getvalue() + "\n"


@pytest.mark.parametrize("locations", [True, False])
def test_networks_after_every_pass(locations: bool, onnx_file: Callable[..., Path]) -> None:
    w = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)
    text = """g (float[n,4] x, bool c) => (float[n,8] y) {
        h = MatMul(x, w)
        y = If (c) <then_branch = t () => (float[n,8] a) { a = Relu(h) },
                    else_branch = e () => (float[n,8] b) { b = Neg(h) }>
    }"""
    texts, context = IrTexts(locations), make_context()
    file = onnx_file(text, {"w": w}, name='a "file" é of networks.onnx')
    module = import_onnx(context, file, load_chip("tiny-4"))
    compared: list[str] = []

    def compare(done: ModulePass | None, module: ModuleOp) -> None:
        assert texts.text_of(module) == printed(module, locations)
        compared.append("" if done is None else done.name)

    PassRunner(context, [compare]).run(module, passes_of(PIPELINE, UserOptions()))
    assert len(compared) == 1 + len(passes_of(PIPELINE, UserOptions()))


@pytest.mark.parametrize("first", ["%x, %x", "%x, %c"])
def test_one_form_with_other_values(first: str) -> None:
    """A value twice, and two of the same type: written from what the other left."""
    v = "tensor<2xf32>"
    module = Parser(
        make_context(),
        f"""func.func @main(%x: {v}) -> {v} {{
          %c = cim.constant dense<[1.0, 2.0]> : {v}
          %y = cim.digital "Add"({first}) : ({v}, {v}) -> {v}
          %z = cim.digital "Add"(%y, %x) : ({v}, {v}) -> {v}
          %zz = cim.digital "Add"(%z, %z) : ({v}, {v}) -> {v}
          func.return %zz : {v}
        }}""",
    ).parse_module()
    texts = IrTexts()
    for op, name in zip(main_block(module).ops, ("c", "two", "two", None, None)):
        for result in op.results:
            result.name_hint = name
    assert texts.text_of(module) == texts.text_of(module) == printed(module, locations=True)


@irdl_attr_definition
class _Lines(ParametrizedAttribute):
    """An attribute of two lines, the second as far in as it stands in the text."""

    name = "test.lines"

    def print_parameters(self, printer: Printer) -> None:
        printer.print_string("<\n>")


@pytest.mark.parametrize(
    "attribute",
    [
        StringAttr('a "quote", a \\ and a\nline'),
        StringAttr("Ünïcode"),
        StringAttr(""),
        BytesAttr(bytes(range(256))),
        ArrayAttr([StringAttr("x"), StringAttr("x"), IntegerAttr(-1, i64)]),
        ArrayAttr([_Lines(), _Lines()]),
    ],
)
def test_attributes(attribute: Attribute) -> None:
    inner = ModuleOp([], {"same": attribute})
    module = ModuleOp([inner], {"name": attribute, "again": attribute})
    texts = IrTexts()
    assert [texts.text_of(module), texts.text_of(module)] == [printed(module, True)] * 2
