"""`cim-opt --help`: every option of xDSL is still there, in groups, and our passes are told first and one by one."""

import argparse
import re

import pytest
from xdsl.xdsl_opt_main import xDSLOptMain

from cimc.commands import optimize
from cimc.optimizer.explanation import GROUPS, HELP, Collector, passes_text
from cimc.universe import PASSES


@pytest.fixture
def text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        optimize.main(["--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_groups(text: str) -> None:
    heads = re.findall(r"^(\w.*):$", text, re.MULTILINE)
    assert heads == [
        "options",
        *GROUPS,
        "of cimc",
        "of xDSL",
        "passes of cimc, in the order in which they make a program",
        "passes of xDSL, and of packages that add theirs",
    ]
    assert text.startswith("usage: cim-opt [-h]")
    assert max(map(len, text.splitlines())) <= 80


def test_options_of_xdsl(text: str) -> None:
    """All but its version, of which ours tells as well."""
    collector = Collector()
    xDSLOptMain(args=[]).register_all_arguments(collector)
    names = {name for given, _ in collector.given for name in given}
    assert "--split-input-file" in names
    assert {name for name in names if not re.search(rf"(?<!\w){re.escape(name)}\b", text)} == set()
    assert set(HELP) == {name for group in GROUPS.values() for name in group} <= names


def test_our_passes_come_first() -> None:
    lines = passes_text(["zzz", "fold-constants", "cse"]).splitlines()
    told = [re.match(r"  ([a-z-]+)", line) for line in lines if re.match(r"  [a-z]", line)]
    assert [match[1] for match in told if match] == [pass_type.name for pass_type in PASSES] + ["cse"]
    assert lines[-1] == "  cse, zzz"
    assert "  place-tiles{mapping=spread objective=arrays reload=False lossy=0}" in lines
    first = next(i for i, line in enumerate(lines) if line.startswith("  quantize{"))
    assert lines[first] == "  quantize{activations=token calibration=... weight-bits=8 weight-group=column"
    assert lines[first + 1] == "           activation-bits=8 quality-budget=0.05 smooth=False}"
    assert "      Compute operators whose inputs are constant, and drop `Identity`." in lines


def test_options_keep_their_settings() -> None:
    collector = Collector()
    collector.add_argument("-a", "--all", action="store_true")
    assert collector.given == [(("-a", "--all"), {"action": "store_true"})]
    assert isinstance(collector, argparse.ArgumentParser)
