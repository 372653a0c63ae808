"""What makes an ONNX network, in a process of its own: it loads torch, which is large and talks much.

Each line of its standard input is an order in JSON. It answers on its standard output with a line of JSON for each
step, and for an order that comes to nothing with one that has the reason. What libraries print goes nowhere.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Export as told; the process ends with 1 if an order came to nothing."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)

    def answer(**content: str) -> None:
        print(json.dumps(content), file=answers, flush=True)

    done = [_obey(json.loads(line), answer) for line in sys.stdin]
    sys.exit(0 if all(done) else 1)


def _obey(order: dict[str, Any], answer: Callable[..., None]) -> bool:
    """Whether the order was done."""
    try:
        _export(order, lambda step: answer(step=step))
    except Exception as error:  # whatever libraries raise is told by the process that started this one
        answer(error=_text(error))
        return False
    return True


def _text(error: Exception) -> str:
    """What went wrong, as its innermost cause tells it; our own reasons stand alone."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return str(error) if type(error).__name__ == "Unfit" else f"{type(error).__name__}: {error}"


def _export(order: dict[str, Any], step: Callable[[str], None]) -> None:
    source, file = Path(order["source"]), Path(order["file"])
    step("loading torch")
    from cimc.export.network import network_of_checkpoint, network_of_program
    from cimc.export.tidy import write

    if source.is_dir():
        model = network_of_checkpoint(source, order["dtype"], order["opset"], step)
    else:
        model = network_of_program(source, order["opset"], step)
    step("writing")
    write(model, file)
