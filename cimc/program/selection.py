"""Parts of a program: what belongs to some of its stages, ONNX nodes and arrays at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, INTO_ARRAYS, Opcode, Records

Mask = NDArray[np.bool_]
NEAR = 3
"""Names that a message proposes."""


@dataclass(frozen=True)
class Selection:
    """Stages and arrays by their numbers, nodes by their names or patterns of names; none of a kind are all of it."""

    stages: Sequence[range] = ()
    nodes: Sequence[str] = ()
    arrays: Sequence[range] = ()

    def __bool__(self) -> bool:
        return bool(self.stages or self.nodes or self.arrays)

    def records(self, program: Program) -> NDArray[np.intp]:
        """The numbers of the records that are chosen, in order.

        Those of a node are the kernels that hold it, everything that its multiplication asks for, with the transfers
        of its vectors, and where its control flow begins and ends. Those of an array are its multiplications.
        ProgramError if there are none.
        """
        chosen = np.ones(len(program.instructions), np.bool_)
        if self.stages:
            chosen &= self._of_stages(program)
        if self.nodes:
            chosen &= self._of_nodes(program)
        if self.arrays:
            own = self._own_arrays(program)
            records = program.instructions
            chosen &= (records["op"] == Opcode.MULTIPLY) & np.isin(records["array"], own)
        return self._some(chosen, "record")

    def tiles(self, program: Program) -> NDArray[np.intp]:
        """The numbers of the tiles that are chosen: those of weights that the nodes and stages multiply by."""
        chosen = np.ones(len(program.tiles), np.bool_)
        if self.stages:
            records = program.instructions[self._of_stages(program)]
            chosen &= _tiles_of(program, records["y"][records["op"] == Opcode.MULTIPLY])
        if self.nodes:
            nodes = self._names(program)
            chosen &= _tiles_of(program, [m.y for m in program.multiplications if one_line(m.node) in nodes])
        if self.arrays:
            chosen &= np.isin(program.tiles[:, 1], self._own_arrays(program))
        return self._some(chosen, "tile")

    def _of_stages(self, program: Program) -> Mask:
        stages = program.instructions["stage"]
        for numbers in self.stages:
            _check_numbers("stage", numbers, int(stages.max()) + 1 if len(stages) else 0)
        return np.isin(stages, np.concatenate([np.arange(n.start, n.stop) for n in self.stages]))

    def _own_arrays(self, program: Program) -> NDArray[np.int64]:
        for numbers in self.arrays:
            _check_numbers("array", numbers, len(program.arrays))
        return np.concatenate([np.arange(numbers.start, numbers.stop) for numbers in self.arrays])

    def _of_nodes(self, program: Program) -> Mask:
        names = self._names(program)
        kernels = [i for i, kernel in enumerate(program.kernels) if names & set(map(one_line, kernel.nodes))]
        own = [m for m in program.multiplications if one_line(m.node) in names]
        records, op = program.instructions, program.instructions["op"]
        written = np.isin(records["y"], [m.y for m in own])
        chosen = (op == Opcode.KERNEL) & np.isin(records["k"], kernels)
        chosen |= np.isin(op, (Opcode.CLEAR, Opcode.MULTIPLY, Opcode.ADD)) & written
        flow = [i for i, control in enumerate(program.controls) if one_line(control.node) in names]
        chosen |= np.isin(op, CONTROL_FLOW) & np.isin(records["k"], flow)
        return chosen | self._transfers(records, chosen & written, [m.x for m in own], [m.y for m in own])

    def _transfers(self, records: Records, own: Mask, read: Sequence[int], written: Sequence[int]) -> Mask:
        """Transfers of vectors into the arrays, in stages where they are multiplied by the nodes, and out of them."""
        transfers, inwards = records["op"] == Opcode.TRANSFER, records["flags"] == INTO_ARRAYS
        here = np.isin(records["stage"], records["stage"][own & (records["op"] == Opcode.MULTIPLY)])
        return transfers & here & np.where(inwards, np.isin(records["x"], read), np.isin(records["x"], written))

    def _names(self, program: Program) -> set[str]:
        """The nodes that are meant; ProgramError for a name or pattern that means none, with names like it."""
        known = dict.fromkeys(one_line(m.node) for m in program.multiplications if m.node)
        known |= dict.fromkeys(one_line(node) for kernel in program.kernels for node in kernel.nodes if node)
        known |= dict.fromkeys(one_line(control.node) for control in program.controls if control.node)
        names: set[str] = set()
        for name in self.nodes:
            meant = {name} if name in known else {node for node in known if fnmatchcase(node, name)}
            if not meant:
                raise ProgramError(f"no node is called {name!r}: {_expected(name, list(known))}")
            names |= meant
        return names

    def _some(self, chosen: Mask, noun: str) -> NDArray[np.intp]:
        if self and not chosen.any():
            asked = {"stages": self.stages, "nodes": self.nodes, "arrays": self.arrays}
            all_of = " and ".join(name for name, given in asked.items() if given)
            raise ProgramError(f"no {noun} belongs to the {all_of} that were asked for, all at once")
        return np.flatnonzero(chosen)


def _tiles_of(program: Program, written: NDArray[np.uint32] | Sequence[int]) -> Mask:
    """The tiles of the weights that values are products of."""
    values = set(np.asarray(written).tolist())
    return np.isin(program.tiles[:, 0], [m.weight for m in program.multiplications if m.y in values])


def _check_numbers(noun: str, numbers: range, count: int) -> None:
    if numbers.stop > count:
        there = f"{noun}s 0 to {count - 1}" if count else f"no {noun}s"
        raise ProgramError(f"{noun} {numbers.stop - 1} does not exist: the program has {there}")


def _expected(name: str, known: Sequence[str]) -> str:
    """What to say instead: names like it, in whole or at their end."""
    lower = {node.lower(): node for node in known}
    near = [node for node in known if name.lower() in node.lower()][:NEAR]
    near += [lower[node] for node in get_close_matches(name.lower(), lower, NEAR, cutoff=0.5)]
    if near:
        return f"near ones are {', '.join(map(repr, list(dict.fromkeys(near))[:NEAR]))}"
    return f"the program has {len(known)} nodes, like {known[0]!r}" if known else "the program names no nodes"
