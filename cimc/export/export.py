"""From the folder of a checkpoint, or a program of `torch.export`, to an ONNX network, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, cast

from cimc.export.checkpoint import read_checkpoint
from cimc.export.torch_program import check_torch_program
from cimc.extras import need
from cimc.files.whole_file import whole_file
from cimc.options.spelling import Spelling
from cimc.options.values import positive
from cimc.program.one_line import one_line
from dialects.errors import UserError

DTYPES = ("float32", "float16", "bfloat16")
_NOTHING_FROM_STRANGERS = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "TORCH_FORCE_WEIGHTS_ONLY_LOAD")
"""What is set where nothing shall be fetched, and no pickle obeyed."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """How a network is written as ONNX."""

    opset: Annotated[int | None, Spelling("operator set of the network (default: the exporter's)", "N", positive)] = (
        None
    )
    dtype: Annotated[str, Spelling("type of the weights (default: %(default)s)", choices=DTYPES)] = "float32"
    """Of a checkpoint, whatever type they are stored in; a program has its own."""


DEFAULTS = ExportOptions()


def export(
    source: Path,
    output: Path,
    options: ExportOptions = DEFAULTS,
    progress: Callable[[str], None] = lambda step: None,
) -> None:
    """Write the network in a folder or a file of `torch.export` to `output`, its weights to `<output>.data` beside it.

    Both take their places when they are complete. `progress` is called with the name of each step. Raises UserError,
    one line with the source and the reason.
    """
    if source.is_dir():
        read_checkpoint(source)
    else:
        check_torch_program(source)
    need("llm", f"{source}: exporting it to ONNX")
    data = data_of(output)
    with whole_file(output, UserError) as new_model, whole_file(data, UserError) as new_data:
        _run(source, new_model, options, progress)
        made = data_of(new_model)
        if made.exists() and made.stat().st_size:
            made.replace(new_data)
        if new_data.exists() and data.exists():
            output.resolve().unlink(missing_ok=True)  # the old one must never be found with the new weights


def data_of(network: Path) -> Path:
    """The file with the large weights of a network."""
    return network.with_name(f"{network.name}.data")


_CHILD = "import sys; sys.path[:0] = sys.argv[1:]; from cimc.export.worker import main; main()"


def order_of(source: Path, file: Path, options: ExportOptions = DEFAULTS) -> dict[str, object]:
    """What the process is told to do."""
    return {"source": str(source.resolve()), "file": str(file.resolve()), **asdict(options)}


def environment() -> dict[str, str]:
    """The environment of the process."""
    return {**os.environ, **dict.fromkeys(_NOTHING_FROM_STRANGERS, "1")}


def _run(source: Path, file: Path, options: ExportOptions, progress: Callable[[str], None]) -> None:
    """Let a process export to `file`, and its weights beside it; UserError if it does not."""
    command = [sys.executable, "-P", "-c", _CHILD, str(Path(__file__).parents[2])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps(order_of(source, file, options)) + "\n")
            child.stdin.close()
            reasons = [reason for line in child.stdout if (reason := _heard(line, progress))]
        except BaseException:
            child.kill()
            raise
    if reasons:
        raise UserError(f"{source}: cannot be exported: {one_line(reasons[-1])}")
    if child.returncode:
        died = f"by signal {-child.returncode}" if child.returncode < 0 else f"with {child.returncode}"
        raise UserError(f"{source}: cannot be exported: the process ended {died}: is there enough memory?")


def _heard(line: str, progress: Callable[[str], None]) -> str:
    """The reason in a line of the process, "" for one that tells of a step."""
    answer = cast(dict[str, str], json.loads(line))
    if "step" in answer:
        progress(answer["step"])
    return answer.get("error", "")
