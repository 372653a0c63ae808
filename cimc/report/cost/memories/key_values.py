"""Keys and values of a language model: how much of them a run reads and writes, and which operators wait for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cimc.program.port_names import cache_name
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.cost.kernel_runs import Operator, Run
from passes.analysis.cost.digital import WORK, Work

Place = tuple[int, int]
"""A kernel, and the number of an operator in it."""
_SIZES_ALONE = ("Shape", "Size")
_SAME_NUMBERS = ("Cast", "CastLike")


@dataclass(frozen=True)
class KeyValues:
    """What a run does with keys and values: bytes that each operator reads of them, and bytes that are written."""

    slots: frozenset[int] = frozenset()
    """Where they are: inputs with those of the tokens before, outputs with those of all tokens."""
    read: Mapping[Place, int] = field(default_factory=dict[Place, int])
    """By the first operator that computes with them; moving them about is none."""
    written: int = 0

    def moved(self, run: Run) -> int:
        """All bytes that are read and written in a run."""
        return self.written + sum(count * run.executions[kernel] for (kernel, _), count in self.read.items())


NO_KEYS = KeyValues()


def key_values_of(program: Program, run: Run) -> KeyValues:
    """The keys and values of a program, known by the names of its inputs and outputs; none if it has no such names.

    What is written of a layer is what the output has more than the input, or all of it if it is not longer.
    """
    pasts = {name: v.slot for v in program.inputs if (name := cache_name(v.name)) is not None}
    presents = {name: v.slot for v in program.outputs if (name := cache_name(v.name)) is not None}
    if not pasts:
        return NO_KEYS
    held = run.bytes.held
    written = 0
    for name, slot in presents.items():
        before, after = held.get(pasts.get(name, -1), 0), held.get(slot, 0)
        written += after - before if after > before else after
    reader = _Reader({f"v{slot}": frozenset((slot,)) for slot in pasts.values()}, held)
    records = program.instructions
    numbers: list[int] = records["k"][records["op"] == Opcode.KERNEL].tolist()
    for number in dict.fromkeys(numbers):
        kernel = program.kernels[number]
        reader.follow(number, run.kernels[number], [f"v{s}" for s in kernel.inputs], [f"v{s}" for s in kernel.outputs])
    return KeyValues(frozenset((*pasts.values(), *presents.values())), reader.read, written)


@dataclass
class _Reader:
    """Follows keys and values through operators that only move them; `known` are those in each value outside."""

    known: dict[str, frozenset[int]]
    held: Mapping[int, int]
    read: dict[Place, int] = field(default_factory=dict[Place, int])
    done: set[int] = field(default_factory=set[int])

    def follow(self, kernel: int, operators: Sequence[Operator], inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """One kernel, with operators in an order in which they can run."""
        inside = {name: self.known[name] for name in inputs if name in self.known}
        for number, operator in enumerate(operators):
            touched = frozenset[int]().union(*(inside.get(name, ()) for name in (*operator.inputs, *operator.seen)))
            if not touched or operator.op_type in _SIZES_ALONE:
                continue
            if WORK.get(operator.op_type) in (Work.NOTHING, Work.MOVE) or operator.op_type in _SAME_NUMBERS:
                inside |= dict.fromkeys(operator.outputs, touched)
            elif new := touched - self.done:
                self.read[kernel, number] = sum(self.held.get(slot, 0) for slot in new)
                self.done |= new
        self.known |= {name: inside[name] for name in outputs if name in inside}
