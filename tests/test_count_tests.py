"""The last line of .ci/run: how many tests passed and failed."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "count_tests.py"
PASSED = '<testcase name="a"/>'
FAILED = '<testcase name="b"><failure>no</failure></testcase>'
BROKEN = '<testcase name="c"><error>no</error></testcase>'
SKIPPED = '<testcase name="d"><skipped/></testcase>'


def count(*files: Path) -> tuple[int, str]:
    """Exit code and last line."""
    result = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, files)], capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout.splitlines()[-1]


def suite(folder: Path, name: str, *cases: str) -> Path:
    file = folder / name
    file.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return file


def test_suites_are_counted_together(tmp_path: Path):
    one, two = suite(tmp_path, "one", PASSED, PASSED, SKIPPED), suite(tmp_path, "two", PASSED)
    assert count(one, two) == (0, "3 passed, 0 failed")


def test_failures_and_errors_are_failed(tmp_path: Path):
    assert count(suite(tmp_path, "one", PASSED, FAILED, BROKEN)) == (1, "1 passed, 2 failed")


def test_missing_broken_or_empty_results_are_a_failure_each(tmp_path: Path):
    broken = tmp_path / "broken"
    broken.write_text("<testsuites>")
    files = suite(tmp_path, "good", PASSED), tmp_path / "missing", broken, suite(tmp_path, "empty")
    assert count(*files) == (1, "1 passed, 3 failed")
