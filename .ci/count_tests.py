"""Counts the tests in JUnit files and prints `N passed, N failed`; a suite that left no file counts as one failure.

Skipped tests are neither passed nor failed. Exits 1 if anything failed.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree


def count(file: Path) -> tuple[int, int]:
    """How many tests of the file passed and failed; errors are failures."""
    try:
        cases = list(ElementTree.parse(file).iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"{file}: no results ({error}), counted as one failure")
        return 0, 1
    if not cases:
        print(f"{file}: no tests, counted as one failure")
        return 0, 1
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed


def main(files: list[str]) -> int:
    counts = [count(Path(file)) for file in files]
    passed, failed = (sum(numbers) for numbers in zip(*counts, strict=True))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
