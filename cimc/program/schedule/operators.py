"""Legality of kernels' operators: each starts after its kernel, when the operators are done whose results it reads."""

from collections.abc import Iterable, Iterator

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, load_model_from_string

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.timing import Numbers


def verify_operators(program: Program) -> None:
    """Raises ProgramError unless the table of operations follows the kernels' graphs (S12).

    An operator without a row takes no time. The rows of one operator, a unit each, are one piece of work.
    """
    kernels = np.flatnonzero(program.instructions["op"] == Opcode.KERNEL)
    start_of = dict(zip(program.instructions["k"][kernels].tolist(), program.instructions["start"][kernels].tolist()))
    order = np.argsort(program.operations[:, 0], kind="stable")
    operations = program.operations[order]
    for rows in np.split(operations, 1 + np.flatnonzero(np.diff(operations[:, 0]))):
        if not len(rows):
            continue
        kernel = int(rows[0, 0])
        if kernel not in start_of:
            raise ProgramError(f"an operation belongs to kernel {kernel}, which no record runs")
        if rows[:, 3].min() < start_of[kernel]:
            early = f"an operation of kernel {kernel} starts at {rows[:, 3].min()} ps"
            raise ProgramError(f"{early}, the kernel at {start_of[kernel]} ps")
        _verify_order(kernel, _graph(program, kernel), rows)


def _graph(program: Program, kernel: int) -> GraphProto:
    return load_model_from_string(program.kernels[kernel].model).graph


def _verify_order(kernel: int, graph: GraphProto, rows: Numbers) -> None:
    works: dict[int, set[tuple[int, int]]] = {}
    for _, node, _, start, duration in rows.tolist():
        works.setdefault(node, set()).add((start, start + duration))
    if max(works) >= len(graph.node):
        raise ProgramError(f"an operation is of node {max(works)} of kernel {kernel}, which has {len(graph.node)}")
    there: dict[str, int] = {}
    for number, node in enumerate(graph.node):
        ready = 0
        for name in _reads(node):
            ready = max(ready, there.get(name, 0))
        if number in works:
            if len(works[number]) > 1:
                raise ProgramError(f"units work on node {number} of kernel {kernel} at different times")
            ((start, end),) = works[number]
            if start < ready:
                early = f"node {number} of kernel {kernel} starts at {start} ps"
                raise ProgramError(f"{early}, its operands are there from {ready} ps on")
            ready = end
        for name in node.output:
            there[name] = ready


def _reads(node: NodeProto) -> list[str]:
    """The names of the values that a node reads, in its bodies too."""
    names = list(node.input)
    for graph in _bodies(node.attribute):
        for inner in graph.node:
            names += _reads(inner)
        names += [value.name for value in graph.output]
    return names


def _bodies(attributes: Iterable[AttributeProto]) -> Iterator[GraphProto]:
    return (attribute.g for attribute in attributes if attribute.type == AttributeProto.GRAPH)
