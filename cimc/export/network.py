"""ONNX networks of checkpoints and of programs of `torch.export`: what torch and transformers make of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx_ir
import torch
from transformers.exporters.configs import OnnxConfig
from transformers.exporters.exporter_onnx import OnnxExporter

from cimc.export.models import load, sample
from cimc.export.tidy import tidy

FUSED_ATTENTION = 23
"""The first operator set with an operator for attention, which `sdpa` becomes; before, `eager` has fewer nodes."""


def network_of_checkpoint(folder: Path, dtype: str, opset: int | None, step: Callable[[str], None]) -> onnx_ir.Model:
    """The network in a folder, with weights of type `dtype`."""
    step("loading weights")
    model, has_cache = load(folder, dtype, "sdpa" if (opset or 0) >= FUSED_ATTENTION else "eager")
    inputs, shapes = sample(model, has_cache)
    step("tracing")
    config = OnnxConfig(dynamic=True, dynamic_shapes=shapes, opset_version=opset)
    network = OnnxExporter().export(model, inputs, config=config).program
    tidy(network, has_cache, type(model).__name__)
    return network


def network_of_program(file: Path, opset: int | None, step: Callable[[str], None]) -> onnx_ir.Model:
    """The network of a program that `torch.export.save` wrote."""
    step("loading weights")
    library: Any = torch
    program = library.export.load(file)
    step("tracing")
    network: onnx_ir.Model = library.onnx.export(program, opset_version=opset).model
    names = [value.name or "" for value in network.graph.inputs]
    tidy(network, any(name.startswith("past") for name in names), file.stem)
    return network
