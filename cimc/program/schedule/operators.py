"""Legality of kernels' operators: each starts when what it reads is there, values of the program and other results."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from onnx import AttributeProto, GraphProto, NodeProto, load_model_from_string

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode

SHAPES = ("Shape", "Size")
"""Operators that read how large a value is, and nothing of what it holds."""
Work: TypeAlias = dict[int, set[tuple[int, int]]]
"""For each node of a kernel that takes time, when its units start and end."""


class Operators:
    """The operators of a program's kernels, and when what they make is there (S12).

    An operator without a row in the table of operations takes no time. The rows of one operator, a unit each, are one
    piece of work. Raises ProgramError for rows of kernels that do not run.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.works: dict[int, Work] = {}
        for kernel, node, _, start, duration in program.operations.tolist():
            self.works.setdefault(kernel, {}).setdefault(node, set()).add((start, start + duration))
        runs = program.instructions["op"] == Opcode.KERNEL
        for kernel in sorted(self.works.keys() - {*program.instructions["k"][runs].tolist()})[:1]:
            raise ProgramError(f"an operation belongs to kernel {kernel}, which no record runs")

    def results(self, number: int, kernel: int, start: int, ready: Mapping[int, int]) -> dict[int, int]:
        """When the outputs of a kernel are there, which record `number` runs from `start` on, by value [ps].

        `ready` tells that of all values. Raises ProgramError if an operator starts before what it reads is there.
        """
        own, works = self.program.kernels[kernel], self.works.get(kernel, {})
        for slot in own.inputs:
            if slot not in ready:
                raise ProgramError(f"record {number} reads value {slot} at {start} ps, which is never brought there")
        first = min((begin for times in works.values() for begin, _ in times), default=start)
        if first < start:
            raise ProgramError(f"an operation of kernel {kernel} starts at {first} ps, the kernel at {start} ps")
        there = {f"v{slot}": ready[slot] for slot in own.inputs}
        known = {f"v{value.slot}" for value in self.program.inputs}
        _follow(kernel, _graph(self.program, kernel), works, there, known)
        last = max(there.values(), default=start)  # for an output that no node makes: the machine refuses it
        return {slot: there.get(f"v{slot}", last) for slot in own.outputs}


def _graph(program: Program, kernel: int) -> GraphProto:
    return load_model_from_string(program.kernels[kernel].model).graph


def _follow(kernel: int, graph: GraphProto, works: Work, there: dict[str, int], known: Collection[str]) -> None:
    """Adds to `there`, which has the kernel's inputs, when the results of its nodes are there.

    The shapes of the values `known`, inputs of the program, are told before it runs.
    """
    if max(works, default=-1) >= len(graph.node):
        raise ProgramError(f"an operation is of node {max(works)} of kernel {kernel}, which has {len(graph.node)}")
    for number, node in enumerate(graph.node):
        reads = [name for name in _reads(node) if node.op_type not in SHAPES or name not in known]
        ready = max((there.get(name, 0) for name in reads), default=0)
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
