"""What `--version` tells."""

import argparse
from importlib.metadata import version

import pytest

from cimc.installed import ShowVersion, installed_version


def test_versions() -> None:
    assert installed_version("numpy") == version("numpy")
    assert installed_version("no-such-distribution") == "not installed"


def test_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="cim-test")
    parser.add_argument("file")
    parser.add_argument("--version", action=ShowVersion)
    assert vars(parser.parse_args(["a"])) == {"file": "a"}
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == (
        f"cim-test {installed_version()}, with xdsl {version('xdsl')}, onnx {version('onnx')}, "
        f"onnxruntime {version('onnxruntime')}, numpy {version('numpy')}\n"
    )
