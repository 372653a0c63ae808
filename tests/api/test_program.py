"""Programs as Python has them: kept machines, checks, copies, threads, what a notebook shows of them."""

import copy
import dataclasses
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import cimc
from cimc.program import program as files

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"
ANY: Any = cimc.Program
"""For what a type checker would refuse."""


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": W})


@pytest.fixture
def program(network: Path, tmp_path: Path) -> cimc.Program:
    return cimc.compile(network, chip="tiny-4", reference=tmp_path / "ref.onnx")


def x(vectors: int = 3) -> dict[str, NDArray[np.float32]]:
    return {"x": np.random.default_rng(vectors).standard_normal((vectors, 4)).astype(np.float32)}


def test_a_machine_is_kept(program: cimc.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, bool, int | None]] = []

    class Counting(cimc.Machine):
        def __init__(self, program: files.Program, engine: Any, *, keep: bool, threads: int | None) -> None:
            made.append((engine, keep, threads))
            super().__init__(program, engine, keep=keep, threads=threads)

    monkeypatch.setattr("cimc.api.program.Machine", Counting)
    for _ in range(3):
        program.run(x(), threads=1)
        program.run(x(), engine="reference", threads=1)
    assert made == [("fast", True, 1), ("reference", True, 1)]
    program.run(x(), threads=2)
    program.run(x(), threads=2)
    assert made[2:] == [("fast", True, 2)], "of two numbers of threads the last is kept"
    assert program.machine(threads=2) is program.machine(threads=2)
    program.run(x(), keep=False)
    assert made[3:] == [("fast", False, None)]
    assert program.machine(threads=2) is not None
    assert len(made) == 4
    program.release()
    program.run(x(), threads=2)
    assert made[4:] == [("fast", True, 2)]


def test_the_same_bits_every_time(program: cimc.Program) -> None:
    expected = program.run(x())["y"]
    for options in ({}, {"engine": "reference"}, {"threads": 2}, {"keep": False}):
        outputs = ANY.run(program, x(), **options)
        assert outputs["y"].tobytes() == expected.tobytes()


def test_a_changed_program_has_a_machine_of_its_own(program: cimc.Program) -> None:
    """A fault in a cell: the machine that is kept must not hide it, and a silent change in place cannot be made."""
    before = program.run(x())["y"]
    with pytest.raises(ValueError, match="read-only"):
        program.arrays[0, 0, 0] = 1
    with pytest.raises(TypeError):
        ANY(chip=program.chip, arrays=program.arrays, tables=[np.zeros(1, np.int32)]).tables[0] = None
    faulty = program.arrays.copy()
    faulty[program.tiles[0, 1], program.tiles[0, 2]] = 0
    changed = dataclasses.replace(program, arrays=faulty)
    assert (changed.run(x())["y"] != before).any()
    assert changed.accuracy(x()).largest > program.accuracy(x()).largest
    assert program.run(x())["y"].tobytes() == before.tobytes()
    program.arrays = faulty
    assert (program.run(x())["y"] != before).any()


def pickled(program: cimc.Program) -> cimc.Program:
    return pickle.loads(pickle.dumps(program))


COPIES: list[Callable[[cimc.Program], cimc.Program]] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("copied", COPIES)
def test_copies(program: cimc.Program, copied: Callable[[cimc.Program], cimc.Program]) -> None:
    before = program.run(x())["y"]
    other = copied(program)
    assert isinstance(other, cimc.Program)
    assert not other.arrays.flags.writeable
    assert other.machine() is not program.machine()
    assert other.run(x())["y"].tobytes() == before.tobytes()
    assert str(other.accuracy(x())) == str(program.accuracy(x())), "it knows the path of its model"
    with pytest.raises(cimc.UserError, match=r"^a program from a file has no IR: compile its model"):
        _ = other.ir["quantize"]


def test_threads(program: cimc.Program) -> None:
    """Several begin at once, with inputs of different shapes; one machine is made for them."""
    fresh = pickle.loads(pickle.dumps(program))
    expected = {vectors: program.run(x(vectors))["y"].tobytes() for vectors in range(1, 9)}
    machines, start = set[cimc.Machine](), threading.Barrier(8)

    def work(vectors: int) -> bool:
        start.wait()
        same = all(fresh.run(x(vectors))["y"].tobytes() == expected[vectors] for _ in range(20))
        machines.add(fresh.machine())
        return same

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(1, 9)))
    assert len(machines) == 1


def test_checks(program: cimc.Program, network: Path, tmp_path: Path) -> None:
    reference = tmp_path / "ref.onnx"
    for own in (reference, str(reference), reference.read_bytes(), onnx.load_model_from_string(reference.read_bytes())):
        check = program.check(own, x())
        assert check
        assert str(check) == "check: identical, 18 values in 1 outputs"
    assert program.check(reference, x(), engine="reference", threads=1)
    assert program.check(reference, as_is=True)
    check = program.check(network, x())
    assert not check
    assert str(check).startswith("check: output y differs in 18 of 18 values by up to 0.0")
    assert repr(check).startswith("<Comparison: output y differs in ")
    with pytest.raises(cimc.UserError, match=r"none.onnx: cannot be read: no such file or directory$"):
        program.check(tmp_path / "none.onnx", x())
    with pytest.raises(cimc.UserError, match=r"none.onnx: cannot be read: no such file or directory$"):
        program.accuracy(x(), tmp_path / "none.onnx")
    with pytest.raises(cimc.ProgramError, match=r"^bytes: ONNX Runtime cannot run the model"):
        program.check(b"no network", x())
    with pytest.raises(cimc.UserError, match=r"^reference is of type int: expected a path"):
        ANY.check(program, 3)


def test_rewritten_references_say_so(onnx_file: Write) -> None:
    w = np.arange(24, dtype=np.int8).reshape(4, 6)
    network = onnx_file("g (uint8[n,4] x) => (int32[n,6] y) { y = MatMulInteger(x, w) }", {"w": w})
    check = cimc.compile(network).check(network)
    assert check
    assert str(check).endswith("(the reference in exact form: 1 product of uint8 by int8 made uint8 by uint8)")


def test_distance_to_the_original(program: cimc.Program, network: Path, tmp_path: Path) -> None:
    """The model that was compiled, or a file of its name as it was then; else one has to be given."""
    distance = program.accuracy(x())
    assert distance.cosine is not None
    assert 0.999 < distance.cosine < 1
    assert str(distance).startswith("cosine 0.9")
    program.save(tmp_path / "p.cim")
    loaded = cimc.Program.load(tmp_path / "p.cim")
    assert loaded.accuracy(x()) == distance
    assert loaded.accuracy(x(), network) == distance == loaded.accuracy(x(), network.read_bytes())
    assert loaded.accuracy(x(), tmp_path / "ref.onnx").identical
    network.write_bytes(network.read_bytes() + b"\x82\x01\x00")
    with pytest.raises(
        cimc.UserError, match=r"^there is no original .*network.onnx has changed .*: give one, original="
    ):
        loaded.accuracy(x())
    network.unlink()
    with pytest.raises(cimc.UserError, match=r"^there is no original to compare with: network.onnx is neither here"):
        loaded.accuracy(x())


def test_an_original_with_other_outputs(program: cimc.Program, onnx_file: Write) -> None:
    other = onnx_file("g (float[n,4] x) => (float[n,4] z) { z = Relu(x) }", name="other.onnx")
    with pytest.raises(cimc.UserError, match=r"^the original has outputs z: expected those of the program, y$"):
        program.accuracy(x(), other)


def test_mistakes_in_inputs(program: cimc.Program) -> None:
    for inputs, message in (
        (
            x()["x"],
            r"inputs are an array float32\[3, 4\]: expected a dictionary of arrays by name: the program takes x",
        ),
        ({}, r"input x is missing, the program takes x"),
        ({**x(), "z": 1}, r"input z is unknown, the program takes x"),
        ({"x": np.ones((1, 4))}, r"input x has type float64, expected float32"),
        ({"x": np.ones(4, np.float32)}, r"input x has shape \[4\], expected \[n, 4\]"),
    ):
        for call in (ANY.run, ANY.accuracy):
            with pytest.raises(cimc.ProgramError, match=f"^{message}"):
                call(program, inputs)
    with pytest.raises(cimc.UserError, match=r"^engine 'slow' is unknown: expected fast or reference"):
        ANY.run(program, x(), engine="slow")
    with pytest.raises(cimc.ProgramError, match=r"dimension m is unknown, the inputs have n"):
        program.random_inputs(dims={"m": 3})


def test_listings(program: cimc.Program) -> None:
    assert len(program.listing().splitlines()) == len(program.instructions)
    assert "; input v0: float32[n, 4] x" in program.listing("header")
    assert program.listing("arrays").startswith("array 0: ")
    with pytest.raises(cimc.UserError, match=r"^view 'all' is unknown: expected one of listing, header, arrays"):
        ANY.listing(program, "all")


def test_what_is_shown(program: cimc.Program) -> None:
    records = len(program.instructions)
    shown = f"<cimc.Program network.onnx on tiny-4: 2 arrays by spread, 1 multiplication, {records} records>"
    assert repr(program) == shown
    assert len(repr(cimc.compile(MONARCH_LM))) < 120
    page = getattr(program, "_repr_html_")()
    assert '<th style="text-align:left">inputs</th><td style="text-align:left">x float32[n, 4]</td>' in page
    assert "<svg" in page


def test_words() -> None:
    """A language model writes; a session goes on where it was, with kernels and cache kept."""
    program = cimc.compile(MONARCH_LM)
    prompt = list(b"The function returns ")
    written = list(program.generate(prompt, max_tokens=6))
    machine = program.machine()
    session = cimc.Session(program)
    begun = list(session.generate(prompt, max_tokens=4))
    assert begun + list(session.generate(begun[-1:], max_tokens=2)) == written
    assert bytes(written).isascii()
    drawn = [list(program.generate(prompt, max_tokens=6, temperature=3.0, top_p=0.9, seed=seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert list(program.generate(prompt, max_tokens=6, stop=written[2:3])) == written[: written.index(written[2])]
    assert program.machine() is machine
    with pytest.raises(cimc.ProgramError, match=r"^the prompt is a text: expected its tokens, load_tokens\(FOLDER\)"):
        list(ANY.generate(program, "The function"))


def test_pages(network: Path, tmp_path: Path) -> None:
    """Of one program, and of two side by side."""
    linear, spread = cimc.compile(network, chip="tiny-4", mapping="linear"), cimc.compile(network, chip="tiny-4")
    linear.save_page(tmp_path / "r.html")
    alone = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<title>network.onnx: cimc report</title>" in alone
    linear.save_page(tmp_path / "r.html", beside={"network": spread})
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<th class="number">network, linear</th>' in page
    assert '<th class="number">network</th>' in page


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(cimc.ProgramError, match=r"none.cim: cannot be read: no such file or directory"):
        cimc.Program.load(tmp_path / "none.cim")
