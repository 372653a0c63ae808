"""`cim-objdump`: parts of a program, as text, JSON and ONNX."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import checker, load_model_from_string

from cimc.commands import compile_model, dump_program

check: Callable[..., None] = getattr(checker, "check_model")


@pytest.fixture
def dump(program: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """The lines that the command prints."""

    def run(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert dump_program.main([str(program), *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    return run


def test_the_header(dump: Callable[..., list[str]]) -> None:
    lines = dump()
    assert lines[0].startswith("; source network.onnx, digest ")
    assert lines[1].startswith("; digest ")
    assert lines[2].startswith("; made by cimc ")
    assert lines[3] == "; dims none fixed"


def test_parts_of_the_listing(dump: Callable[..., list[str]]) -> None:
    """A part without a view is one of the listing."""
    whole = dump("--listing")
    of_stage, of_array = dump("--stage", "0"), dump("--array", "1", "--listing")
    assert of_stage == [line for line in whole if line.startswith("stage 0 ")]
    assert of_array == [line for line in whole if " array 1[" in line] != []
    assert dump("--stage", "0-1") == whole
    assert dump("--stage", "0", "--node", "product", "--array", "0-1") == [
        line for line in whole if " multiply " in line
    ]
    assert all(line.endswith("; product") for line in dump("--node", "pro*", "--stage", "0") if " clear " in line)


def test_parts_of_the_arrays(dump: Callable[..., list[str]]) -> None:
    whole = dump("--arrays")
    assert dump("--arrays", "--node", "product", "--stage", "0") == whole
    assert dump("--arrays", "--array", "1") == whole[next(i for i, x in enumerate(whole) if x.startswith("array 1:")) :]


def test_json(dump: Callable[..., list[str]]) -> None:
    header = json.loads("\n".join(dump("--json")))
    assert f"; digest {header['digest']}" in dump()
    records = json.loads("\n".join(dump("--json", "--array", "1")))["records"]
    assert {(record["op"], record["array"]) for record in records} == {("multiply", 1)}
    arrays = json.loads("\n".join(dump("--json", "--arrays")))["arrays"]
    assert [array["array"] for array in arrays] == list(range(header["counts"]["arrays"]))


def test_parts_that_are_not_there(program: Path, fails: Callable[..., str]) -> None:
    assert fails("cim-objdump", program, "--node", "produkt") == (
        f"{program}: no node is called 'produkt': near ones are 'product'"
    )
    assert fails("cim-objdump", program, "--array", "9").startswith(f"{program}: array 9 does not exist: the program ")
    assert fails("cim-objdump", program, "--kernel", "9").startswith(f"{program}: kernel 9 does not exist: the program")
    assert fails("cim-objdump", program, "-o", program) == (
        f"{program}: cannot be written: it is also an input, expected another name"
    )


def test_kernels(dump: Callable[..., list[str]], tmp_path: Path) -> None:
    """As text, and as an ONNX file."""
    assert any("Cast" in line for line in dump("--kernel", "0"))
    file = tmp_path / "k.onnx"
    assert dump("--kernel", "0", "-o", str(file)) == [f"written: {file}"]
    check(load_model_from_string(file.read_bytes()), full_check=True)


def test_a_kernel_on_standard_output(program: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    capfdbinary.readouterr()
    assert dump_program.main([str(program), "--kernel", "1", "-o", "-"]) == 0
    check(load_model_from_string(capfdbinary.readouterr().out), full_check=True)


def test_listings_in_files(dump: Callable[..., list[str]], tmp_path: Path) -> None:
    whole = dump("--listing")
    assert dump("--listing", "-o", str(tmp_path / "p.txt")) == [f"written: {tmp_path / 'p.txt'}"]
    assert (tmp_path / "p.txt").read_text().splitlines() == whole
    assert dump("--listing", "-o", "-") == whole


def test_emitted_listings_have_a_header(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a digest: there is no file."""
    assert compile_model.main([str(network), "--chip", "tiny-4", "--emit", "listing"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("; source network.onnx, digest ")
    assert lines[1].startswith("; made by cimc ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--header", "--stage", "1"], "argument --stage: not allowed with argument --header, expected --listing or"),
        (
            ["--kernel", "1", "--node", "a"],
            "argument --node: not allowed with argument --kernel, expected --listing or",
        ),
        (["--kernel", "1", "--json"], "argument --json: not allowed with argument --kernel, which -o writes as ONNX"),
        (["--kernel", "1", "--arrays"], "argument --arrays: not allowed with argument --kernel"),
        (["--stage", "3-1"], "argument --stage: '3-1': expected a number, or the first and the last of several"),
    ],
)
def test_wrong_lines(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        dump_program.main(["p.cim", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
