"""`cim-export FOLDER -o model.onnx`: an ONNX network of the folder of a checkpoint."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cimc.commands.shared import Arguments, progress_bar, run_command, say


def _parser() -> argparse.ArgumentParser:
    from cimc.export.export import ExportOptions
    from cimc.options.spelling import add_options

    parser = Arguments(
        prog="cim-export", description="Write the language model in a folder of Hugging Face's libraries as ONNX."
    )
    parser.add_argument("folder", type=Path, help="a folder with config.json and *.safetensors")
    parser.add_argument(
        "-o",
        dest="output",
        type=Path,
        metavar="MODEL.onnx",
        help="the network; its weights go beside it (default: the folder's name with .onnx, here)",
    )
    add_options(parser, ExportOptions)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _export(arguments))


def _export(arguments: argparse.Namespace) -> int:
    from cimc.export.export import ExportOptions, export_checkpoint
    from cimc.options.spelling import given

    output: Path = arguments.output or Path(f"{arguments.folder.resolve().name}.onnx")
    with progress_bar("exporting") as step:
        export_checkpoint(arguments.folder, output, ExportOptions(**given(arguments, ExportOptions)), step)
    say(f"{arguments.folder} -> {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
