"""The shapes of all tensors of a program's kernels, found by running them with their products set to zero."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnxruntime import RunOptions

from cimc.machine.control import ControlFlow, Stopped
from cimc.machine.inputs import random_inputs
from cimc.machine.onnx_kernels import Session, plain_session
from cimc.machine.stoppable import TooLong, allowed_seconds, stoppable, time_limit
from cimc.program.control_flow.bodies import Body, bodies_of
from cimc.program.control_flow.controls import Loop
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input, Kernel
from cimc.program.metadata import Shape as SymbolicShape
from cimc.program.one_line import one_line
from cimc.program.open_sizes import side_of
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, Opcode
from cimc.report.cost.body_runs import LEFT_OUT, Bodies, BodyWatch, Shape, joined
from cimc.report.cost.memories.byte_counts import ByteCounts
from cimc.report.cost.watching import shapes_in, with_outputs, with_shapes

COUNTING_SECONDS = 20.0
"""How long the kernels may run."""


@dataclass(frozen=True)
class Operator:
    """One node of a kernel in a run: its tensors by name and shape, in ONNX's order."""

    op_type: str
    domain: str
    node: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    equation: str
    """Of an Einsum."""
    seen: tuple[str, ...] = ()
    """Values of the graph around it that its bodies read."""


@dataclass(frozen=True)
class Run:
    """What was seen in a run: the operators of each kernel, and how many vectors each value has."""

    dims: Mapping[str, int]
    kernels: tuple[tuple[Operator, ...], ...]
    constants: tuple[frozenset[str], ...]
    """Names in each kernel whose values are part of the program."""
    vectors: Mapping[int, int]
    """Vectors that each multiplication and permutation takes, by the slot that it writes."""
    permuted_bits: Mapping[int, int]
    """Bits that each permutation moves for one vector, by the slot that it writes."""
    bodies: Mapping[int, Bodies] = field(default_factory=dict[int, Bodies])
    """What was seen in bodies of control flow, by kernel, where there are multiplications in them."""
    iterations: Mapping[int, int] = field(default_factory=Counter[int])
    """How often each body of control flow ran, by the number of the record that begins it."""
    executions: Mapping[int, int] = field(default_factory=Counter[int])
    """How often each kernel ran."""
    bytes: ByteCounts = field(default_factory=ByteCounts)
    """What values held, and what was moved of them."""

    @property
    def tokens(self) -> int:
        """Vectors of the multiplication that takes most; 1 for a program without any."""
        return max(1, max(self.vectors.values(), default=1))


def run_kernels(program: Program, dims: Mapping[str, int]) -> Run:
    """Run all kernels of the program on made-up inputs with these dimensions, and note the shapes.

    Nothing is multiplied: results of arrays are zeros. ProgramError if a kernel cannot run with such inputs, or if it
    takes longer than the time limit, COUNTING_SECONDS where there is none.
    """
    with time_limit(allowed_seconds() or COUNTING_SECONDS):
        return stoppable(lambda options: Runner(program, dims, options).run())


_FOLLOWED = (Opcode.KERNEL, Opcode.CLEAR, Opcode.PERMUTE, Opcode.LOOP, Opcode.BRANCH)


class Runner:
    """Follows the records of a program."""

    def __init__(self, program: Program, dims: Mapping[str, int], options: RunOptions) -> None:
        self.program, self.dims, self.options = program, dims, options
        self.followed = np.flatnonzero(np.isin(program.instructions["op"], _FOLLOWED))
        self.bodies_of: dict[int, list[Body]] = {}
        for body in bodies_of(program.instructions, program.controls):
            self.bodies_of.setdefault(body.control, []).append(body)
        self.iterations, self.executions = Counter[int](), Counter[int]()
        self.depth, self.last_reads = 0, _last_reads(program)
        self.constants = [onnxruntime.OrtValue.ortvalue_from_numpy(constant) for constant in program.constants]
        inputs = random_inputs([replace(v, shape=_sizes(v, dims)) for v in program.inputs])
        self.values: dict[int, NDArray[Any]] = {value.slot: inputs[value.name] for value in program.inputs}
        self.kernels: dict[int, tuple[Operator, ...]] = {}
        self.known: dict[int, frozenset[str]] = {}
        self.vectors: dict[int, int] = {}
        self.permuted_bits: dict[int, int] = {}
        self.bodies: dict[int, Bodies] = {}
        self.sessions: dict[int, Session] = {}
        self.bytes = ByteCounts()
        self.bytes.hold(self.values)

    def run(self) -> Run:
        self._records(0, len(self.program.instructions))
        self.bytes.hold(self.values)
        numbers = range(len(self.program.kernels))
        return Run(
            dims=self.dims,
            kernels=tuple(self.kernels.get(number, ()) for number in numbers),
            constants=tuple(self.known.get(number, frozenset()) for number in numbers),
            vectors=self.vectors,
            permuted_bits=self.permuted_bits,
            bodies=self.bodies,
            iterations=self.iterations,
            executions=self.executions,
            bytes=self.bytes,
        )

    def _records(self, first: int, last: int) -> None:
        """Follow the records from number `first` to before `last`, those in bodies as often as they run."""
        begin, end = np.searchsorted(self.followed, (first, last)).tolist()
        for number in self.followed[begin:end].tolist():
            if number < first:
                continue
            op, k = Opcode(int(self.program.instructions["op"][number])), int(self.program.instructions["k"][number])
            if op in CONTROL_FLOW:
                self._control(k)
                first = number = self.bodies_of[k][-1].closes
            elif op == Opcode.KERNEL:
                self.kernel(k)
            else:
                self._product(number, op, k)
            while not self.depth and self.last_reads and self.last_reads[-1][0] <= number:
                self.values.pop(self.last_reads.pop()[1], None)

    def _product(self, number: int, op: Opcode, k: int) -> None:
        """A CLEAR or a PERMUTE."""
        x, y, n = (int(self.program.instructions[name][number]) for name in ("x", "y", "n"))
        source = self.values[x]
        self.vectors[y] = self.vectors.get(y, 0) + math.prod(source.shape[:-1])
        if op == Opcode.CLEAR:
            self.values[y] = np.zeros((*source.shape[:-1], n), np.int32)
            self.bytes.multiply(self.values, x, y)
        else:
            self.values[y] = self._permuted(source, k)
            self.bytes.move(self.values, (x,), (y,))
            self.permuted_bits[y] = 8 * source.itemsize * len(self.program.tables[k])

    def _control(self, number: int) -> None:
        """Control flow, by the values that its kernels give where nothing is multiplied."""
        control, flow = self.program.controls[number], ControlFlow()

        def run(body: Body) -> None:
            if self.options.terminate:
                raise Stopped
            self.iterations[body.opens] += 1
            self.depth += 1
            self._records(body.opens + 1, body.closes)
            self.depth -= 1

        runs = [partial(run, body) for body in self.bodies_of[number]]
        if isinstance(control, Loop):
            flow.loop(control, self.values, *runs)
        else:
            flow.branch(control, self.values, (runs[0], runs[1]))

    def _permuted(self, source: NDArray[Any], number: int) -> NDArray[Any]:
        """Vectors in the order of a table; they may be too short where the network does not say how long they are."""
        table, length = self.program.tables[number], source.shape[-1] if source.ndim else 0
        if table.max(initial=-1) >= length:
            raise ProgramError(f"table {number} reads element {table.max()} of a made-up vector of {length}")
        return np.take(source, table, axis=-1)

    def kernel(self, number: int) -> None:
        """Run a kernel and note what it does."""
        kernel = self.program.kernels[number]
        self.executions[number] += 1
        feeds = {f"v{slot}": self.values[slot] for slot in kernel.inputs}
        if self.executions[number] > 1 and number not in self.bodies:
            self._again(number, feeds)
        else:
            self._first(number, kernel, feeds)
        self.bytes.move(self.values, kernel.inputs, kernel.outputs)

    def _first(self, number: int, kernel: Kernel, feeds: dict[str, Any]) -> None:
        """Run a kernel and note what it does: the shapes alone, if it can be, so that its tensors need not be kept."""
        model = _parsed(number, kernel.model)
        asked = [output.name for output in model.graph.output]
        made = [name for node in model.graph.node for name in node.output if name and name not in asked]
        nodes, inner = list(model.graph.node), BodyWatch(model.graph)
        tensors = model.graph.initializer
        shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in tensors}
        try:
            outputs, seen = self._outputs(number, with_shapes(model, made), inner, feeds, made)
        except ProgramError as error:
            if isinstance(error, TooLong):
                raise
            outputs, seen = self._outputs(number, with_outputs(model, made), inner, feeds, made)
        shapes |= {name: _shape(value) for name, value in (feeds | outputs).items()} | seen
        self.kernels[number] = tuple(_operator(node, shapes) for node in nodes)
        self.known[number] = frozenset(tensor.name for tensor in tensors)
        for slot in kernel.outputs:
            if f"v{slot}" not in outputs:
                raise ProgramError(f"kernel {number} does not compute value {slot}")
            self.values[slot] = outputs[f"v{slot}"]

    def _again(self, number: int, feeds: Mapping[str, Any]) -> None:
        """Run a kernel in another iteration: what it does is noted, and one session is enough for all of them."""
        kernel = self.program.kernels[number]
        try:
            if number not in self.sessions:
                constants = {f"constant{i}": self.constants[i] for i in kernel.constants}
                self.sessions[number] = plain_session(kernel.model, constants)
            outputs = self.sessions[number].run([f"v{slot}" for slot in kernel.outputs], feeds)
        except TooLong:
            raise
        except Exception as error:  # ONNX Runtime raises many unrelated types
            raise ProgramError(f"kernel {number} fails in ONNX Runtime: {one_line(error)}") from error
        self.values.update(zip(kernel.outputs, outputs, strict=True))

    def _outputs(
        self, number: int, model: onnx.ModelProto, inner: BodyWatch, feeds: Mapping[str, Any], watched: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Shape]]:
        """The outputs of a kernel by name, and the shapes of what is watched in it."""
        constants = {f"constant{i}": self.constants[i] for i in self.program.kernels[number].constants}
        names = [output.name for output in model.graph.output]
        try:
            with inner.profile() as profile:
                session = plain_session(model.SerializeToString(), constants, packed=False, profile=profile, early=True)
                outputs = dict(zip(names, session.run(names, feeds), strict=True))
                if profile is not None:
                    seen = inner.seen(session.end_profile())
                    self.bodies[number] = joined(self.bodies.get(number, {}), seen)
            return outputs, shapes_in(outputs, watched)
        except TooLong:
            raise
        except Exception as error:  # ONNX Runtime raises many unrelated types
            reason = inner.with_names(one_line(error))
            raise ProgramError(f"kernel {number} fails in ONNX Runtime: {reason}") from error


def _last_reads(program: Program) -> list[tuple[int, int]]:
    """The records after which a value is read no more, and its slot; the first of them last.

    None where there is control flow, which reads in every iteration.
    """
    records = program.instructions
    last = np.full(program.slots, -1, np.int64)
    for name in ("x", "y"):
        chosen = np.flatnonzero(np.isin(records["op"], (Opcode.CLEAR, Opcode.PERMUTE)))
        np.maximum.at(last, records[name][chosen], chosen)
    for number in np.flatnonzero(records["op"] == Opcode.KERNEL).tolist():
        kernel = program.kernels[int(records["k"][number])]
        own = [*kernel.inputs, *kernel.outputs]
        last[own] = np.maximum(last[own], number)
    if program.controls:
        return []
    return sorted(((int(number), slot) for slot, number in enumerate(last) if number >= 0), reverse=True)


def _sizes(value: Input, dims: Mapping[str, int]) -> SymbolicShape | None:
    """The shape in numbers; a dimension without a name is 1, or a side where windows slide over it."""
    if value.shape is None:
        return None
    unnamed = {axis: side_of(value) for axis in value.slides}
    sizes = (dims[dim] if isinstance(dim, str) else dim for dim in value.shape)
    return tuple(unnamed.get(axis, 1) if size is None else size for axis, size in enumerate(sizes))


def _parsed(number: int, content: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(content)
        for node in model.graph.node:
            onnx.NodeProto(input=node.output)  # takes no names but texts
        return model
    except (DecodeError, UnicodeDecodeError) as error:  # the latter for names that are no UTF-8
        raise ProgramError(f"kernel {number} is no ONNX model, or a damaged one: {error}") from error


def _operator(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> Operator:
    return Operator(
        op_type=node.op_type,
        domain=node.domain,
        node=node.name,
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        input_shapes=tuple(shapes.get(name, LEFT_OUT) for name in node.input),
        output_shapes=tuple(shapes.get(name, LEFT_OUT) for name in node.output),
        equation=next((a.s.decode(errors="replace") for a in node.attribute if a.name == "equation"), ""),
        seen=tuple(sorted(_seen(node))),
    )


def _seen(node: onnx.NodeProto) -> set[str]:
    """The names that the bodies of a control flow node read from outside of them."""
    outside: set[str] = set()
    for body in (attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH):
        made = {value.name for value in [*body.input, *body.initializer]}
        made.update(name for inner in body.node for name in inner.output)
        read = {name for inner in body.node for name in [*inner.input, *_seen(inner)]}
        outside |= (read | {value.name for value in body.output}) - made
    return outside - {""}


def _shape(value: object) -> Shape:
    return tuple(getattr(value, "shape", LEFT_OUT))
