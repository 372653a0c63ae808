"""lit's configuration: which files are tests, and how their RUN lines are run."""

import os
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root), str(root / "lit")]

from in_process import InProcess, substitutions

config.name = "cimc"
config.test_format = InProcess()
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = str(root / "lit")
config.test_exec_root = str(root / "lit" / ".output")
config.substitutions += substitutions()
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = config.environment[name] = "1"
