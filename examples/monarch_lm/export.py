"""Export a trained network to ONNX, with its keys and values as inputs and outputs, and compare it with PyTorch.

python export.py monarch.pt monarch_lm.onnx
"""

import argparse
import ast
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import torch
from data import load_text
from model import ByteGPT, Config
from torch import Tensor, nn

import cimc

OPSET = 20
TOLERANCE = 1e-4
SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the exporter notes the modules that a node comes from, outermost first, and its own name for the node."""


class Flat(nn.Module):
    """The network with its cache as a flat list of tensors, as an ONNX graph wants it."""

    def __init__(self, model: ByteGPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        """Bytes [B, S], key and value of each layer -> logits, key and value of each layer."""
        logits, present = self.model(input_ids, list(zip(past[::2], past[1::2], strict=True)))
        return logits, *(tensor for pair in present for tensor in pair)


def main() -> None:
    """Load, export, compare."""
    parser = argparse.ArgumentParser(description="export a trained byte-level GPT to ONNX")
    parser.add_argument("weights", type=Path, help="what train.py saved")
    parser.add_argument("output", type=Path, help="the ONNX file")
    arguments = parser.parse_args()
    saved = torch.load(arguments.weights, weights_only=True)
    model = ByteGPT(Config(**saved["config"]))
    model.load_state_dict(saved["state"])
    model.eval()
    export(model, arguments.output)
    difference = largest_difference(model, arguments.output)
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {size} bytes, logits differ from PyTorch's by at most {difference:.1e}")
    if difference > TOLERANCE:
        raise SystemExit(f"logits differ by {difference:.1e}, at most {TOLERANCE:.0e} were expected")


def cache_names(prefix: str, layers: int) -> list[str]:
    """Names of the cache's tensors, in order: key, then value, layer by layer."""
    return [f"{prefix}_{part}_{layer}" for layer in range(layers) for part in ("key", "value")]


def export(model: ByteGPT, path: Path) -> None:
    """Write the network with symbolic batch, sequence and past lengths."""
    config = model.config
    past = torch.randn(2 * config.layers, 2, config.heads, 5, config.width // config.heads)
    names = cache_names("past", config.layers)
    program = torch.onnx.export(
        Flat(model),
        (torch.zeros(2, 3, dtype=torch.long), *past),
        dynamo=True,
        opset_version=OPSET,
        input_names=["input_ids", *names],
        output_names=["logits", *cache_names("present", config.layers)],
        dynamic_shapes={
            "input_ids": {0: "batch", 1: "sequence"},
            "past": tuple({0: "batch", 2: "past"} for _ in names),
        },
    )
    assert program is not None
    tidy(program.model)
    program.save(path)
    onnx.checker.check_model(path, full_check=True)


def tidy(model: onnx_ir.Model) -> None:
    """Name nodes after module and operator, as blocks.0.attention.query/MatMul, and sums of lengths in one way.

    The exporter's notes on nodes are dropped: they name files of the machine that exported.
    """
    used: Counter[str] = Counter()
    for node in model.graph:
        *_, module, _ = ast.literal_eval(node.metadata_props.get(SCOPES, "['', '']"))
        module = module.removeprefix("model.") if module.startswith("model.") else "attention_bias"
        name = f"{module}/{node.op_type}"
        node.name = name if not used[name] else f"{name}_{used[name]}"
        used[name] += 1
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
            if value.shape is not None:
                dims = ["past + sequence" if str(dim) == "sequence + past" else dim for dim in value.shape]
                value.shape = onnx_ir.Shape(dims)
    for name, weight in list(model.graph.initializers.items()):
        weight.name = name.removeprefix("model.")
    model.graph.name = "monarch_lm"


def largest_difference(model: ByteGPT, path: Path) -> float:
    """The largest difference of logits from PyTorch's: at once and in steps, with graph optimisations and without."""
    text = np.frombuffer(load_text().validation[:128], dtype=np.uint8).astype(np.int64).reshape(2, 64)
    with torch.no_grad():
        expected = model(torch.from_numpy(text))[0].numpy()
    worst = 0.0
    for level in onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for step in (64, 1, 7):
            logits = run(session, text, step)
            worst = max(worst, float(np.abs(logits - expected).max()))
    return worst


def run(session: onnxruntime.InferenceSession, text: np.ndarray, step: int) -> np.ndarray:
    """Logits of a whole text [B, S], fed `step` bytes at a time."""
    context = cimc.onnx_context(session, len(text))
    return np.concatenate([context.feed(text[:, i : i + step]) for i in range(0, text.shape[1], step)], axis=1)


if __name__ == "__main__":
    main()
