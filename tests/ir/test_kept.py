"""IR on the way: what is new is written, what is not is said to be unchanged, and every file finds its weights."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.ir.kept import KeepIr, PrintIr
from cimc.ir.source import read_ir
from cimc.ir.texts import text_of
from cimc.options.compilation import UserOptions
from cimc.pass_driver.pass_runner import PassRunner
from cimc.pass_driver.pipeline import PIPELINE, passes_of
from cimc.universe import make_context
from dialects.cim import weight_op
from dialects.errors import UserError
from dialects.history import begin_history, passes_done
from dialects.locations import location
from dialects.network import Network
from dialects.weights import WeightStore
from passes.quantize.quantize import QuantizePass
from passes.tile_blocks import TileBlocksPass

TEXT = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1,
    adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0,
    transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %y = cim.matmul %x, @w : tensor<?x8xf32> -> tensor<?x8xf32> loc("/fc/\\\\u{e9}")
    %z = cim.digital "Relu"(%y) : (tensor<?x8xf32>) -> tensor<?x8xf32> loc("/relu")
    func.return %z : tensor<?x8xf32> loc("end")
  } loc("main")
} loc("model")
"""


def network() -> tuple[ModuleOp, Context]:
    context = make_context(WeightStore())
    module = Parser(context, TEXT).parse_module()
    found = Network.of(context, module)
    weight = weight_op("w", np.arange(64, dtype=np.float32).reshape(8, 8), found.store)
    weight.location = location("w")
    found.add_weight(weight)
    begin_history(module, {})
    return module, context


def kept(folder: Path) -> tuple[ModuleOp, Context, list[str]]:
    """A network that has gone through all passes, its IR in `folder`, and the names of the files."""
    module, context = network()
    passes = passes_of(PIPELINE, UserOptions())
    PassRunner(context, [KeepIr(folder, context)]).run(module, passes)
    return module, context, [f"{i:02}-{name}.mlir" for i, name in enumerate(["import", *(p.name for p in passes)])]


def test_ir_of_every_step_is_kept_and_any_pass_can_be_run_on_it(tmp_path: Path) -> None:
    module, _, names = kept(tmp_path / "new" / "ir")
    folder = tmp_path / "new" / "ir"
    weights = ["00-import.weights.safetensors", "05-quantize.weights.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, *weights])
    passes = passes_of(PIPELINE, UserOptions())
    for i, name in enumerate(names):
        again = make_context(WeightStore())
        read = read_ir(again, folder / name)
        assert passes_done(read) == [pass_.name for pass_ in passes[:i]]
        PassRunner(again).run(read, passes[i:])
        del read.attributes["cim.weights"], module.attributes["cim.weights"]
        assert text_of(read) == text_of(module)
        module.attributes["cim.weights"] = read.attributes["cim.weights"] = read.attributes["hardware.chip"]


def test_what_is_unchanged_is_a_note(tmp_path: Path) -> None:
    _, _, names = kept(tmp_path)
    notes = [name for name in names if "unchanged_since" in (tmp_path / name).read_text()]
    unchanged = ["01-fold-constants", "02-raise-matmul", "03-detect-block-diagonal", "06-fold-constants"]
    assert notes == [f"{name}.mlir" for name in unchanged]
    note = (tmp_path / "02-raise-matmul.mlir").read_text().splitlines()
    assert note[0] == "// unchanged: the IR is that of 00-import.mlir"
    assert note[1] == '#passes = ["fold-constants", "raise-matmul"]'
    texts = [(tmp_path / name).read_text() for name in names if name not in notes]
    assert len(set(texts)) == len(texts)


def test_the_rest_of_a_way_is_numbered_from_where_it_begins(tmp_path: Path) -> None:
    _, _, names = kept(tmp_path / "a")
    context = make_context(WeightStore())
    module = read_ir(context, tmp_path / "a" / names[6])
    rest = passes_of(PIPELINE, UserOptions())[6:]
    PassRunner(context, [KeepIr(tmp_path / "b", context)]).run(module, rest)
    files = sorted(path.name for path in (tmp_path / "b").iterdir())
    assert files == ["06-fold-constants.mlir", "06-fold-constants.weights.safetensors", *names[7:]]


def test_ir_of_an_earlier_run_goes_other_files_stay(tmp_path: Path) -> None:
    for name in ("00-import.mlir", "17-old-pass.mlir", "mine.mlir", "notes.txt", "weights.safetensors"):
        (tmp_path / name).touch()
    WeightStore().write(tmp_path / "00-import.weights.safetensors")
    KeepIr(tmp_path, make_context())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.mlir", "notes.txt", "weights.safetensors"]


def test_somebody_elses_weights_stay(tmp_path: Path) -> None:
    (tmp_path / "00-import.mlir").touch()
    (tmp_path / "00-import.weights.safetensors").write_text("somebody's")
    with pytest.raises(UserError, match="there is a file of that name that cimc did not write"):
        KeepIr(tmp_path, make_context())
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as error:
        KeepIr(tmp_path / "file", make_context())
    assert str(error.value) == f"{tmp_path}/file: cannot keep IR there: file exists"


def test_ir_after_every_pass_is_printed_with_its_name() -> None:
    module, context = network()
    stream = StringIO()
    passes = [QuantizePass("tensor"), QuantizePass("tensor"), TileBlocksPass()]
    PassRunner(context, [PrintIr(stream)]).run(module, passes)
    headings = [line for line in stream.getvalue().splitlines() if line.startswith("// -----")]
    assert headings == [
        '// ----- IR after quantize{activations="tensor"} -----',
        '// ----- IR after quantize{activations="tensor"}: unchanged -----',
        "// ----- IR after tile-blocks -----",
    ]
    assert "loc(" not in stream.getvalue()
