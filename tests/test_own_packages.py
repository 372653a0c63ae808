import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def script(folder: Path, code: str = "import cimc; print(cimc.Program.__name__)") -> subprocess.CompletedProcess[str]:
    """A user's script, with cimc where packages are installed: after the script's own folder."""
    file = folder / "script.py"
    file.write_text(f"import sys; sys.path.insert(1, {str(ROOT)!r})\n{code}\n")
    return subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False)


def last_line(child: subprocess.CompletedProcess[str]) -> str:
    assert child.returncode == 1
    return child.stderr.splitlines()[-1]


def test_nothing_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "passes").mkdir()  # a folder without __init__.py is found last
    assert script(tmp_path).stdout == "Program\n"


@pytest.mark.parametrize("name", ["dialects", "passes"])
@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py"])
def test_a_name_of_ours(tmp_path: Path, name: str, form: str) -> None:
    place = tmp_path / form.format(name)
    place.parent.mkdir(exist_ok=True)
    place.write_text("")
    assert last_line(script(tmp_path)) == (
        f"ImportError: cimc has a package {name} of its own, in {ROOT / name}, but {place} hides it: "
        "rename that file or folder, or start Python elsewhere"
    )


def test_imported_before(tmp_path: Path) -> None:
    (tmp_path / "passes.py").write_text("")
    assert last_line(script(tmp_path, "import passes, cimc")) == (
        f"ImportError: cimc has a package passes of its own, in {ROOT / 'passes'}, but {tmp_path / 'passes.py'} "
        "was imported before: rename that file or folder, or start Python elsewhere"
    )


def test_a_part_is_missing(tmp_path: Path) -> None:
    (tmp_path / "cimc").mkdir()
    for file in ("__init__.py", "own_packages.py"):
        (tmp_path / "cimc" / file).write_text((ROOT / "cimc" / file).read_text())
    child = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import cimc"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert last_line(child) == (
        f"ImportError: cimc is not whole: its package dialects is missing from {tmp_path}: install cimc anew"
    )
