"""Train a byte-level GPT on the CPU and print its bits per byte on the validation text.

python train.py monarch.pt --width 512 --blocks 16      Monarch layers of 16 blocks a factor
python train.py dense.pt --width 512 --blocks 1         dense layers of the same sizes
python train.py pulled.pt --width 256 --blocks 4 --pull 0.9    dense weights pulled onto Monarch products
"""

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from data import load_text
from model import BYTES, ByteGPT, Config
from muon import Muon
from pulling import Pull, as_monarch, dense_weights, keep_at
from torch import Tensor
from torch.nn import functional as F

CONTEXT = 256
BATCH = 16
WARM_UP = 30


def main() -> None:
    """Train, measure, save."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    text = load_text()
    start, busy = time.monotonic(), time.process_time()
    model = trained(as_tensor(text.train), arguments)
    busy = time.process_time() - busy
    torch.save({"config": model.config.__dict__, "state": model.state_dict()}, arguments.output)
    bits = bits_per_byte(model, as_tensor(text.validation))
    print(f"validation: {bits:.4f} bits per byte, {model.stored_weights()} stored weights")
    print(f"{time.monotonic() - start:.0f} s in all, {busy:.0f} s of all cores together for training")


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line, or these words instead."""
    parser = argparse.ArgumentParser(description="train a small byte-level GPT on the CPU")
    parser.add_argument("output", type=Path, help="where the trained weights go")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=16, help="blocks of each Monarch factor; 1: dense layers")
    parser.add_argument(
        "--pull",
        type=float,
        metavar="SHARE",
        help="train dense weights, pulled onto Monarch products within this share of the steps (default: the factors)",
    )
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=BATCH, help=f"windows of {CONTEXT} bytes in a step")
    parser.add_argument("--rate", type=float, default=0.02, help="learning rate of the hidden linear layers")
    parser.add_argument("--threads", type=int, default=2, help="on a busy machine, one thread is quicker than two")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(words)
    if arguments.pull is not None and not 0 < arguments.pull < 1:
        parser.error(f"--pull {arguments.pull}: expected a share of the steps between 0 and 1")
    if arguments.pull is not None and arguments.blocks == 1:
        parser.error("--pull with --blocks 1: there is nothing to pull dense layers onto, give more blocks")
    return arguments


def as_tensor(text: bytes) -> Tensor:
    """Bytes as int64 [N]."""
    return torch.frombuffer(bytearray(text), dtype=torch.uint8).long()


def trained(text: Tensor, arguments: argparse.Namespace, quiet: bool = False) -> ByteGPT:
    """A network trained on bytes [N], in the form the command line asks for; prints how it goes, unless quiet."""
    torch.manual_seed(arguments.seed)
    pulled = arguments.pull is not None
    model = ByteGPT(Config(arguments.width, arguments.layers, arguments.heads, 1 if pulled else arguments.blocks))
    pulls = [Pull(weight, arguments.blocks) for _, weight in dense_weights(model)] if pulled else []
    start = time.monotonic()
    for step, loss in enumerate(training(model, pulls, text, arguments), start=1):
        if not quiet and (step % 20 == 0 or step == arguments.steps):
            elapsed = time.monotonic() - start
            print(f"step {step}: {loss / math.log(2):.3f} bits per byte, {elapsed:.0f} s", flush=True)
    if pulled:
        model = as_monarch(model, pulls, arguments.blocks)
    return model.eval()


def training(model: ByteGPT, pulls: list[Pull], text: Tensor, arguments: argparse.Namespace) -> Iterator[float]:
    """Train, and pull weights of a dense network; yields the loss of every step, in nats per byte."""
    hidden = [parameter for parameter in model.blocks.parameters() if parameter.ndim >= 2]
    others = [
        *(parameter for parameter in model.blocks.parameters() if parameter.ndim < 2),
        *model.embedding.parameters(),
        *model.norm.parameters(),
        *model.head.parameters(),
    ]
    optimizers = (
        Muon(hidden, lr=arguments.rate),
        torch.optim.AdamW(others, lr=arguments.rate / 4, betas=(0.9, 0.95), weight_decay=0.0),
    )
    schedulers = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, arguments.steps))
        for optimizer in optimizers
    ]
    model.train()
    for step in range(arguments.steps):
        starts = torch.randint(len(text) - CONTEXT, (arguments.batch, 1))
        windows = text[starts + torch.arange(CONTEXT + 1)]
        # Matrix products in bfloat16 are several times quicker on processors that have them; the weights stay float32.
        with torch.autocast("cpu", torch.bfloat16):
            logits, _ = model(windows[:, :-1])
        loss = F.cross_entropy(logits.float().reshape(-1, BYTES), windows[:, 1:].reshape(-1))
        loss.backward()
        for optimizer, scheduler in zip(optimizers, schedulers, strict=True):
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        for pull in pulls:
            pull.apply(keep_at(step, arguments.pull * arguments.steps))
        yield loss.item()


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate: linear warm-up, then linear decay to nothing."""
    warm_up = min(WARM_UP, max(1, steps // 2))
    return min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))


@torch.no_grad()
def bits_per_byte(model: ByteGPT, text: Tensor) -> float:
    """Mean of -log2 p of each byte, given at least CONTEXT / 2 bytes before it (the first ones of the text: fewer)."""
    half = CONTEXT // 2
    count = (len(text) - 1) // half - 1
    starts = torch.arange(count).unsqueeze(1) * half
    nats = 0.0
    for chunk in starts.split(BATCH):
        windows = text[chunk + torch.arange(CONTEXT + 1)]
        logits, _ = model(windows[:, :-1])
        losses = F.cross_entropy(logits.transpose(1, 2), windows[:, 1:], reduction="none")
        nats += losses[:, half:].sum().item()
        if chunk[0] == 0:
            nats += losses[0, :half].sum().item()
    return nats / ((count + 1) * half) / math.log(2)


if __name__ == "__main__":
    main()
