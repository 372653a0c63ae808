"""The profile of a run: how long arrays and digital operations took, by stage and kernel, and Python between them."""

from collections.abc import Iterator

from cimc.machine.machine import Machine
from cimc.program.one_line import one_line
from cimc.program.records import Opcode


def profile_lines(machine: Machine) -> Iterator[str]:
    """The times of the last run of a machine: the sums, then the multiplications of each stage and every kernel and
    permutation, those that took longest first.

    Arrays are the compiled loops of the engine, digital operations those of ONNX Runtime and permutations by numpy;
    Python is all the rest of the run, from its inputs to its outputs.
    """
    rows = sorted(_rows(machine), key=lambda row: -row[0])
    parts = {name: sum(seconds for seconds, part, _ in rows if part == name) for name in ("arrays", "digital")}
    parts["Python"] = max(0.0, machine.whole - sum(parts.values()))
    whole = sum(parts.values())
    shares = (f"{name} {1e3 * part:.3f} ms ({100 * part / max(whole, 1e-9):.0f} %)" for name, part in parts.items())
    yield f"profile: {1e3 * whole:.3f} ms: {', '.join(shares)}"
    for seconds, part, work in rows:
        yield f"  {1e3 * seconds:10.3f} ms  {part:<7}  {work}"


def _rows(machine: Machine) -> Iterator[tuple[float, str, str]]:
    """Seconds, who worked, and at what."""
    nodes = machine.nodes_by_stage()
    stages: dict[int, float] = {}
    for step, seconds in zip(machine.steps, machine.native, strict=True):
        match step.op:
            case Opcode.KERNEL:
                names = machine.program.kernels[step.k].nodes
                few = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
                yield seconds, "digital", f"kernel {step.k}: {one_line(few)}"
            case Opcode.PERMUTE:
                yield seconds, "digital", f"permute: table {step.k}"
            case Opcode.LOOP | Opcode.BRANCH | Opcode.ELSE | Opcode.END:
                pass  # what runs in a body has a time of its own
            case _:
                stages[step.stage] = stages.get(step.stage, 0) + seconds
    for stage, seconds in stages.items():
        yield seconds, "arrays", f"stage {stage}: {nodes[stage]}"
