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

from cimc.compiler import Options, drop_unused_weights, measured_distance, quantise_network
from cimc.distance import Distance
from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.options.compilation import DEFAULT_CHIP
from cimc.pass_runner import PassRunner, text_of
from cimc.universe import make_context
from dialects.network import Network
from dialects.semantics.onnx_graph import outlined_model
from dialects.weights import SIDE_FILE, store_of

MODULE_FILE = "network.mlir"
DISTANCE_FILE = "distance.json"

Figure = int | float | None


@dataclass(frozen=True)
class QuantisedNetwork:
    """A quantised network: the module that passes of the chip part go on with, and how far it is from the original."""

    ctx: Context
    module: ModuleOp
    distance: dict[str, Figure]


def prepare_network(file: Path, options: Options, folder: Path) -> None:
    """Import and quantise the model in `file`, and keep the result as `folder`, which appears complete or not at all.

    Raises UserError as `cimc` does.
    """
    if folder.exists():
        return
    ctx = make_context()
    module = import_onnx(ctx, file, load_chip(DEFAULT_CHIP), options.dims or {})
    quantise_network(PassRunner(ctx), module, options)
    network = Network.of(ctx, module)
    drop_unused_weights(network)
    distance = measured_distance(file, outlined_model(network), network, options)
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    new.mkdir(parents=True, exist_ok=True)
    try:
        (new / MODULE_FILE).write_text(text_of(module), encoding="utf-8")
        (new / DISTANCE_FILE).write_text(json.dumps(_figures(distance)))
        store_of(ctx).write(new / SIDE_FILE)
        if not folder.exists():
            new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@lru_cache(maxsize=2)
def load_network(folder: Path) -> QuantisedNetwork:
    """The network in `folder`, its weights mapped; whoever changes the module must change a clone."""
    ctx = make_context()
    store_of(ctx).attach(folder / SIDE_FILE)
    text = (folder / MODULE_FILE).read_text(encoding="utf-8")
    module = Parser(ctx, text, str(folder / MODULE_FILE)).parse_module()
    return QuantisedNetwork(ctx, module, json.loads((folder / DISTANCE_FILE).read_text()))


def _figures(distance: Distance) -> dict[str, Figure]:
    """The distance as figures of each point; nothing where it could not be measured, and JSON knows no infinity."""
    if distance.failure is not None:
        return {"network.cosine": None, "network.largest_difference": None}
    largest = distance.largest if distance.largest < float("inf") else None
    return {"network.cosine": distance.cosine, "network.largest_difference": largest}
