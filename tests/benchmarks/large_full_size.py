"""GPT-2-medium, BERT-large, BART-large of random weights, dense and Monarch, by both exporters: compiled, run, costed.

Each is exported, compiled and quantised in processes of their own, so that seconds of CPU and peak memory are theirs
alone. Compiling writes the reference, too, with which one run of the program is compared.
`make bench-large ONLY="full_size and gpt2 and dynamo"` takes some.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

from cimc.program.onnx_models.large_files import parsed

AddRow = Callable[..., None]

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "out" / "full-size.md"
MAKE = ROOT / "examples" / "full_size" / "networks.py"
COMPILE = "import sys, cimc; cimc.compile(sys.argv[1], reference=sys.argv[3]).save(sys.argv[2])"
QUANTISE = (
    "import sys; from onnxruntime.quantization import quantize_dynamic as q; "
    "q(sys.argv[1], sys.argv[2], use_external_data_format=True)"
)
GIBIBYTE = 1 << 30
CONTEXT, LENGTH = 512, 128
"""Tokens before the one that is costed, and lengths of sequences where there are no earlier tokens."""
ARRAYS = {"gpt2": 480, "bert": 480, "bart": 528}
"""Of the Monarch layers, as in docs/mappings.md: without embeddings, heads and poolers."""
TITLES = {"gpt2": "GPT-2-medium", "bert": "BERT-large", "bart": "BART-large"}
SIDE = 256
"""Of an array of the default chip."""
HEADER = (
    "| network | exporter | weights (million) | arrays (bound) | compile (CPU s) | `quantize_dynamic` (CPU s) "
    "| peak (MB) | allowed (MB) | one run | latency a token | energy a token | page |\n" + 12 * "|---" + "|"
)


@dataclass(frozen=True)
class Ended:
    """What a process took."""

    seconds: float
    """Of CPU."""
    peak: int
    """Bytes of memory."""
    output: str


def ended(*command: str | Path) -> Ended:
    """Run Python with these arguments, to its end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, output[-2000:]
    return Ended(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


def float_bytes(file: Path) -> int:
    """Bytes of a network's initializers, which are not read: a process counts as its peak what its parent had."""
    tensors = parsed(file).graph.initializer
    types = ((tensor, onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)) for tensor in tensors)
    return sum(int(np.prod(tensor.dims)) * type_.itemsize for tensor, type_ in types)


def one_token(network: str, made: Path, file: Path) -> None:
    """Inputs for one token of GPT-2 after some, or for one sequence, of the inputs that the network was made with."""
    with np.load(made) as arrays:
        inputs = {name: arrays[name][:1] for name in arrays.files}
    if network == "gpt2":
        inputs["input_ids"] = inputs["input_ids"][:, :1]
        inputs["position_ids"] = inputs["position_ids"][:, :1]
        inputs["attention_mask"] = inputs["attention_mask"][:, : 1 + int(inputs["position_ids"][0, 0])]
    np.savez(file, allow_pickle=False, **inputs)


@pytest.fixture(scope="module")
def lines() -> Iterator[list[str]]:
    """Lines of the table, which is written when all is done, also if not all went well."""
    lines: list[str] = []
    yield lines
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    print(f"\n{TABLE}:", HEADER, *lines, sep="\n")


@pytest.mark.parametrize("form", ["monarch", "dense"])
@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
@pytest.mark.parametrize("network", TITLES)
def test_full_size(network: str, form: str, exporter: str, tmp_path: Path, row: AddRow, lines: list[str]) -> None:
    file, program, reference = (tmp_path / f"network{end}" for end in (".onnx", ".cim", ".reference.onnx"))
    made, inputs, report = tmp_path / "made.npz", tmp_path / "inputs.npz", tmp_path / "report.json"
    ended(MAKE, network, form, exporter, file, "--inputs", made)
    size = float_bytes(file)
    allowed = size + GIBIBYTE
    compiled = ended("-c", COMPILE, file, program, reference)
    quantised = ended("-c", QUANTISE, file, tmp_path / "quantised.onnx")
    for path in tmp_path.glob("quantised.onnx*"):
        path.unlink()
    one_token(network, made, inputs)
    run = ended("-m", "cimc.commands.run_program", program, "--inputs", inputs, "--check", reference)
    sizes = (
        [] if network == "gpt2" else [f"--dim=sequence={LENGTH}", *([f"--dim=target={LENGTH}"] * (network == "bart"))]
    )
    page = tmp_path / "report.html"
    ended("-m", "cimc.commands.report_program", program, "--json", report, "-o", page, f"--context={CONTEXT}", *sizes)
    figures = json.loads(report.read_text(encoding="utf-8"))
    monarch = sum(layer["stored_weights"] for layer in figures["layers"] if layer["kind"] == "monarch")
    if form == "monarch":
        assert monarch == ARRAYS[network] * SIDE**2
    name = f"{network} {form} {exporter}"
    row(
        f"compile {name}",
        seconds=compiled.seconds,
        ratio=compiled.seconds / quantised.seconds,
        against=f"quantize_dynamic, {quantised.seconds:.0f} s of CPU",
        target=1,
    )
    row(f"compile {name}: memory", ratio=compiled.peak / allowed, against=f"{allowed / 1e6:.0f} MB allowed", target=1)
    cells = (
        f"{TITLES[network]}, {form}",
        exporter,
        f"{size / 4e6:.0f}",
        f"{figures['arrays']} ({figures['arrays_lower_bound']})",
        missed(compiled.seconds, quantised.seconds),
        f"{quantised.seconds:.0f}",
        missed(compiled.peak / 1e6, allowed / 1e6),
        f"{allowed / 1e6:.0f}",
        "identical" if "identical" in run.output else run.output,
        f"{figures['latency_ns']['total'] / 1e6:.3g} ms",
        f"{figures['energy_pj']['total'] / 1e9:.3g} mJ",
        f"{page.stat().st_size / 1e6:.1f} MB",
    )
    lines.append(f"| {' | '.join(cells)} |")
    print(f"\n{lines[-1]}\n{figures['conditions']}")


def missed(measured: float, allowed: float) -> str:
    """A figure, in bold letters where it is more than it should be."""
    return f"{measured:.0f}" if measured <= allowed else f"**{measured:.0f}**"
