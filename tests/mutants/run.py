"""Changes the code a little, one change at a time, and says which changes no test notices: `make mutants`.

mutmut writes all mutants of a file beside each other, imports everything once, and runs for each mutant, in a fork,
those tests that reach its function, the quickest first, until one fails. It mutates functions and methods without
decorators: neither loops that numba compiles nor properties nor constants of modules. Which tests it runs stands in
pyproject.toml, and so does which files.

The exit code is 1 if less than 85 % are noticed. Survivors stand in `survivors.toml`, each with the reason why it may
live; others are printed. All of it lies in out/mutants, where `mutmut show NAME` shows one of them.
"""

import argparse
import contextlib
import os
import random
import shutil
import sys
import time
import tomllib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import copy_src_dir, walk_mutatable_files
from mutmut.workers.isolation import ForkServerRunner
from operators import use_these_operators

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "out" / "mutants"
COPIED = ("cimc", "dialects", "passes", "tests", "lit", "examples", "docs", "pyproject.toml")
PACKAGES = ("cimc/program", "cimc/machine", "passes")
LOG = FOLDER / "log.txt"
CHOSEN = FOLDER / "chosen.txt"
LISTED = Path(__file__).with_name("survivors.toml")
LEAST = 0.85

SURVIVED, UNTESTED, OUT_OF_TIME, UNTRIED = (0,), (5, 33), (-24, 24, 36, 152), (None, 255)
"""mutmut's exit codes; with any other one, tests failed."""


@dataclass(frozen=True)
class Mutant:
    """One change, and what became of it."""

    name: str
    path: str
    exit_code: int | None

    @property
    def package(self) -> str:
        return next((package for package in PACKAGES if self.path.startswith(package)), "")

    @property
    def lives(self) -> bool:
        return self.exit_code in SURVIVED + UNTESTED

    def text(self) -> str:
        """As in the list: file, function, the line as it was and as it became."""
        lines = [line for line in get_diff_for_mutant(self.name, path=self.path).splitlines()[2:] if line[0] in "-+"]
        old, new = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
        function = self.name.rpartition(".")[2].partition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ")
        return f"{self.path}: {function.replace('ǁ', '.')}: {old} => {new}"


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    begin = time.time()
    _lay_out(fresh=not options.again)
    os.chdir(FOLDER)
    use_these_operators()
    if options.only:
        config().only_mutate = [f"{options.only}*"]
    if options.tests:
        config().pytest_add_cli_args_test_selection = options.tests.split()
    with LOG.open("w") as log, _everything_to(log):
        copy_src_dir()
        mutmut.create_mutants(options.jobs)
    made = _mutants()
    chosen = _chosen_before(made) if options.again else _chosen(made, options.sample, options.seed)
    names = [mutant.name for mutant in chosen if not options.again or mutant.lives or mutant.exit_code in UNTRIED]
    seed = f" (seed {options.seed})" if options.sample else ""
    print(f"== {len(chosen)} of {len(made)} mutants{seed}, to try: {len(names)}; progress is in {LOG}", flush=True)
    if names:
        with LOG.open("a") as log, _everything_to(log), _quickest_tests_first():
            mutmut.cli(["run", "--max-children", str(options.jobs), *names], standalone_mode=False)
    return _report(chosen, time.time() - begin)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a file or folder: cimc/program")
    parser.add_argument("--tests", default="", help="files and folders with tests, and not those of pyproject.toml")
    parser.add_argument("--sample", type=int, default=0, help="that many, chosen by chance, and not all")
    parser.add_argument("--seed", type=int, default=1, help="of that choice")
    parser.add_argument(
        "--again", action="store_true", help="go on: only what survived or was not reached last time, with new tests"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many tests at the same time")
    return parser.parse_args(arguments)


def _lay_out(*, fresh: bool) -> None:
    """The folder in which mutmut works: the sources and tests, as links; it copies them from there."""
    if fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(FOLDER / "mutants" / "tests", ignore_errors=True)  # mutmut copies what is there, and removes nothing
    for name in COPIED:
        if not (FOLDER / name).is_symlink():
            (FOLDER / name).symlink_to(ROOT / name)


@contextlib.contextmanager
def _everything_to(log: TextIO) -> Generator[None]:
    """mutmut writes to where the process began to write; if it gives up, the end of the log says why."""
    begun = sys.stdout
    setattr(sys, "__stdout__", log)
    try:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            yield
    except SystemExit:
        log.flush()
        print(*[line for line in Path(log.name).read_text("utf-8").splitlines() if line][-40:], sep="\n", file=begun)
        raise
    finally:
        sys.stdout = begun
        setattr(sys, "__stdout__", begun)


@contextlib.contextmanager
def _quickest_tests_first() -> Generator[None]:
    """And tests that have just passed, while mutmut saw what they reach, need not pass once more."""
    run, once_more = PytestRunner.execute_pytest, ForkServerRunner.run_clean_tests

    def ordered(self: PytestRunner, params: list[str], **more: object) -> int:
        tests = sorted((one for one in params if "::" in one), key=lambda one: state().duration_by_test.get(one, 0))
        return run(self, [one for one in params if "::" not in one] + tests, **more)

    PytestRunner.execute_pytest = ordered
    ForkServerRunner.run_clean_tests = lambda self, tests: 0
    try:
        yield
    finally:
        PytestRunner.execute_pytest, ForkServerRunner.run_clean_tests = run, once_more


def _chosen(made: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """Some of the mutants, or all; noted for the next time."""
    chosen = random.Random(seed).sample(made, min(count or len(made), len(made)))
    CHOSEN.write_text("".join(f"{mutant.name}\n" for mutant in chosen), "utf-8")
    return chosen


def _chosen_before(made: list[Mutant]) -> list[Mutant]:
    """Those of the last run that there still are; what its numbers stand for may have changed with the function."""
    names = set(CHOSEN.read_text("utf-8").splitlines())
    return [mutant for mutant in made if mutant.name in names]


def _mutants() -> list[Mutant]:
    """All that there are, each with what is known of it by now."""
    found: list[Mutant] = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        found += [Mutant(name, str(path), code) for name, code in data.exit_code_by_key.items()]
    return found


def _report(tried: list[Mutant], seconds: float) -> int:
    """Prints counts and the survivors that are not listed; 1 if too few were noticed, or not all tried."""
    names = {mutant.name for mutant in tried}
    mutants = [mutant for mutant in _mutants() if mutant.name in names and mutant.exit_code not in UNTRIED]
    if len(mutants) < len(tried):
        print(f"{len(tried) - len(mutants)} mutants were not tried: go on with AGAIN=1")
    if not mutants:
        return 1
    survivors = {mutant: mutant.text() for mutant in mutants if mutant.lives}
    listed = {text for texts in tomllib.loads(LISTED.read_text("utf-8")).values() for text in texts["mutants"]}
    new = sorted(f"{mutant.name}\n   {text}" for mutant, text in survivors.items() if text not in listed)
    (FOLDER / "survivors.txt").write_text("".join(f"{text}\n" for text in survivors.values()), "utf-8")
    for line in new:
        print(f"not noticed, and not in {LISTED.name}: {line}")
    print(f"{'':14} mutants  noticed  of these out of time  survived  of these without a test  listed    share")
    for package in [*PACKAGES, "all"]:
        ours = [mutant for mutant in mutants if package in (mutant.package, "all")]
        if ours:
            print(_row(package, ours, sum(mutant.lives and survivors[mutant] in listed for mutant in ours)))
    share, minutes = 1 - len(survivors) / len(mutants), seconds / 60
    print(f"{share:.1%} of {len(mutants)} are noticed, in {minutes:.0f} minutes; {len(new)} survivors are not listed")
    return int(share < LEAST or len(mutants) < len(tried))


def _row(package: str, mutants: list[Mutant], listed: int) -> str:
    survived = sum(mutant.lives for mutant in mutants)
    untested = sum(mutant.exit_code in UNTESTED for mutant in mutants)
    late = sum(mutant.exit_code in OUT_OF_TIME for mutant in mutants)
    noticed = len(mutants) - survived
    return (
        f"{package:14} {len(mutants):7}  {noticed:7}  {late:20}  {survived:8}  {untested:23}  {listed:6}  "
        f"{noticed / len(mutants):7.1%}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
