"""Pipelines: a second set of starts of a program, at which tokens follow each other."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cimc.program.container import Tensor
from cimc.program.errors import ProgramError
from cimc.program.records import Opcode, Records

FIXED = (0, 1, 4)
"""Columns of the table of operations that a pipeline leaves as they are: kernel, node and duration."""
OWN = (2, 3)
"""And those that it has of its own: unit and start."""
MOVE_FIELDS = ("record", "array", "link", "start")
"""Columns of the table of moves of single arrays."""


def no_moves() -> NDArray[np.int64]:
    """A table without moves."""
    return np.zeros((0, len(MOVE_FIELDS)), np.int64)


@dataclass(frozen=True, eq=False)
class Pipeline:
    """When all happens for a token in a stream of them: the next one does the same `interval_ps` later.

    `starts` is int64 [records]: when each record starts, in picoseconds from the start of the token. `operations` is
    int64 [operations, 5]: the program's table of operations with the units and starts of the pipeline. `moves` is int64
    [moves, 4], with the columns MOVE_FIELDS: what the TRANSFER `record` moves for all arrays of its stage, it does not
    for `array`, which moves it by itself.
    """

    interval_ps: int
    starts: NDArray[np.int64]
    operations: NDArray[np.int64]
    moves: NDArray[np.int64] = field(default_factory=no_moves)

    def to_tensors(self) -> dict[str, Tensor]:
        """The tensors of the program file: starts as those of records are, and what operations have of their own."""
        own = np.ascontiguousarray(self.operations[:, OWN])
        tensors: dict[str, Tensor] = {"pipeline_starts": self.starts.astype(np.uint64), "pipeline_operations": own}
        return tensors | ({"pipeline_moves": np.ascontiguousarray(self.moves)} if len(self.moves) else {})

    @staticmethod
    def from_tensors(
        interval_ps: int,
        starts: NDArray[np.uint64],
        own: NDArray[np.int64],
        operations: NDArray[np.int64],
        moves: NDArray[np.int64],
    ) -> "Pipeline":
        """A pipeline as the file has it; ProgramError unless it is as long as the program's table `operations`."""
        if len(own) != len(operations):
            raise ProgramError(f"the pipeline has {len(own)} operations, the program {len(operations)}")
        whole = operations.copy()
        whole[:, OWN] = own
        return Pipeline(interval_ps, starts.view(np.int64), whole, moves)


def verify_pipelined(pipeline: Pipeline, records: Records, operations: NDArray[np.int64], arrays: int) -> None:
    """A pipeline has a start for each of the `records`, and changes nothing of an operation but its unit and start;
    its moves are those of a TRANSFER and one of so many `arrays`."""
    if pipeline.interval_ps < 1:
        raise ProgramError(f"the pipeline has an interval of {pipeline.interval_ps} ps, expected at least 1")
    if len(pipeline.starts) != len(records):
        raise ProgramError(f"the pipeline has {len(pipeline.starts)} starts, the program {len(records)} records")
    own = pipeline.operations
    if own.shape != operations.shape:
        raise ProgramError(f"the pipeline has {len(own)} operations, the program {len(operations)}")
    for number in np.flatnonzero((own[:, FIXED] != operations[:, FIXED]).any(axis=1))[:1].tolist():
        raise ProgramError(f"operation {number} of the pipeline differs from the program's in more than unit and start")
    for number in np.flatnonzero((own < 0).any(axis=1))[:1].tolist():
        raise ProgramError(f"operation {number} of the pipeline has a negative number")
    for number in np.flatnonzero(pipeline.starts < 0)[:1].tolist():
        raise ProgramError(f"record {number} starts at {pipeline.starts[number]} ps in the pipeline, expected 0 on")
    _verify_moves(pipeline.moves, records, arrays)


def _verify_moves(moves: NDArray[np.int64], records: Records, arrays: int) -> None:
    record, array = moves[:, 0], moves[:, 1]
    for number in np.flatnonzero((moves < 0).any(axis=1))[:1].tolist():
        raise ProgramError(f"move {number} of the pipeline has a negative number")
    for number in np.flatnonzero(array >= arrays)[:1].tolist():
        raise ProgramError(f"move {number} of the pipeline is of array {array[number]}, the program has {arrays}")
    known = np.minimum(record, len(records) - 1)
    for number in np.flatnonzero((record >= len(records)) | (records["op"][known] != Opcode.TRANSFER))[:1].tolist():
        raise ProgramError(f"move {number} of the pipeline is of record {record[number]}, which is no TRANSFER")
