"""How far what was compiled is from the original: which of them is run, and on which inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cimc.distance import MEASURING_SECONDS, TOO_LONG, distance_of_program, distance_to_original
from cimc.emitter.ports import network_inputs
from cimc.emitter.slots import Slots
from cimc.machine.inputs import check_inputs, random_inputs
from cimc.options.compilation import UserOptions, path_of
from cimc.program.distance import Distance
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input
from cimc.program.open_sizes import longer_inputs
from cimc.program.port_names import lengths_of_caches
from cimc.program.program import Program
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.network import Network
from dialects.semantics.outlined import OutlinedModel
from passes.rewriting.calibration.activations import calibration_inputs


def measured_distance(file: Path, model: OutlinedModel, network: Network, options: UserOptions) -> Distance:
    """How far `model`, what `network` computes, is from the original in `file`."""
    inputs = network_inputs(network, Slots())
    return _measured(inputs, options, lambda arrays, seconds: distance_to_original(file, model, arrays, seconds))


def measured_program(file: Path, program: Program, options: UserOptions, threads: int | None = None) -> Distance:
    """How far a program, which may clip and so compute something else than its network, is from the original.

    `threads` are those of the machine; None for as many as it usually has.
    """
    return _measured(
        program.inputs, options, lambda arrays, seconds: distance_of_program(file, program, arrays, seconds, threads)
    )


def _measured(
    inputs: Sequence[Input], options: UserOptions, measure: Callable[[Mapping[str, Array], float], Distance]
) -> Distance:
    """What `measure` finds on calibration inputs, or on made-up ones.

    Made-up keys and values are none that a language model ever sees: it is asked with none, if it runs that way.
    """
    seconds = options.time_limit or MEASURING_SECONDS
    try:
        calibrate = path_of(options.calibrate)
        if calibrate is not None:
            return replace(measure(given_inputs(inputs, calibrate), seconds), inputs=calibrate.name)
        beginning = dict.fromkeys(lengths_of_caches(inputs), 0)
        distance = measure(random_inputs(inputs, dims=beginning), seconds)
        if distance.failure and beginning:
            distance = measure(random_inputs(inputs), seconds)
        return _with_more(inputs, distance, lambda arrays: measure(arrays, seconds))
    except ProgramError as error:
        return Distance(False, failure=str(error))


def _with_more(
    inputs: Sequence[Input], distance: Distance, measure: Callable[[Mapping[str, Array]], Distance]
) -> Distance:
    """The distance on longer inputs, where the network does not run with such as were made up first."""
    if distance.failure is None or distance.failure.startswith(TOO_LONG):
        return distance
    longer = (measure(random_inputs(values, dims=dims)) for _, values, dims in longer_inputs(inputs))
    return next((other for other in longer if other.failure is None), distance)


def trial_inputs(network: Network, calibrate: Path | None) -> Mapping[str, Array]:
    """Inputs to try the network with: the calibration inputs, or made-up ones."""
    inputs = network_inputs(network, Slots())
    return random_inputs(inputs) if calibrate is None else given_inputs(inputs, calibrate)


def given_inputs(inputs: Sequence[Input], calibrate: Path) -> Mapping[str, Array]:
    """The calibration inputs; UserError, naming the file, for what is not finite or does not fit the network."""
    arrays = calibration_inputs(str(calibrate), [value.name for value in inputs])
    try:
        return check_inputs(inputs, arrays)
    except ProgramError as error:
        raise UserError(f"{calibrate}: {error}") from error
