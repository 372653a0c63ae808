"""The plan of a run: which records are executed together, and which values are forgotten afterwards."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, groupby

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.formats import slices_of
from cimc.program.arrays.planes import planes
from cimc.program.control_flow.bodies import WHOLE, Body, around, bodies_of, body_of_records
from cimc.program.metadata import INPUT_BITS, Multiplication
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, TIMING_ONLY, Opcode, Records

_OF_ARRAYS = (Opcode.CLEAR, Opcode.MULTIPLY)


@dataclass(frozen=True)
class Product:
    """Value `y` [..., columns] of a multiplication, to which MULTIPLY records first to last - 1 add."""

    multiplication: Multiplication
    columns: int
    first: int
    last: int
    conversions: tuple[int, int]
    """How many these records make of one vector: of an unsigned one, and of a signed one. Of a weight with copies, the
    first of them."""
    others: tuple[tuple[int, int], ...] = ()
    """The same for each other copy, whose vectors come in turn."""

    def made(self, vectors: int, signed: bool) -> Iterator[tuple[int, int]]:
        """How many conversions each copy makes of one vector, and how many of these vectors it takes (I25)."""
        copies = (self.conversions, *self.others)
        for number, each in enumerate(copies):
            yield each[signed], len(range(number, vectors, len(copies)))


@dataclass(frozen=True, eq=False)
class Group:
    """Products of one value `x` [..., rows], whose records follow each other."""

    x: int
    rows: int
    products: tuple[Product, ...]

    @property
    def first(self) -> int:
        return self.products[0].first

    @property
    def last(self) -> int:
        """The number behind the last record."""
        return self.products[-1].last

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Columns of each product."""
        return tuple(product.columns for product in self.products)

    @cached_property
    def columns(self) -> int:
        """Of all products together."""
        return sum(self.widths)

    @cached_property
    def conversions(self) -> tuple[int, int]:
        """How many the records (those of first copies) make of one vector: of an unsigned one, and of a signed one."""
        unsigned, signed = zip(*(product.conversions for product in self.products), strict=True)
        return sum(unsigned), sum(signed)

    @cached_property
    def has_copies(self) -> bool:
        """Whether a product is that of a weight with copies."""
        return any(product.others for product in self.products)

    def made(self, vectors: int, signed: bool) -> Iterator[tuple[int, int]]:
        """Conversions of one vector, and for how many vectors they are made."""
        if not self.has_copies:
            yield self.conversions[signed], vectors
            return
        for product in self.products:
            yield from product.made(vectors, signed)

    @cached_property
    def limited(self) -> Multiplication | None:
        """The multiplication that takes numbers of the fewest bits, if these are not all that a byte can be."""
        least = min((product.multiplication for product in self.products), key=lambda made: made.input_bits)
        return None if least.input_bits == max(INPUT_BITS) else least


@dataclass(frozen=True)
class Step:
    """A KERNEL or PERMUTE record, or one of control flow; or MULTIPLY: CLEAR and MULTIPLY records of one stage that
    follow each other.

    `groups` are the products that the latter clear, `continued` those that an earlier step has cleared. `stage`, `x`,
    `y` and `k` are those of the first record.
    """

    op: Opcode
    stage: int
    x: int
    y: int
    k: int
    frees: tuple[int, ...]
    """Values that no later step uses (I3)."""
    groups: tuple[Group, ...] = ()
    continued: tuple[Product, ...] = ()

    @property
    def products(self) -> Iterator[Product]:
        yield from chain(*(group.products for group in self.groups), self.continued)


def effective(records: Records) -> NDArray[np.intp]:
    """The numbers of the records that do something, in order; the others only tell time (I8)."""
    return np.flatnonzero(~np.isin(records["op"], TIMING_ONLY))


def arranged(records: Records) -> NDArray[np.intp]:
    """An order of records in which CLEAR and then MULTIPLY records of one stage that follow each other are together.

    The MULTIPLY records are sorted by the values that they read and write. They may change places (I14): addition
    modulo 2**32 commutes, and a value that is being summed up is not yet read.
    """
    multiplies = records["op"] == Opcode.MULTIPLY
    y, x = (np.where(multiplies, records[name], 0) for name in "yx")
    return np.lexsort((y, x, multiplies, _runs(records)))


def _runs(records: Records) -> NDArray[np.intp]:
    """For each record the number of its run: of CLEAR and MULTIPLY records of one stage, or it alone."""
    of_arrays = np.isin(records["op"], _OF_ARRAYS)
    same = of_arrays[1:] & of_arrays[:-1] & (records["stage"][1:] == records["stage"][:-1])
    return np.cumsum(np.concatenate([[True], ~same])[: len(records)])


def steps_of(records: Records, program: Program) -> list[Step]:
    """The steps of records that are `effective` and `arranged`."""
    runs = np.split(np.arange(len(records)), np.flatnonzero(np.diff(_runs(records))) + 1) if len(records) else []
    frees = _frees(_uses(records, runs, program), program)
    multiplications = {multiplication.y: multiplication for multiplication in program.multiplications}
    cells = _converted_cells(records, program)
    return [_step(records, run, free, multiplications, cells, program) for run, free in zip(runs, frees, strict=True)]


def _converted_cells(records: Records, program: Program) -> NDArray[np.int64]:
    """How many conversions each record makes for a plane: one for each column of each slice; other than MULTIPLY 0."""
    cells, multiplies = np.zeros(len(records), np.int64), records["op"] == Opcode.MULTIPLY
    own = records[multiplies]
    cells[multiplies] = own["columns"] * slices_of(program)[own["array"]]
    return cells


def ends_of(steps: Sequence[Step]) -> dict[int, tuple[int, int]]:
    """For each step that begins control flow the number of its ELSE (its END without one), and that of its END."""
    ends: dict[int, tuple[int, int]] = {}
    begun: dict[int, int] = {}
    for number, step in enumerate(steps):
        if step.op in (Opcode.LOOP, Opcode.BRANCH):
            begun[step.k] = number
        elif step.op is Opcode.ELSE:
            ends[begun[step.k]] = number, number
        elif step.op is Opcode.END:
            first = ends.get(begun[step.k], (number, number))[0]
            ends[begun[step.k]] = first, number
    return ends


def _step(
    records: Records,
    run: NDArray[np.intp],
    frees: tuple[int, ...],
    multiplications: Mapping[int, Multiplication],
    cells: NDArray[np.int64],
    program: Program,
) -> Step:
    first, op = int(run[0]), Opcode(int(records["op"][run[0]]))
    stage, x, y, k = (int(records[name][first]) for name in ("stage", "x", "y", "k"))
    if op not in _OF_ARRAYS:
        return Step(op, stage, x, y, k, frees)
    cleared = int(np.count_nonzero(records["op"][run] == Opcode.CLEAR))
    adders = list(zip(*(records[name][run[cleared:]].tolist() for name in "xy"), strict=True))

    def product(x: int, y: int) -> Product:
        begin, end = (first + cleared + bisect(adders, (x, y)) for bisect in (bisect_left, bisect_right))
        made, dac_bits = multiplications[y], program.chip.dac_bits
        weight = program.weights[made.weight]
        unsigned, signed = planes(dac_bits, made.input_bits), planes(dac_bits, max(INPUT_BITS), signed=True)
        converted = np.bincount(records["flags"][begin:end], cells[begin:end], weight.copies).astype(np.int64).tolist()
        conversions, *others = [(unsigned * count, signed * count) for count in converted]
        return Product(made, weight.columns, begin, end, conversions, tuple(others))

    clears = sorted(zip(*(records[name][run[:cleared]].tolist() for name in "xy"), strict=True))
    own = {y for _, y in clears}
    products = [product(x, y) for x, y in clears]
    groups = [
        Group(x, program.weights[members[0].multiplication.weight].rows, members)
        for (x, _), members in ((key, tuple(group)) for key, group in groupby(products, partial(_alike, program)))
    ]
    continued = tuple(product(x, y) for x, y in dict.fromkeys(adders) if y not in own)
    return Step(Opcode.MULTIPLY, stage, x, y, k, frees, tuple(groups), continued)


def _alike(program: Program, product: Product) -> tuple[int, int]:
    """The value that a product is of, and how many rows its weight has: the same, or the value will not fit all."""
    return product.multiplication.x, program.weights[product.multiplication.weight].rows


def _frees(uses: list[set[int]], program: Program) -> Iterator[tuple[int, ...]]:
    """For each step the values that it is the last to use."""
    kept = {output.slot for output in program.outputs}
    frees: list[tuple[int, ...]] = []
    for slots in reversed(uses):
        frees.append(tuple(slots - kept))
        kept |= slots
    return reversed(frees)


def _uses(records: Records, runs: Sequence[NDArray[np.intp]], program: Program) -> list[set[int]]:
    """The values that each step uses; those from outside of control flow are used where it ends, for it may run again.

    So is all that control flow itself reads and writes.
    """
    uses = [_slots(records[run], program) for run in runs]
    bodies = bodies_of(records, program.controls)
    if not bodies:
        return uses
    inside = body_of_records(records, bodies)
    step_of = {int(run[0]): number for number, run in enumerate(runs)}
    ends = [step_of[max(b.closes for b in bodies if b.control == k)] for k in range(len(program.controls))]
    known = _bodies_of_values(records, program, bodies, inside)
    moved: list[set[int]] = [set() for _ in uses]
    for run, slots in zip(runs, uses, strict=True):
        path = around(int(inside[run[0]]), bodies)
        for slot in slots:
            beyond = path[path.index(known[slot]) + 1 :] if known[slot] in path else path
            number = step_of[int(run[0])] if not beyond else ends[bodies[beyond[0]].control]
            moved[number].add(slot)
    for control, end in zip(program.controls, ends, strict=True):
        path = around(int(inside[runs[end][0]]), bodies)
        for slot in (*control.reads, *control.writes, *chain(*control.begins, *control.ends)):
            beyond = (
                path[path.index(known[slot]) + 1 :] if known[slot] in path else path if known[slot] == WHOLE else []
            )
            moved[end if not beyond else ends[bodies[beyond[0]].control]].add(slot)
    return moved


def _bodies_of_values(
    records: Records, program: Program, bodies: Sequence[Body], inside: NDArray[np.int64]
) -> dict[int, int]:
    """The body that writes each value, `WHOLE` for none."""
    known = {value.slot: WHOLE for value in program.inputs}
    for number, body in enumerate(bodies):
        control = program.controls[body.control]
        known.update(dict.fromkeys(control.begins[body.branch], number))
        known.update(dict.fromkeys(control.writes, body.around))
    for number in np.flatnonzero(np.isin(records["op"], (Opcode.CLEAR, Opcode.PERMUTE, Opcode.KERNEL))).tolist():
        is_kernel = records["op"][number] == Opcode.KERNEL
        written = program.kernels[int(records["k"][number])].outputs if is_kernel else (int(records["y"][number]),)
        known.update(dict.fromkeys(written, int(inside[number])))
    return known


def _slots(records: Records, program: Program) -> set[int]:
    """The values that records of one step read or write."""
    if records["op"][0] in CONTROL_FLOW:
        return set()
    if records["op"][0] != Opcode.KERNEL:
        return {*records["x"].tolist(), *records["y"].tolist()}
    kernel = program.kernels[int(records["k"][0])]
    return {*kernel.inputs, *kernel.outputs}
