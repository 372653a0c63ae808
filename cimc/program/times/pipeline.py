"""Pipelines: a second set of starts of a program, at which tokens follow each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.container import Tensor
from cimc.program.errors import ProgramError

FIXED = (0, 1, 4)
"""Columns of the table of operations that a pipeline leaves as they are: kernel, node and duration."""
OWN = (2, 3)
"""And those that it has of its own: unit and start."""


@dataclass(frozen=True, eq=False)
class Pipeline:
    """When all happens for a token in a stream of them: the next one does the same `interval_ps` later.

    `starts` is int64 [records]: when each record starts, in picoseconds from the start of the token. `operations` is
    int64 [operations, 5]: the program's table of operations with the units and starts of the pipeline.
    """

    interval_ps: int
    starts: NDArray[np.int64]
    operations: NDArray[np.int64]

    def to_tensors(self) -> dict[str, Tensor]:
        """The tensors of the program file: starts as those of records are, and what operations have of their own."""
        own = np.ascontiguousarray(self.operations[:, OWN])
        return {"pipeline_starts": self.starts.astype(np.uint64), "pipeline_operations": own}

    @staticmethod
    def from_tensors(
        interval_ps: int, starts: NDArray[np.uint64], own: NDArray[np.int64], operations: NDArray[np.int64]
    ) -> "Pipeline":
        """A pipeline as the file has it; ProgramError unless it is as long as the program's table `operations`."""
        if len(own) != len(operations):
            raise ProgramError(f"the pipeline has {len(own)} operations, the program {len(operations)}")
        whole = operations.copy()
        whole[:, OWN] = own
        return Pipeline(interval_ps, starts.view(np.int64), whole)


def verify_pipelined(pipeline: Pipeline, records: int, operations: NDArray[np.int64]) -> None:
    """A pipeline has a start for each of the `records`, and changes nothing of an operation but its unit and start."""
    if pipeline.interval_ps < 1:
        raise ProgramError(f"the pipeline has an interval of {pipeline.interval_ps} ps, expected at least 1")
    if len(pipeline.starts) != records:
        raise ProgramError(f"the pipeline has {len(pipeline.starts)} starts, the program {records} records")
    own = pipeline.operations
    if own.shape != operations.shape:
        raise ProgramError(f"the pipeline has {len(own)} operations, the program {len(operations)}")
    for number in np.flatnonzero((own[:, FIXED] != operations[:, FIXED]).any(axis=1))[:1].tolist():
        raise ProgramError(f"operation {number} of the pipeline differs from the program's in more than unit and start")
    for number in np.flatnonzero((own < 0).any(axis=1))[:1].tolist():
        raise ProgramError(f"operation {number} of the pipeline has a negative number")
    for number in np.flatnonzero(pipeline.starts < 0)[:1].tolist():
        raise ProgramError(f"record {number} starts at {pipeline.starts[number]} ps in the pipeline, expected 0 on")
