"""What makes a network of a checkpoint, in a process of its own: it loads torch, which is large and talks much.

It is told what to do by one line of JSON on its standard input, and answers on its standard output with a line of JSON
for each step and, if it comes to nothing, one with the reason. What libraries print goes nowhere.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Export as told; the process ends with 0, or with 1 and a reason."""
    order = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        _export(order, lambda step: say(step=step))
    except BaseException as error:  # whatever libraries raise is told by the process that started this one
        say(error=_text(error))
        sys.exit(1)


def _text(error: BaseException) -> str:
    """What went wrong, and where libraries were when it did; our own reasons stand alone."""
    if type(error).__name__ == "Unfit":
        return str(error)
    while isinstance(error.__cause__, Exception) and not str(error).strip():
        error = error.__cause__
    return f"{type(error).__name__}: {error}"


def _export(order: dict[str, Any], step: Callable[[str], None]) -> None:
    step("loading torch")
    from transformers.exporters.configs import OnnxConfig
    from transformers.exporters.exporter_onnx import OnnxExporter

    from cimc.export.network import load, sample
    from cimc.export.tidy import tidy, write

    step("loading weights")
    network, has_cache = load(Path(order["folder"]), order["dtype"])
    inputs, shapes = sample(network, has_cache)
    step("tracing")
    config = OnnxConfig(dynamic=True, dynamic_shapes=shapes, opset_version=order["opset"])
    model = OnnxExporter().export(network, inputs, config=config).program
    tidy(model, has_cache, type(network).__name__)
    step("writing")
    write(model, Path(order["file"]), order["data"])


if __name__ == "__main__":
    main()
