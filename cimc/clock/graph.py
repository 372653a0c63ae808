"""Everything in a program that takes time, as a graph: what occupies which arrays, units and links, and what it needs.

Retiming, pipelines and bounds work on these steps alone. Times are in ps.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cimc.clock.lists import Lists, Numbers
from cimc.program.program import Program


class Kind(IntEnum):
    """What a step is."""

    ACTIVATION = 0
    """MULTIPLY records of one array that start together"""
    INWARD = 1
    """a vector moves into the arrays of a stage"""
    OUTWARD = 2
    """a product moves out of them"""
    ADDITION = 3
    PERMUTATION = 4
    OPERATOR = 5
    """a node of a kernel, on all its units at once; many take no time and no unit"""
    BARRIER = 6
    """control flow begins, ends, or goes on with another body, or arrays are programmed"""


class Pool(IntEnum):
    """Resources of a kind, of which a step may take any."""

    NONE = -1
    """the step occupies nothing, or its own array"""
    DIGITAL = 0
    ATTENTION = 1
    LINKS = 2


@dataclass(frozen=True, eq=False)
class Registers:
    """Each time that an array serves a stage: a set of its registers is taken from the first of the `inward` steps
    until the last of the `outward` steps is done: products move out, or the sums are there of one that stays."""

    array: Numbers
    stage: Numbers
    inward: Lists
    outward: Lists


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of a program, in no order that matters; arrays have a number for each step.

    Resources are numbered: arrays, digital units, attention units, links.
    """

    program: Program
    kind: NDArray[np.int8]
    """a `Kind`"""
    start: Numbers
    """in the program"""
    duration: Numbers
    resources: Lists
    """what the program takes for each step"""
    units: Numbers
    """how many resources each step occupies"""
    pool: NDArray[np.int8]
    """the `Pool` that the resources are from"""
    needs: Lists
    """steps that must have ended"""
    record: Numbers
    """the record that a step is, the first of several of an activation, the one of the kernel for an operator"""
    operation: Numbers
    """the first row of `Program.operations` that a step is, -1 if there is none"""
    copy: Numbers
    copies: Numbers
    """which copy of a weight works, and of how many; 0 and 1 for all else"""
    order: Numbers
    """all steps by their start in the program, each after what it needs"""
    of_record: Numbers
    """the step of each record, -1 for one that takes no time: a CLEAR, a KERNEL"""
    of_operation: Numbers
    """the step of each row of `Program.operations`"""
    of_node: Lists
    """the steps of each kernel's nodes, in their order"""
    registers: Registers
    buffers: int
    """sets of registers of an array"""
    pools: tuple[range, range, range]
    """the resources of each `Pool`; an empty range of links where there are as many as needed"""
    apart: bool = False
    """whether arrays move vectors in and sums out by themselves (`cimc.clock.pipelines.visits`)"""

    def __len__(self) -> int:
        return len(self.duration)

    @property
    def resource_count(self) -> int:
        return self.pools[-1].stop
