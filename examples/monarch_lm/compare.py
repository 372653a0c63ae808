"""Compare a Monarch network with a dense one of as many stored weights, over several seeds.

python compare.py --steps 1500 --seeds 0 1 2

Both have the same text, steps and batches a step. A row is printed after each training, then means and spreads.
"""

import argparse
import time

import torch
from data import load_text
from torch import Tensor
from train import as_tensor, bits_per_byte, parse_arguments, trained

SIDES = {
    "Monarch": ["--width", "256", "--heads", "4", "--blocks", "4", "--rate", "0.04", "--pull", "0.3"],
    "dense": ["--width", "156", "--heads", "4", "--blocks", "1", "--rate", "0.04"],
}
"""What `train.py` is told for each network."""


def main() -> None:
    """Compare on the text of `data.py`, on one thread."""
    parser = argparse.ArgumentParser(description="compare a Monarch network with a dense one of as many weights")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = load_text()
    compare(as_tensor(text.train), as_tensor(text.validation), arguments.steps, arguments.seeds)


def compare(train: Tensor, validation: Tensor, steps: int, seeds: list[int]) -> None:
    """Train every side with every seed on bytes [N], measure on bytes [M], print."""
    print("| network | stored weights | seed | bits per byte | seconds of training |")
    print("|---|---|---|---|---|", flush=True)
    bits: dict[str, list[float]] = {side: [] for side in SIDES}
    for seed in seeds:
        for side, options in SIDES.items():
            asked = parse_arguments(["unused.pt", *options, "--steps", str(steps), "--seed", str(seed)])
            busy = time.process_time()
            model = trained(train, asked, quiet=True)
            busy = time.process_time() - busy
            bits[side].append(bits_per_byte(model, validation))
            print(f"| {side} | {model.stored_weights():,} | {seed} | {bits[side][-1]:.4f} | {busy:.0f} |", flush=True)
    for side, each in bits.items():
        print(f"{side}: {sum(each) / len(each):.4f} on average, seeds within {max(each) - min(each):.4f}")
    print(verdict(bits))


def verdict(bits: dict[str, list[float]]) -> str:
    """Whether Monarch's mean is lower, and by more than the seeds of either side are apart."""
    monarch, dense = bits["Monarch"], bits["dense"]
    ahead = sum(dense) / len(dense) - sum(monarch) / len(monarch)
    spread = max(max(each) - min(each) for each in (monarch, dense))
    return (
        f"Monarch is {'ahead' if ahead > 0 else 'behind'} by {abs(ahead):.4f}, "
        f"{'more' if abs(ahead) > spread else 'not more'} than seeds are apart"
    )


if __name__ == "__main__":
    main()
