"""The spine: from an ONNX file to a program, with everything a user may want to see on the way."""

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.clock.pipelines.pipelined import pipelined
from cimc.emitter.emit import emit
from cimc.emitter.ports import network_inputs
from cimc.emitter.slots import Slots
from cimc.export.sources import exported
from cimc.file_checks import check_names, check_writable
from cimc.files.whole_file import is_stream
from cimc.garbage import rare_collections
from cimc.hardware.digital_sets import digital_set_names, read_digital_set
from cimc.hardware.library import chip_names, load_chip, read_chip_file
from cimc.installed import installed_version
from cimc.ir.kept import KeepIr
from cimc.ir.source import is_ir, read_ir
from cimc.ir.texts import text_of
from cimc.measuring import given_inputs, measured_distance, measured_program, trial_inputs
from cimc.onnx_import.importer import import_onnx
from cimc.options.compilation import DEFAULT_CHIP, UserOptions, chip_changes, path_of
from cimc.pass_driver.known_passes import parse_passes
from cimc.pass_driver.pass_runner import AfterPass, PassRunner, PassStatistics
from cimc.pass_driver.pipeline import CHIP, NUMBERS, STRUCTURE, passes_of
from cimc.pass_driver.remaining_passes import (
    asked_for,
    check_options,
    is_on_chip,
    is_quantised,
    options_so_far,
    remaining_steps,
    split,
)
from cimc.pass_driver.schedule_validation import ScheduleValidator
from cimc.pass_driver.translation_validation import TranslationValidator
from cimc.program.arrays.conversions import may_clip
from cimc.program.distance import Distance
from cimc.program.metadata import CHIP_SOURCES, Json
from cimc.program.program import Program
from cimc.recorded_options import recorded_of
from cimc.reference_writer import data_of, reference_file
from cimc.report.texts.coverage_check import require_coverage
from cimc.universe import make_context
from dialects.attributes.cim_attributes import DataAttr
from dialects.errors import ListError, UserError
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.history import fixed_dims, note_sources, sources_of
from dialects.network import Network
from dialects.semantics.onnx_graph import outlined_model
from dialects.semantics.onnx_runtime import SECONDS, time_limit
from passes.place_tiles.analysis.choices import check_mapping
from passes.rules import EMITTABLE, require
from passes.schedule_arrays.analysis.choices import LOSSLESS, check_lossy


@dataclass(frozen=True, kw_only=True)
class Options(UserOptions):
    """What a user asks for, and what its caller wants of a compilation besides."""

    output: Path | None = None
    """Where the program will be saved, by whoever saves it: nothing that is read or written besides may be there."""
    texts: bool = False
    """Whether to keep the IR as text: to print it takes as long as some passes do."""


@dataclass(frozen=True)
class Compilation:
    """A compiled network and what was noticed on the way."""

    program: Program
    statistics: list[PassStatistics]
    texts: Mapping[str, str]
    """The IR at the end of each language, `cim` and `array`, if `texts` is asked for."""
    distance: Distance | None
    seconds: float


Progress = Callable[[str], None]
"""Called with the name of each step before it starts."""


DEFAULTS = Options()


def compile_network(file: Path, options: Options = DEFAULTS, progress: Progress = lambda step: None) -> Compilation:
    """Compile an ONNX file, or what cimc makes one of: the folder of a checkpoint, a program of `torch.export`.

    Or IR that was kept on the way (`.mlir`): the passes that are left run, and the program is that of the network.

    Raises UserError, one line with file, node and what to do, for everything that is wrong with file or options.
    """
    compiler, start = _Compiler(file, options, progress), time.perf_counter()
    with exported(file, options.output, progress) as compiler.file:
        with time_limit(options.time_limit or SECONDS), rare_collections():
            compilation = compiler.run()
    return replace(compilation, seconds=time.perf_counter() - start)


def quantise_network(
    runner: PassRunner,
    module: ModuleOp,
    options: Options = DEFAULTS,
    structured: Callable[[ModuleOp], None] = lambda module: None,
) -> None:
    """The network part: from an imported module to one whose numbers are the program's, whatever the chip.

    `structured` is called with the module in between, when it has its final structure and is not yet quantised.
    """
    runner.run(module, passes_of(STRUCTURE, options))
    structured(module)
    runner.run(module, passes_of(NUMBERS, options))


def schedule_network(runner: PassRunner, module: ModuleOp, options: Options = DEFAULTS) -> None:
    """The chip part: a quantised module is brought onto the chip that its attribute names."""
    runner.run(module, passes_of(CHIP, options))


def emit_program(ctx: Context, module: ModuleOp, options: Options = DEFAULTS) -> Program:
    """The program of a scheduled module."""
    dims = options.dims or {}
    folder = None if options.output is None or is_stream(options.output) else options.output.parent
    network = Network.of(ctx, module)
    program = emit(network, mapping=options.mapping, dims=dims, compiler=installed_version(), folder=folder)
    sources = sources_of(module)
    if isinstance(sources, str):
        sources = dict(read_chip_file(sources).sources)
    if sources is not None:
        program.notes = {**program.notes, CHIP_SOURCES: dict[str, Json](sources)}
    return program


def emit_read(ctx: Context, module: ModuleOp, options: Options = DEFAULTS) -> Program:
    """The program of a module that was read: UserError if it is not scheduled, or its schedule is not a legal one."""
    require(module, EMITTABLE, "emission")
    try:
        return emit_program(ctx, module, options)
    except AssertionError as error:
        reason = str(error) or "what is scheduled is not what schedule-arrays leaves"
        raise UserError(f"{reason}: its schedule was changed, make a new one with schedule-arrays") from error


class _Compiler:
    def __init__(self, file: Path, options: Options, progress: Progress):
        _check_files(file, options)
        check_mapping(options.mapping, options.objective)
        self.file, self.options, self.progress = file, options, progress
        self.passes = None if options.passes is None else parse_passes(options.passes)
        if self.passes is not None:
            check_options(options, {}, (), "--passes: ")
        self.chip = load_chip(options.chip, chip_changes(options), options.digital)
        if not (is_ir(file) and options.chip == DEFAULT_CHIP):
            check_lossy(options.lossy, self.chip.adc_bits, self.chip.chip_name)
        self.ctx: Context = make_context()
        self.texts: dict[str, str] = {}
        self.distance: Distance | None = None

    def run(self) -> Compilation:
        start = time.perf_counter()
        with (
            reference_file(path_of(self.options.reference)) as self.write_reference,
            reference_file(path_of(self.options.reference_float)) as self.write_reference_float,
        ):
            program, statistics = self._program()
        return Compilation(program, statistics, self.texts, self.distance, time.perf_counter() - start)

    def _program(self) -> tuple[Program, list[PassStatistics]]:
        self.progress("import")
        module = self._read_ir() if is_ir(self.file) else self._import()
        calibrate = path_of(self.options.calibrate)
        if calibrate is not None:  # before the work, and also where nobody looks at all of them
            given_inputs(network_inputs(Network.of(self.ctx, module), Slots()), calibrate)
        keep = self._keep_ir()
        with self._naming_file():
            passes = self._passes(module)
            after = [*self._validation(module), *keep, self._after_pass]
            runner = PassRunner(self.ctx, after, lambda coming: self.progress(coming.name))
            structure, numbers, chip = split(passes)
            runner.run(module, structure)
            self._network_has_its_structure(module)
            runner.run(module, numbers)
            self._network_is_final(module)
            runner.run(module, chip)
        self._keep_text("array", module)
        self.progress("emission")
        with self._naming_file():
            is_ours = passes[-1:] == passes_of(CHIP[-1:], self.options)
            emitted = emit_program if is_ours else emit_read
            program = emitted(self.ctx, module, self.options)
            program.options = recorded_of(module, self.options)
            require_coverage(program, self.options.require_coverage)
            if self.options.tokens is not None:
                self.progress("many tokens in flight")
                program = pipelined(program, self.options.tokens)
        self._measure_program(program)
        return program, runner.statistics

    def _import(self) -> ModuleOp:
        module = import_onnx(self.ctx, self.file, self.chip, self.options.dims or {})
        note_sources(module, chip_sources(self.options))
        return module

    def _read_ir(self) -> ModuleOp:
        """The module in a file of IR, on the chip that is asked for or, if none is, on its own."""
        module, chip, known = read_ir(self.ctx, self.file), self.chip, None
        if self.options.dims:
            raise UserError(
                f"{self.file}: --dim is for ONNX: the dimensions of IR were fixed, or not, when it was made"
            )
        if self.options.chip == DEFAULT_CHIP and MODULE_KEY in module.attributes:
            own, known = chip_of(module), sources_of(module) or {}
            chip = own if self.options.digital is None else read_digital_set(self.options.digital).on(own)
            chip = ChipAttr.from_dict({**chip.to_dict(), **chip_changes(self.options)})
        if module.attributes.get(MODULE_KEY) != chip:
            if MODULE_KEY in module.attributes and is_on_chip(module):
                raise UserError(
                    f"{self.file}: lies on chip {chip_of(module).chip_name!r} already, and cannot be brought onto "
                    f"{chip.chip_name!r}: expected IR from before tile-blocks"
                )
            module.attributes[MODULE_KEY] = chip
            note_sources(module, chip_sources(self.options, known))
        self.options = replace(self.options, dims=fixed_dims(module))
        return module

    def _passes(self, module: ModuleOp) -> tuple[ModulePass, ...]:
        """The passes that are to run: those that were asked for, or what is left of the pipeline."""
        steps = remaining_steps(module)
        so_far = options_so_far(module)
        passes = passes_of(steps, self.options) if self.passes is None else self.passes
        if self.passes is None and is_ir(self.file):
            check_options(self.options, so_far, steps)
        for pass_ in passes:
            so_far |= asked_for(pass_)
        other = {name: value for name, value in so_far.items() if str(value) != str(getattr(self.options, name))}
        self.options = replace(self.options, **other)
        return passes

    def _measure_program(self, program: Program) -> None:
        """Run a program that may clip: what its network computes, which is quicker to run, says nothing about it."""
        if self._measures and (self.distance is None or may_clip(program)):
            self.progress("distance of the program to the original")
            self.distance = measured_program(self.file, program, self.options)
        if self.distance is not None and self.distance.failure is None:
            program.measured = self.distance

    @property
    def _measures(self) -> bool:
        """Whether the distance to the original is asked for, and there is one: IR does not have it."""
        return self.options.measure and not is_ir(self.file)

    def _keep_ir(self) -> list[AfterPass]:
        """What keeps the IR after each pass, if asked for."""
        folder = path_of(self.options.keep_ir)
        return [] if folder is None else [KeepIr(folder, self.ctx)]

    @contextlib.contextmanager
    def _naming_file(self) -> Generator[None]:
        """Errors about nodes get the name of the file; those about calibration inputs and kept IR name theirs."""
        try:
            yield
        except UserError as error:
            others = [path_of(self.options.calibrate), path_of(self.options.keep_ir)]
            if any(str(error).startswith(str(other)) for other in others if other is not None):
                raise
            class_ = ListError if isinstance(error, ListError) else UserError
            raise class_(f"{self.file}: {error}") from error

    def _validation(self, module: ModuleOp) -> list[AfterPass]:
        if not self.options.verify_each:
            return []
        network = Network.of(self.ctx, module)
        inputs = trial_inputs(network, path_of(self.options.calibrate))
        return [TranslationValidator(network.store, inputs), ScheduleValidator(network.store)]

    def _after_pass(self, done: ModulePass | None, module: ModuleOp) -> None:
        drop_unused_weights(Network.of(self.ctx, module))

    def _keep_text(self, language: str, module: ModuleOp) -> None:
        if self.options.texts:
            self.texts[language] = text_of(module, locations=False)

    def _network_has_its_structure(self, module: ModuleOp) -> None:
        if self.options.reference_float is not None:
            if is_quantised(module):
                raise UserError("--reference-float: its network is quantised: expected IR from before quantize")
            self.write_reference_float(outlined_model(Network.of(self.ctx, module)))

    def _network_is_final(self, module: ModuleOp) -> None:
        """What can be said once the network's numbers are what the program will compute."""
        self._keep_text("cim", module)
        measures = self._measures and self.options.lossy == LOSSLESS
        if self.options.reference is None and not measures:
            return
        network = Network.of(self.ctx, module)
        model = outlined_model(network)
        if measures:
            self.progress("distance to the original")
            network.store.release_files()  # ONNX Runtime maps the original, too
            self.distance = measured_distance(self.file, model, network, self.options)
        self.write_reference(model)


def _check_files(file: Path, options: Options) -> None:
    """UserError if an output cannot be written, or is an input, or another output."""
    chip = None if options.chip in chip_names() else Path(options.chip)
    digital = None if options.digital in digital_set_names() else path_of(options.digital)
    written = [options.output, *_references(options)]
    folder = path_of(options.keep_ir)
    kept = [] if folder is None else [folder]
    inputs = [path_of(options.calibrate), chip, digital, *(file.iterdir() if file.is_dir() else ())]
    if is_ir(file):
        check_names([*inputs, file, file.parent], [*written, *kept])
    else:
        check_names(inputs, [*written, *kept], networks=[file])
    check_writable(*written)


def _references(options: Options) -> list[Path]:
    """The files of both references, those of their large weights included."""
    given = [Path(file) for file in (options.reference, options.reference_float) if file is not None]
    return [*given, *(data_of(path) for path in given if not is_stream(path))]


def drop_unused_weights(network: Network) -> None:
    """Forget the stored arrays that no weight of the network names any more."""
    used = (op.value for op in network.weights.values())
    network.store.keep_only({value.key.data for value in used if isinstance(value, DataAttr)})


def chip_sources(options: Options, known: dict[str, str] | str | None = None) -> dict[str, str] | str:
    """Where each of the chip's numbers comes from, by key, as its file says; a chip of our own is its name.

    `known` is the same of a chip that is taken instead of the one in the options.
    """
    given = {key: f"given with --{key}" for key in chip_changes(options)}
    if known is None and not given and options.digital is None and options.chip in chip_names():
        return str(options.chip)
    sources = known if isinstance(known, dict) else read_chip_file(known or options.chip).sources
    if options.digital is not None:
        sources = read_digital_set(options.digital).sources_on(sources)
    return {**sources, **given}


def default_output(file: Path) -> Path:
    """Where the program of a model goes if nothing else is said: `model.cim` in the current folder."""
    name = file.resolve().name if file.is_dir() else file.stem
    if not name:
        raise UserError(f"{file}: not the name of a file")
    return Path(f"{name}.cim")
