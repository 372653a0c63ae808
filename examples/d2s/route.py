"""From a dense network to a program of Monarch products: project, calibrate, fine-tune, compile; prints every error.

python route.py original.onnx inputs.npz out --monarch 8

inputs.npz has one array for each input of the network; row i of all arrays makes one example.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

import cimc

Arrays = dict[str, npt.NDArray]

HELD_OUT = 16
"""One example in so many is seen by no step: errors are measured on these."""
CALIBRATION = 128
"""Examples to calibrate with, at most; they are also learned from."""


def main() -> None:
    """The whole route."""
    arguments = parse_arguments()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    original: Path = arguments.original
    table = Table(original, write_inputs(arguments.inputs, out))
    table.add("original", original, out / "original")
    table.add("closed form", original, out / "closed_form", monarch=arguments.monarch)
    projected = table.add(
        "calibrated", original, out / "calibrated", monarch=arguments.monarch, calibrate=out / "calibration.npz"
    )
    tuned = out / "tuned.onnx"
    files = [original, projected, out / "learned.npz", "-o", tuned]
    command = [sys.executable, Path(__file__).with_name("finetune.py"), *files, "--steps", arguments.steps]
    subprocess.run([str(part) for part in command], check=True)
    table.add("fine-tuned", tuned, out / "tuned")
    print("\n".join(table.rows))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="project a network, fine-tune it, compile it; print every error")
    parser.add_argument("original", type=Path, help="the network, ONNX")
    parser.add_argument("inputs", type=Path, help="examples, .npz")
    parser.add_argument("out", type=Path, help="the folder for what is made")
    parser.add_argument("--monarch", default="8", help="as for cimc")
    parser.add_argument("--steps", type=int, default=600, help="of fine-tuning")
    return parser.parse_args()


def write_inputs(inputs: Path, out: Path) -> Arrays:
    """Write what is learned from, and a part of it for calibration; gives what is held out."""
    with np.load(inputs) as file:
        arrays = dict(file)
    size = len(next(iter(arrays.values()))) // HELD_OUT
    np.savez(out / "learned.npz", **{name: array[size:] for name, array in arrays.items()})
    np.savez(out / "calibration.npz", **{name: array[size:][:CALIBRATION] for name, array in arrays.items()})
    return {name: array[:size] for name, array in arrays.items()}


class Table:
    """Rows of errors relative to the original, on held-out inputs."""

    def __init__(self, original: Path, held_out: Arrays) -> None:
        self.held_out = held_out
        self.original = outputs(original, held_out)
        self.rows = ["| network | weights | arrays | error in float | error as a program |", "|---|---|---|---|---|"]

    def add(self, name: str, model: Path, to: Path, **options: Any) -> Path:
        """Compile, and add a row; gives the path of the network as it was before quantisation.

        The error of the program is that of its reference, which it equals to the last bit.
        """
        in_float, reference = to.with_suffix(".float.onnx"), to.with_suffix(".reference.onnx")
        program = cimc.compile(model, activations="token", reference_float=in_float, reference=reference, **options)
        program.save(to.with_suffix(".cim"))
        errors = [relative_error(outputs(file, self.held_out), self.original) for file in (in_float, reference)]
        print(f"{name}: relative error {errors[0]:.3f}, as a program {errors[1]:.3f}", flush=True)
        size = f"{program.report().stored_weights:,} | {len(program.arrays)}"
        self.rows.append(f"| {name} | {size} | {errors[0]:.3f} | {errors[1]:.3f} |")
        return in_float


def outputs(model: Path, inputs: Arrays) -> Arrays:
    """The float outputs of a network, by name."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    values = dict(zip((output.name for output in session.get_outputs()), session.run(None, inputs), strict=True))
    return {name: value for name, value in values.items() if value.dtype == np.float32}


def relative_error(found: Arrays, expected: Arrays) -> float:
    """Root of the mean over outputs of the squared error relative to the square of what is expected."""
    ratios = [np.square(found[name] - value).sum() / np.square(value).sum() for name, value in expected.items()]
    return float(np.sqrt(np.mean(ratios)))


if __name__ == "__main__":
    main()
