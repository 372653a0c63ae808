"""Keys and values from token to token: which steps read those of the token before, and which make a token's own."""

from collections.abc import Iterable

import numpy as np

from cimc.clock.graph import Kind, Steps
from cimc.clock.lists import Numbers
from cimc.clock.operator_needs import KernelNeeds, kernel_needs
from cimc.program.records import INTO_ARRAYS, Opcode


def recurrences_of(steps: Steps, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of steps: the second, for a token, has to wait for the first of the token before.

    `pairs` are values: what a token reads, and what of the token before becomes it.
    """
    listed = list(pairs)
    values = {slot for pair in listed for slot in pair}
    readers: dict[int, set[int]] = {slot: set() for slot in values}
    makers: dict[int, set[int]] = {slot: set() for slot in values}
    program = steps.program
    for number, kernel in enumerate(program.kernels):
        if values.intersection(kernel.inputs) or values.intersection(kernel.outputs):
            needs = kernel_needs(kernel.model, kernel.inputs, kernel.outputs)
            _note_kernel(steps.of_node.of(number), needs, readers, makers)
    _note_moves(steps, readers, makers)
    return sorted(
        {(maker, reader) for past, present in listed for maker in makers[present] for reader in readers[past]}
    )


def _note_kernel(nodes: Numbers, needs: KernelNeeds, readers: dict[int, set[int]], makers: dict[int, set[int]]) -> None:
    """The nodes of a kernel that read values, not just shapes, which are known before, and those that make values."""
    for step, (_, read), operator in zip(nodes.tolist(), needs.nodes, needs.operators, strict=True):
        for slot in () if operator in ("Shape", "Size") else readers.keys() & set(read):
            readers[slot].add(step)
    for slot in makers.keys() & needs.outputs.keys():
        makers[slot].update(int(nodes[node]) for node in needs.outputs[slot][0])


def _note_moves(steps: Steps, readers: dict[int, set[int]], makers: dict[int, set[int]]) -> None:
    """The transfers and permutations that read values, and those that bring them."""
    records = steps.program.instructions
    for step in np.flatnonzero(np.isin(steps.kind, (Kind.INWARD, Kind.OUTWARD, Kind.PERMUTATION))).tolist():
        record = records[int(steps.record[step])]
        x, y, permutes = int(record["x"]), int(record["y"]), record["op"] == Opcode.PERMUTE
        if x in readers and (permutes or record["flags"] == INTO_ARRAYS):
            readers[x].add(step)
        elif x in makers and not permutes:
            makers[x].add(step)
        if permutes and y in makers:
            makers[y].add(step)
