"""Texts of modules are read as what xDSL's printer writes, and look as people want them."""

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
from cimc.ir.texts import IrTexts, text_of
from cimc.onnx_import.importer import import_onnx
from cimc.options.compilation import UserOptions
from cimc.pass_driver.pass_runner import PassRunner
from cimc.pass_driver.pipeline import PIPELINE, passes_of
from cimc.universe import make_context
from dialects.history import begin_history, note_pass, note_weight_files
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
        text = texts.text_of(module)
        again = Parser(make_context(), text).parse_module()
        assert printed(again, locations) == printed(module, locations)
        assert texts.text_of(again) == text
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
    texts = IrTexts(locations=False)
    for op, name in zip(main_block(module).ops, ("c", "two", "two", None, None)):
        for result in op.results:
            result.name_hint = name
    assert texts.text_of(module) == texts.text_of(module) == printed(module, locations=False)


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


TEXT = """#chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1,
  encoding = "offset">
!tokens_4_f32 = tensor<?x?x4xf32>
builtin.module attributes {hardware.chip = #chip} {
  // weights: 2
  cim.weight @w = dense<1> : tensor<4x4xi8>
  cim.weight @v = dense<1> : tensor<4x4xi8>

  // code: 16 operations
  func.func @main(
      %x: !tokens_4_f32 {cim.name = "x", cim.dims = ["b", "!tokens_4_f32", ""]} loc("x"),
      %z: tensor<?x4xf32> {cim.name = "z, a long name (in brackets)", cim.dims = ["n", ""]}
    ) -> (
      !tokens_4_f32 {cim.name = "y", cim.dims = ["b", "s", ""]},
      tensor<?x4xf32> {cim.name = "u", cim.dims = ["n", ""]}
    ) {
    %0 = cim.digital "Relu"(%x) : (!tokens_4_f32) -> !tokens_4_f32 loc("!tokens_4_f32")
LINES    func.return %0, %z : !tokens_4_f32, tensor<?x4xf32> loc("end")
  } loc("main")
} loc("model")
"""


def test_a_long_module() -> None:
    """Headings, names of what stands often, a line for each argument; quoted names are nobody's type."""
    lines = "".join(
        f'    %{i} = cim.digital "Relu"(%x) : (!tokens_4_f32) -> !tokens_4_f32 loc("r")\n' for i in range(1, 15)
    )
    text = TEXT.replace("LINES", lines).replace("tensor<4x4xi8>\n", 'tensor<4x4xi8> loc("w")\n')
    assert text_of(Parser(make_context(), text).parse_module()) == text


def test_a_short_module_has_no_headings_and_few_names() -> None:
    text = TEXT.replace("LINES", "")
    plain = text_of(Parser(make_context(), text).parse_module(), locations=False)
    names = [line.split(" ")[0] for line in plain.splitlines() if line.startswith(("#", "!", "  //"))]
    assert names == ["#chip"]


def test_the_same_network_after_other_passes() -> None:
    first, second = (Parser(make_context(), TEXT.replace("LINES", "")).parse_module() for _ in range(2))
    begin_history(first, {})
    begin_history(second, {})
    texts = IrTexts()
    note_pass(second, "quantize")
    assert texts.parts_of(first).is_as(texts.parts_of(second))
    assert texts.text_of(first) != texts.text_of(second)
    assert not texts.parts_of(first).is_as(None)
    note_weight_files(second, ["a.weights.safetensors"])
    assert not texts.parts_of(first).is_as(texts.parts_of(second))
