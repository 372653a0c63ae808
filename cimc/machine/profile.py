"""The profile of a run: how long arrays and digital operations took, by stage and kernel."""

from collections.abc import Iterator
from itertools import groupby

from cimc.machine.machine import Machine
from cimc.program.one_line import one_line
from cimc.program.records import Opcode

_MULTIPLICATION = (Opcode.CLEAR, Opcode.MULTIPLY)


def profile_lines(machine: Machine) -> Iterator[str]:
    """The times of the last run of a machine: the sums, then the multiplications of each stage and every kernel and
    permutation, those that took longest first."""
    rows = sorted(_rows(machine), key=lambda row: -row[0])
    whole = sum(row[0] for row in rows)
    parts = {name: sum(seconds for seconds, part, _ in rows if part == name) for name in ("arrays", "digital")}
    shares = (f"{name} {1e3 * part:.3f} ms ({100 * part / max(whole, 1e-9):.0f} %)" for name, part in parts.items())
    yield f"profile: {1e3 * whole:.3f} ms: {', '.join(shares)}"
    for seconds, part, work in rows:
        yield f"  {1e3 * seconds:10.3f} ms  {part:<7}  {work}"


def _rows(machine: Machine) -> Iterator[tuple[float, str, str]]:
    """Seconds, who worked, and at what."""
    nodes = machine.nodes_by_stage()
    records = machine.engine.instructions
    timed = [(step, records[step.first], s) for step, s in zip(machine.steps, machine.seconds, strict=True)]
    multiplications = sorted(
        ((int(record["stage"]), seconds) for step, record, seconds in timed if step.op in _MULTIPLICATION)
    )
    for stage, members in groupby(multiplications, key=lambda item: item[0]):
        yield sum(seconds for _, seconds in members), "arrays", f"stage {stage}: {nodes[stage]}"
    for step, record, seconds in timed:
        if step.op == Opcode.KERNEL:
            names = machine.program.kernels[int(record["k"])].nodes
            few = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
            yield seconds, "digital", f"kernel {record['k']}: {one_line(few)}"
        elif step.op == Opcode.PERMUTE:
            yield seconds, "digital", f"permute: table {record['k']}"
