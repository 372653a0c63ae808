"""Quantised networks in a working folder: made once each, then parsed by whoever brings one onto a chip."""

import json
import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.compiler import Options, drop_unused_weights, quantise_network
from cimc.emitter.ports import network_inputs, network_outputs
from cimc.emitter.slots import Slots
from cimc.hardware.library import load_chip
from cimc.ir.texts import text_of
from cimc.measuring import measured_distance
from cimc.onnx_import.importer import import_onnx
from cimc.options.compilation import DEFAULT_CHIP
from cimc.pass_driver.pass_runner import PassRunner
from cimc.program.distance import Distance
from cimc.program.metadata import JsonObject
from cimc.sweep.figures import Figure, measured_figures
from cimc.sweep.quality import Reading, quality_of, running
from cimc.universe import make_context
from dialects.network import Network
from dialects.semantics.onnx_graph import outlined_model
from dialects.weights import store_of

MODULE_FILE = "network.mlir"
FIGURES_FILE = "figures.json"
DISTANCE_FILE = "distance.json"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True)
class QuantisedNetwork:
    """A quantised network: the module that passes of the chip part go on with, and the figures that it alone has."""

    ctx: Context
    module: ModuleOp
    distance: Distance | None
    """How far it is from the original; None if that could not be measured."""
    figures: dict[str, Figure]
    """How far it is from the original, and what it makes of a text."""


def prepare_network(file: Path, options: Options, folder: Path, reading: Reading | None = None) -> None:
    """Import and quantise the model in `file`, and keep the result as `folder`, which appears complete or not at all.

    Raises UserError as `cimc` does, and what `quality_of` raises for `reading`, where there is one.
    """
    if folder.exists():
        return
    ctx = make_context()
    module = import_onnx(ctx, file, load_chip(DEFAULT_CHIP), options.dims or {})
    quantise_network(PassRunner(ctx), module, options)
    network = Network.of(ctx, module)
    drop_unused_weights(network)
    model = outlined_model(network)
    distance = measured_distance(file, model, network, options)
    figures = measured_figures(distance)
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    new.mkdir(parents=True, exist_ok=True)
    try:
        if reading is not None:
            with running(model, new) as run:
                figures |= quality_of(reading, _Signature(network), run)
        (new / MODULE_FILE).write_text(text_of(module), encoding="utf-8")
        (new / FIGURES_FILE).write_text(json.dumps(figures))
        (new / DISTANCE_FILE).write_text(json.dumps(None if distance.failure is not None else distance.to_json()))
        store_of(ctx).write(new / WEIGHTS_FILE)
        if not folder.exists():
            new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@lru_cache(maxsize=2)
def load_network(folder: Path) -> QuantisedNetwork:
    """The network in `folder`, its weights mapped; whoever changes the module must change a clone."""
    ctx = make_context()
    store_of(ctx).attach(folder / WEIGHTS_FILE)
    text = (folder / MODULE_FILE).read_text(encoding="utf-8")
    module = Parser(ctx, text, str(folder / MODULE_FILE)).parse_module()
    measured = json.loads((folder / DISTANCE_FILE).read_text())
    distance = None if measured is None else Distance.from_json(JsonObject(measured, DISTANCE_FILE))
    return QuantisedNetwork(ctx, module, distance, json.loads((folder / FIGURES_FILE).read_text()))


class _Signature:
    """What a program of the network takes and gives."""

    def __init__(self, network: Network) -> None:
        slots = Slots()
        self.inputs = network_inputs(network, slots)
        self.outputs = network_outputs(network, slots)
