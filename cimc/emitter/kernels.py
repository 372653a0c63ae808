"""Kernels: runs of digital operations between two stages, each as a small ONNX graph with its inputs and outputs."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import NoneType
from xdsl.ir import Operation, SSAValue

from cimc.emitter.slots import Slots
from cimc.program.metadata import Kernel
from dialects.array import StageOp
from dialects.cim import ConstantOp, DigitalOp, NoneOp, PermuteOp, ReadOp
from dialects.element_types import Array, element_type, onnx_element
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, Port
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, session
from dialects.weights import digest_of

EXTERNAL_BYTES = 4096
"""Constants of at least this many bytes stand in the program once, not in every kernel that uses them."""


@dataclass
class ConstantPool:
    """The program's large constants, each kept once."""

    arrays: list[Array] = field(default_factory=list[Array])
    _numbers: dict[str, int] = field(default_factory=dict[str, int])

    def name(self, array: Array) -> str | None:
        """`constant<i>` for a large array of a plain numpy type; None for one that stays in its kernel."""
        if array.nbytes < EXTERNAL_BYTES or not array.dtype.isbuiltin or array.dtype.kind not in "fiub":
            return None
        digest = digest_of(array)
        if digest not in self._numbers:
            self._numbers[digest] = len(self.arrays)
            self.arrays.append(array)
        return f"constant{self._numbers[digest]}"


def segments(network: Network) -> Iterator[tuple[list[Operation], StageOp | PermuteOp | None]]:
    """The network as runs of digital operations, each with the stage or permutation that follows (None at the end)."""
    run: list[Operation] = []
    end = network.returned
    for op in network.block.ops:
        if isinstance(op, StageOp | PermuteOp):
            yield run, op
            run = []
        elif op is not end:
            run.append(op)
    yield run, None


def kernel_of(
    network: Network, ops: Sequence[Operation], slots: Slots, pool: ConstantPool
) -> tuple[Kernel, dict[Operation, int]] | None:
    """The kernel of a run of digital operations, and the node of each in its graph; None if nobody needs it."""
    inside = {result for op in ops for result in op.results if not isinstance(op, NoneOp)}
    members = set(ops)
    outputs = [value for op in ops for value in op.results if _leaves(value, members)]
    if not outputs:
        return None
    working = [op for op in ops if isinstance(op, DigitalOp)]
    inputs = list(dict.fromkeys(v for op in working for v in _reads(op) if _comes_in(v, inside, op)))
    writer = GraphWriter(network, pool.name)
    feeds = [(value, _port(value, slots)) for value in inputs]
    model = writer.model(ops, feeds, [(value, _port(value, slots)) for value in outputs])
    constants = sorted(int(name.removeprefix("constant")) for name in writer.external_names)
    names = dict.fromkeys(node_name(op) for op in working)
    kernel = Kernel(
        model.SerializeToString(deterministic=True),
        tuple(slots.of(value) for value in inputs),
        tuple(slots.of(value) for value in outputs),
        tuple(names),
        tuple(constants),
    )
    return kernel, writer.places


def _port(value: SSAValue, slots: Slots) -> Port:
    if not onnx_element(element_type(value.type)):
        node = node_name(value.owner) if isinstance(value.owner, Operation) else "input"
        raise UserError(
            f"node {node!r}: the type of its output {value.name_hint or ''} is {value.type}, which cannot travel "
            "between stages: expected a tensor of a type that shape inference knows"
        )
    return Port(f"v{slots.of(value)}", ())


def _reads(op: Operation) -> Iterator[SSAValue]:
    for inner in op.walk():
        yield from inner.operands


def _comes_in(value: SSAValue, inside: Container[SSAValue], user: Operation) -> bool:
    """Whether a kernel has to be given `value`: no constant, not made in the kernel or in a body of it."""
    if value in inside or isinstance(value.type, NoneType):
        return False
    owner = value.owner
    if isinstance(owner, Operation):
        return not isinstance(owner, ConstantOp | ReadOp | NoneOp) and not user.is_ancestor(owner)
    parent = owner.parent_op()
    return parent is None or not user.is_ancestor(parent)


def _leaves(value: SSAValue, members: set[Operation]) -> bool:
    """Whether `value` is used outside of `members`; a constant only where a stage or the caller takes it as it is."""
    is_constant = isinstance(value.owner, ConstantOp | ReadOp | NoneOp)
    for use in value.uses:
        user = _outermost(use.operation)
        if user not in members and not (is_constant and isinstance(user, DigitalOp)):
            return True
    return False


def _outermost(op: Operation) -> Operation:
    """The operation of the function's own block that `op` is or is inside of."""
    while (parent := op.parent_op()) is not None and parent.name != "func.func":
        op = parent
    return op


def unsupported(network: Network, kernel_ops: Sequence[Operation]) -> str | None:
    """The first operation of a kernel that ONNX Runtime cannot run, described with its node, operator and domain."""
    for op in kernel_ops:
        if not isinstance(op, DigitalOp):
            continue
        inputs = [v for v in dict.fromkeys(_reads(op)) if _comes_in(v, (), op)]
        outputs = [v for v in op.outputs if not isinstance(v.type, NoneType)]
        ports = [
            [(v, Port(f"{side}{i}", ())) for i, v in enumerate(values)] for side, values in zip("xy", (inputs, outputs))
        ]
        try:
            session(GraphWriter(network).model([op], *ports))
        except GraphError as error:
            domain = "ai.onnx" if op.domain is None else op.domain.data
            return f"node {node_name(op)!r}: operator {op.op_type.data} of domain {domain} cannot run: {error}"
    return None
