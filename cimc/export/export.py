"""From a folder of a checkpoint to an ONNX network, by the exporter of transformers in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, cast

from cimc.export.checkpoint import Checkpoint, read_checkpoint
from cimc.files.whole_file import whole_file
from cimc.options.spelling import Spelling
from cimc.program.one_line import one_line
from dialects.errors import UserError

NEEDED = ("torch", "transformers", "onnxscript")
DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """How a checkpoint is written as ONNX."""

    opset: Annotated[int | None, Spelling("operator set of the network (default: the exporter's)", "N", int)] = None
    dtype: Annotated[str, Spelling("type of the weights (default: %(default)s)", choices=DTYPES)] = "float32"
    """Whatever type they are stored in."""


def export_checkpoint(
    folder: Path,
    output: Path,
    options: ExportOptions = ExportOptions(),
    progress: Callable[[str], None] = lambda step: None,
) -> None:
    """Write the network of a folder to `output`, and its weights to a file beside it, `<output>.data`.

    Both take their places when they are complete. Raises UserError, one line with folder and reason.
    """
    checkpoint = read_checkpoint(folder)
    check_installed()
    data = output.with_name(f"{output.name}.data")
    with whole_file(output, UserError) as new_model, whole_file(data, UserError) as new_data:
        _run(checkpoint, new_model, options, progress)
        made = new_model.with_name(data.name)
        if made.exists():
            made.replace(new_data)


def check_installed() -> None:
    """UserError if what exports is not installed: it is large, and most users need none of it."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f"checkpoints are exported with {missing[0]}, which is not installed: pip install 'cimc[llm]'")


_CHILD = "import sys; sys.path[:0] = sys.argv[1:]; from cimc.export.worker import main; main()"


def _run(checkpoint: Checkpoint, file: Path, options: ExportOptions, progress: Callable[[str], None]) -> None:
    """Let a process export to `file`, and its weights beside it; UserError if it does not."""
    order = {
        "folder": str(checkpoint.folder.resolve()),
        "file": str(file.resolve()),
        "data": f"{file.name}.data",
        "opset": options.opset,
        "dtype": options.dtype,
    }
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-P", "-c", _CHILD, root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()
            reasons = [answer for line in child.stdout if (answer := _heard(line, progress))]
        finally:
            if child.poll() is None and sys.exc_info()[0] is not None:
                child.kill()
    if reasons:
        raise UserError(f"{checkpoint.folder}: cannot be exported: {one_line(reasons[-1])}")
    if child.returncode:
        raise UserError(
            f"{checkpoint.folder}: cannot be exported: the process that exports ended with {child.returncode}"
        )


def _heard(line: str, progress: Callable[[str], None]) -> str:
    """The reason in a line of the process, "" for one that tells of a step."""
    answer = cast(dict[str, str], json.loads(line))
    if "step" in answer:
        progress(answer["step"])
    return answer.get("error", "")
