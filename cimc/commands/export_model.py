"""`cim-export FOLDER -o model.onnx`: the ONNX network of a checkpoint."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cimc.commands.shared import Arguments, progress_bar, run_command, say, say_written
from cimc.files.whole_file import STDOUT


def _parser() -> argparse.ArgumentParser:
    from cimc.export.export import ExportOptions
    from cimc.options.spelling import add_options
    from cimc.options.values import output_file

    parser = Arguments(
        prog="cim-export", description="Write the language model in a folder of Hugging Face's libraries as ONNX."
    )
    parser.add_argument(
        "source", type=Path, help="a folder with config.json and *.safetensors, or a .pt2 file of torch.export"
    )
    parser.add_argument(
        "-o",
        dest="output",
        type=output_file,
        metavar="MODEL.onnx",
        help="the network; its weights go beside it (default: the folder's name with .onnx, here)",
    )
    add_options(parser, ExportOptions)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.output == STDOUT:
        parser.error("argument -o: -: the weights go to a file beside the network, expected the name of a file")
    return run_command(lambda: _export(arguments))


def _export(arguments: argparse.Namespace) -> int:
    from cimc.export.export import ExportOptions, data_of, export
    from cimc.export.sources import default_output
    from cimc.file_checks import check_names, check_writable
    from cimc.options.spelling import given

    source: Path = arguments.source
    output: Path = arguments.output or default_output(source)
    check_names([source, *(source.iterdir() if source.is_dir() else ())], [output, data_of(output)])
    check_writable(output, data_of(output))
    start = time.perf_counter()
    with progress_bar("exporting") as step:
        export(source, output, ExportOptions(**given(arguments, ExportOptions)), step)
    size = sum(file.stat().st_size for file in (output, data_of(output)) if file.exists())
    say(f"{source} -> {output} ({size / 1e6:.1f} MB with its weights) in {time.perf_counter() - start:.1f} s")
    say_written(output, data_of(output) if data_of(output).exists() else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
