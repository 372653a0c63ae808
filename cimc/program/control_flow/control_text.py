"""What the records of control flow do, in the words of the listing."""

from collections.abc import Iterator

from cimc.program.control_flow.controls import Branch, Control, Loop
from cimc.program.records import Opcode


def control_text(op: Opcode, number: int, control: Control) -> str:
    """What a record of control flow does to values: `3 times v1, v5 = v0, v9 = slices of v2 along axis 0`."""
    if isinstance(control, Branch):
        return f"{number} {', '.join(_branch(op, control))}".rstrip()
    parts = _begin(control) if op is Opcode.LOOP else _end(control)
    return f"{number} {', '.join(parts)}".rstrip()


def _branch(op: Opcode, branch: Branch) -> Iterator[str]:
    if op is Opcode.BRANCH:
        yield f"if v{branch.condition}"
    elif op is Opcode.END:
        for merged in branch.merged:
            yield f"v{merged.result} = v{merged.then} or v{merged.otherwise}"


def _begin(loop: Loop) -> Iterator[str]:
    if loop.trips is not None:
        yield f"v{loop.trips} times"
    if loop.condition is not None:
        yield f"while v{loop.condition}"
    if loop.iteration is not None:
        yield f"v{loop.iteration} = iteration"
    if loop.running is not None:
        yield f"v{loop.running} = condition"
    for carried in loop.carried:
        yield f"v{carried.begin} = v{carried.initial} at first"
    for sliced in loop.sliced:
        yield f"v{sliced.slice} = slice of v{sliced.whole} along axis {sliced.axis}{_from_the_end(sliced.reverse)}"


def _end(loop: Loop) -> Iterator[str]:
    if loop.again is not None:
        yield f"again if v{loop.again}"
    for carried in loop.carried:
        yield f"v{carried.begin} = v{carried.end}, v{carried.final} at last"
    for stacked in loop.stacked:
        yield f"v{stacked.whole} = all v{stacked.slice} along axis {stacked.axis}{_from_the_end(stacked.reverse)}"


def _from_the_end(reverse: bool) -> str:
    return " from its end" if reverse else ""
