"""The driver behind `cim-opt`: xDSL's, with ONNX as input, our checks after each pass, and IR after all passes."""

import argparse
import contextlib
import re
import sys
from collections.abc import Generator
from io import StringIO
from pathlib import Path
from typing import IO, Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline
from xdsl.universe import Universe
from xdsl.utils.exceptions import DiagnosticException, ParseError, VerifyException
from xdsl.utils.mlir_lexer import MLIRLexer
from xdsl.xdsl_opt_main import xDSLOptMain

from cimc.completion import propose
from cimc.emitter.ports import network_inputs
from cimc.emitter.slots import Slots
from cimc.file_checks import check_names, check_writable
from cimc.files.whole_file import whole_file
from cimc.hardware.library import chip_names, load_chip
from cimc.installed import ShowVersion
from cimc.machine.inputs import random_inputs
from cimc.onnx_import.importer import import_onnx
from cimc.optimizer_help import describe
from cimc.options.compilation import UserOptions
from cimc.options.spelling import add_options
from cimc.pass_runner import AfterPass, PassRunner, PrintIr
from cimc.report.text import statistics_lines
from cimc.schedule_validation import ScheduleValidator
from cimc.translation_validation import TranslationValidator
from cimc.universe import PASSES, UNIVERSE, dialects
from dialects.dominance import undefined_use
from dialects.element_types import strange_type
from dialects.errors import UserError
from dialects.network import Network
from dialects.weight_uses import wrong_weight_use
from dialects.weights import SIDE_FILE, WeightStore, check_side_file, store_of
from passes.rules import IllegalNetwork

STRING_LITERAL = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')
"""xDSL's expression, but possessive: xDSL's takes a time of 2^n for a text of n letters that nothing closes."""
setattr(MLIRLexer, "_unescaped_characters_regex", STRING_LITERAL)


class OptimizerMain(xDSLOptMain):
    """Reads a module, runs passes, prints the module."""

    written: tuple[Path, ...] = ()
    """The files that were written."""

    def register_all_dialects(self) -> None:
        for name, factory in Universe.get_multiverse().all_dialects.items():
            if name not in UNIVERSE.all_dialects and name not in ("builtin", "func"):
                self.ctx.register_dialect(name, factory)
        for dialect in dialects(WeightStore()):
            self.ctx.load_dialect(dialect)

    def register_all_passes(self) -> None:
        super().register_all_passes()
        for pass_type in PASSES:
            self.register_pass(pass_type.name, lambda pass_type=pass_type: pass_type)

    def register_all_frontends(self) -> None:
        super().register_all_frontends()
        self.available_frontends["onnx"] = self._import

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        register, targets = super().register_all_arguments, list(self.available_targets)
        group = describe(arg_parser, register, self.available_passes, targets)
        add = group.add_argument
        add("-v", "--version", action=ShowVersion, help="print the versions of cimc and xDSL, and exit")
        add("--chip", default=UserOptions.chip, metavar="FILE|NAME", help="chip for an ONNX network")
        add("--print-ir-after-all", action="store_true", help="print the IR after every pass, to standard error")
        add("--timing", action="store_true", help="print time and operations of every pass, to standard error")
        add_options(group, UserOptions, ["verify_each"])
        propose(arg_parser)

    def setup_pipeline(self) -> None:
        self.pipeline = PassPipeline.parse_spec(self.available_passes, self.args.passes)

    def check_files(self) -> None:
        """UserError if the output, or the weights beside it, would take the place of an input, or cannot be written."""
        if self.args.output_file == "-":
            self.args.output_file = None  # standard output, as without a name
        if self.args.output_file is None:
            return
        source = None if self.args.input_file is None else Path(self.args.input_file)
        output = Path(self.args.output_file)
        chip = None if self.args.chip in chip_names() else Path(self.args.chip)
        calibrations = [getattr(pass_, "calibration", None) for pass_ in self.pipeline.passes]
        inputs = [source, chip, *(Path(name) for name in calibrations if isinstance(name, str))]
        check_names(inputs, [output, output.parent / SIDE_FILE], networks=[source])
        check_writable(output)

    def _import(self, stream: IO[bytes]) -> ModuleOp:
        if self.args.input_file is None:
            raise UserError("an ONNX network is read from a file, not from standard input: expected its name")
        return import_onnx(self.ctx, Path(self.args.input_file), load_chip(self.args.chip))

    def parse_chunk(self, chunk: IO[bytes], file_extension: str, start_offset: int = 0) -> ModuleOp | None:
        if self.args.input_file is not None and file_extension == "mlir":
            weights = Path(self.args.input_file).parent / SIDE_FILE
            if weights.exists():
                store_of(self.ctx).attach(weights)
        if file_extension != "mlir":
            return super().parse_chunk(chunk, file_extension, start_offset)
        with reading_ir(self.get_input_name()):
            module = super().parse_chunk(chunk, file_extension, start_offset)
            if module is not None and not self.args.disable_verify:
                verify(module)
            return module

    def apply_passes(self, prog: ModuleOp) -> None:
        runner = PassRunner(self.ctx, self._callbacks(prog))
        try:
            runner.run(prog, self.pipeline.passes)
        except IllegalNetwork as error:
            raise UserError(f"{self.get_input_name()}: {error}" if error.in_file else str(error)) from error
        if self.args.timing or self.args.time_passes:
            rows = [(s.name, s.seconds, s.checking, s.operations) for s in runner.statistics]
            print(*statistics_lines(rows), sep="\n", file=sys.stderr)

    def _callbacks(self, module: ModuleOp) -> list[AfterPass]:
        callbacks: list[AfterPass] = []
        if self.args.print_ir_after_all or self.args.print_between_passes:
            callbacks.append(PrintIr(sys.stderr))
        if self.args.verify_each:
            network = Network.of(self.ctx, module)
            inputs = random_inputs(network_inputs(network, Slots()))
            callbacks += [TranslationValidator(network.store, inputs), ScheduleValidator(network.store)]
        return callbacks

    def prepare_output(self) -> IO[str]:
        """Standard output, or a buffer that becomes the file once all went well."""
        return sys.stdout if self.args.output_file is None else _FileOnSuccess(self)

    def save(self, text: str) -> None:
        """Write the output file, and the weights it names beside it."""
        path = Path(self.args.output_file)
        weights = path.parent / SIDE_FILE
        with whole_file(path, UserError) as new, whole_file(weights, UserError) as new_weights:
            new.write_text(text)
            self.written = (path,)
            if "#cim.data<" in text and (path.is_file() or not path.exists()):
                check_side_file(weights)
                store_of(self.ctx).write(new_weights)
                self.written = (path, weights)


@contextlib.contextmanager
def reading_ir(file: str) -> Generator[None]:
    """Whatever goes wrong with a text of IR is a mistake in it, as a UserError that names the file."""
    try:
        yield
    except (ParseError, DiagnosticException, UserError):  # these know their place
        raise
    except RecursionError as error:
        raise UserError(f"{file}: not a module that can be read: it is nested too deeply") from error
    except Exception as error:  # xDSL has no one type for what a lexer, a number or an attribute raises
        raise UserError(f"{file}: not a module that can be read: {str(error) or type(error).__name__}") from error


def verify(module: ModuleOp) -> None:
    """VerifyException for a module that is not a legal one, or has types that no network has."""
    module.verify()
    wrong = undefined_use(module) or wrong_weight_use(module) or strange_type(module)
    if wrong is not None:
        raise VerifyException(wrong)


class _FileOnSuccess(StringIO):
    """Text that is written to the output file when it is closed, unless an error is on its way."""

    def __init__(self, main: OptimizerMain):
        super().__init__()
        self.main = main

    def close(self) -> None:
        if not self.closed and sys.exc_info()[0] is None:
            self.main.save(self.getvalue())
        super().close()


def located_message(error: ParseError) -> str:
    """`file:line:column: message`."""
    span: Any = error.span
    return f"{span.get_location()}: {error.msg}"
