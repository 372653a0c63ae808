"""The driver behind `cim-opt`: xDSL's, with ONNX as input, our checks after each pass, and IR after all passes."""

import argparse
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import IO

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline
from xdsl.universe import Universe
from xdsl.utils.arg_spec import parse_spec
from xdsl.xdsl_opt_main import xDSLOptMain

from cimc.compiler import Options, chip_sources
from cimc.completion import propose
from cimc.emitter.ports import network_inputs
from cimc.emitter.slots import Slots
from cimc.file_checks import check_names, check_writable
from cimc.files.whole_file import whole_file
from cimc.hardware.digital_sets import digital_set_names
from cimc.hardware.library import chip_names, load_chip
from cimc.installed import ShowVersion
from cimc.ir.kept import PrintIr
from cimc.ir.source import is_ir, reading_ir, resolved, verify
from cimc.ir.texts import IrTexts
from cimc.machine.inputs import random_inputs
from cimc.onnx_import.importer import import_onnx
from cimc.optimizer.explanation import describe
from cimc.optimizer.targets import TARGETS, ProgramTarget, program_of
from cimc.options.compilation import UserOptions
from cimc.options.spelling import add_options
from cimc.pass_driver.known_passes import known_passes, parse_passes
from cimc.pass_driver.pass_runner import AfterPass, PassRunner
from cimc.pass_driver.schedule_validation import ScheduleValidator
from cimc.pass_driver.translation_validation import TranslationValidator
from cimc.program.program import Program
from cimc.report.texts.text import statistics_lines
from cimc.universe import UNIVERSE, dialects
from dialects.errors import UserError
from dialects.history import note_sources, note_weight_files, stored_weights
from dialects.network import Network
from dialects.weights import WeightStore, check_side_file, store_of, weights_file
from passes.rules import IllegalNetwork


class OptimizerMain(xDSLOptMain):
    """Reads a module, runs passes, prints the module."""

    written: tuple[Path, ...] = ()
    """The files that were written."""
    program: Program | None = None
    """What is to be written, if that is a program."""

    def __init__(self, description: str, args: Sequence[str] | None = None):
        super().__init__(description, args)
        self.arrays: dict[str, str] = {}

    def register_all_dialects(self) -> None:
        for name, factory in Universe.get_multiverse().all_dialects.items():
            if name not in UNIVERSE.all_dialects and name not in ("builtin", "func"):
                self.ctx.register_dialect(name, factory)
        for dialect in dialects(WeightStore()):
            self.ctx.load_dialect(dialect)

    def register_all_passes(self) -> None:
        for name, make in known_passes().items():
            self.register_pass(name, make)

    def register_all_targets(self) -> None:
        super().register_all_targets()
        self.available_targets |= TARGETS

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
        add_options(group, UserOptions, ["digital", "verify_each"])
        propose(arg_parser)

    def setup_pipeline(self) -> None:
        self.pipeline = PassPipeline(parse_passes(self.args.passes, self.available_passes))

    def check_files(self) -> None:
        """UserError if the output, or the weights beside it, would take the place of an input, or cannot be written."""
        if self.args.output_file == "-":
            self.args.output_file = None  # standard output, as without a name
        if self.args.output_file is None:
            return
        source = None if self.args.input_file is None else Path(self.args.input_file)
        output = Path(self.args.output_file)
        chip = None if self.args.chip in chip_names() else Path(self.args.chip)
        digital = None if self.args.digital in (None, *digital_set_names()) else Path(self.args.digital)
        calibrations = [getattr(pass_, "calibration", None) for pass_ in self.pipeline.passes]
        inputs = [source, chip, digital, *(Path(name) for name in calibrations if isinstance(name, str))]
        networks = [] if source is None or is_ir(source) else [source]
        written = [output, weights_file(output)] if self._writes_ir() else [output]
        check_names([*inputs, *([] if source in networks else [source])], written, networks=networks)
        check_writable(output)

    def _import(self, stream: IO[bytes]) -> ModuleOp:
        if self.args.input_file is None:
            raise UserError("an ONNX network is read from a file, not from standard input: expected its name")
        module = import_onnx(self.ctx, Path(self.args.input_file), load_chip(self.args.chip, None, self.args.digital))
        note_sources(module, chip_sources(Options(chip=self.args.chip, digital=self.args.digital)))
        return module

    def parse_chunk(self, chunk: IO[bytes], file_extension: str, start_offset: int = 0) -> ModuleOp | None:
        if file_extension != "mlir":
            return super().parse_chunk(chunk, file_extension, start_offset)
        with reading_ir(self.get_input_name()):
            module = super().parse_chunk(chunk, file_extension, start_offset)
            if module is not None and not self.args.disable_verify:
                verify(module)
        return None if module is None else resolved(self.ctx, module, Path(self.get_input_name()))

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

    def _writes_ir(self) -> bool:
        return parse_spec(self.args.target).name == "mlir"

    def output_resulting_program(self, prog: ModuleOp) -> str:
        """The module in the form that is asked for; a program is kept until its file is written."""
        name = parse_spec(self.args.target).name
        if name == ProgramTarget.name:
            if self.args.output_file is None:
                raise UserError("a program is no text: expected the name of its file, -o PROG.cim")
            self.program = program_of(self.ctx, prog)
            return ""
        if name == "mlir" and self.args.output_file is not None and stored_weights(prog):
            self.arrays |= stored_weights(prog)
            note_weight_files(prog, [weights_file(Path(self.args.output_file)).name])
        if name == "mlir" and not (self.args.print_no_properties or self.args.syntax_highlight):
            in_file = self.args.output_file is not None  # to be read again: there, no node loses its name
            return IrTexts(self.args.print_debuginfo or in_file, self.args.print_op_generic).text_of(prog)
        return super().output_resulting_program(prog)

    def save(self, text: str) -> None:
        """Write the output file, and the weights it names beside it."""
        path = Path(self.args.output_file)
        if self.program is not None:
            self.program.save(path)
            self.written = (path,)
            return
        weights = weights_file(path)
        with whole_file(path, UserError) as new, whole_file(weights, UserError) as new_weights:
            new.write_text(text, encoding="utf-8")
            self.written = (path,)
            if self.arrays and (path.is_file() or not path.exists()):
                if any(
                    weights.exists() and used.exists() and weights.samefile(used) for used in store_of(self.ctx).files
                ):
                    raise UserError(
                        f"{weights}: cannot be written: it holds weights of the input, expected another name"
                    )
                check_side_file(weights)
                store_of(self.ctx).write(new_weights, self.arrays)
                self.written = (path, weights)


class _FileOnSuccess(StringIO):
    """Text that is written to the output file when it is closed, unless an error is on its way."""

    def __init__(self, main: OptimizerMain):
        super().__init__()
        self.main = main

    def close(self) -> None:
        if not self.closed and sys.exc_info()[0] is None:
            self.main.save(self.getvalue())
        super().close()
