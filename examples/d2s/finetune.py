"""Train a projected network until it answers as the original does: distillation, with no labels needed.

python finetune.py original.onnx projected.onnx inputs.npz -o tuned.onnx

inputs.npz has one array for each input, like that of `cimc --calibrate`; row i of all arrays makes one example.
"""

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from onnx_module import OnnxModule
from torch import Tensor

Arrays = dict[str, npt.NDArray]

WARM_UP = 20


def main() -> None:
    """Train, save."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    with np.load(arguments.inputs) as file:
        inputs = dict(file)
    network = OnnxModule(arguments.projected)
    start = time.monotonic()
    losses: list[float] = []
    for step, loss in enumerate(training(network, arguments.original, inputs, arguments), start=1):
        losses.append(loss)
        if step % 20 == 0 or step == arguments.steps:
            print(f"step {step}: error {np.mean(losses[-20:]):.4f}, {time.monotonic() - start:.0f} s", flush=True)
    network.save(arguments.output)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="train a projected network to answer as the original does")
    parser.add_argument("original", type=Path, help="the network before projection, ONNX")
    parser.add_argument("projected", type=Path, help="what `cimc --monarch ... --reference-float` wrote")
    parser.add_argument("inputs", type=Path, help="examples to learn from, .npz")
    parser.add_argument("-o", dest="output", type=Path, required=True, help="where the trained network goes")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def training(network: OnnxModule, original: Path, inputs: Arrays, arguments: argparse.Namespace) -> Iterator[float]:
    """Train on batches of the inputs; yields the relative error of each, before its step."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the cores are wanted for training
    session = onnxruntime.InferenceSession(original, options, providers=["CPUExecutionProvider"])
    optimizer = torch.optim.Adam(network.parameters(), lr=arguments.rate, betas=(0.9, 0.98))
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, arguments.steps))
    generator = np.random.default_rng(arguments.seed)
    size = len(next(iter(inputs.values())))
    for _ in range(arguments.steps):
        chosen = generator.choice(size, min(arguments.batch, size), replace=False)
        batch = {name: array[chosen] for name, array in inputs.items()}
        outputs = network({name: torch.from_numpy(array) for name, array in batch.items()})
        names = [name for name, value in outputs.items() if value.is_floating_point()]
        targets = dict(zip(names, session.run(names, batch), strict=True))
        loss = relative_error(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        yield loss.item()


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate: linear warm-up, then half a cosine down to nothing."""
    return min((step + 1) / WARM_UP, (1 + math.cos(math.pi * step / steps)) / 2)


def relative_error(outputs: dict[str, Tensor], targets: Arrays) -> Tensor:
    """Mean over outputs of the squared error relative to the square of the target; each output counts the same."""
    errors: list[Tensor] = []
    for name, target in targets.items():
        wanted = torch.from_numpy(target)
        errors.append((outputs[name] - wanted).square().sum() / wanted.square().sum())
    return torch.stack(errors).mean()


if __name__ == "__main__":
    main()
