"""Kernels as small ONNX graphs with their inputs and outputs."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import NoneType
from xdsl.ir import Operation, SSAValue

from cimc.emitter.slots import Slots
from cimc.program.metadata import Kernel
from dialects.array import KernelOp
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
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

    def name(self, array: Array, digest: str | None = None) -> str | None:
        """`constant<i>` for a large array of a plain numpy type; None for one that stays in its kernel.

        `digest` is that of the array, where it is known.
        """
        if array.nbytes < EXTERNAL_BYTES or not array.dtype.isbuiltin or array.dtype.kind not in "fiub":
            return None
        digest = digest or digest_of(array)
        if digest not in self._numbers:
            self._numbers[digest] = len(self.arrays)
            self.arrays.append(array)
        return f"constant{self._numbers[digest]}"


def kernel_of(network: Network, op: KernelOp, slots: Slots, pool: ConstantPool) -> tuple[Kernel, dict[Operation, int]]:
    """The ONNX graph of a kernel, and the node of each operator in it."""
    ops, operators = list(op.body.block.ops)[:-1], op.operators
    inside = {result for member in ops for result in member.results if not isinstance(member, NoneOp)}
    inputs = list(
        dict.fromkeys(v for operator in operators for v in _reads(operator) if _comes_in(v, inside, operator))
    )
    writer = GraphWriter(network, pool.name)
    feeds = [(value, _port(value, slots.of(value))) for value in inputs]
    yields = [(value, _port(value, slots.of(result))) for value, result in zip(op.yielded, op.results)]
    model = writer.model(ops, feeds, yields)
    constants = sorted(int(name.removeprefix("constant")) for name in writer.external_names)
    kernel = Kernel(
        model.SerializeToString(deterministic=True),
        tuple(slots.of(value) for value in inputs),
        tuple(slots.of(result) for result in op.results),
        tuple(dict.fromkeys(node_name(operator) for operator in operators)),
        tuple(constants),
    )
    return kernel, writer.places


def _port(value: SSAValue, slot: int) -> Port:
    if not onnx_element(element_type(value.type)):
        node = node_name(value.owner) if isinstance(value.owner, Operation) else "input"
        raise UserError(
            f"node {node!r}: the type of its output {value.name_hint or ''} is {value.type}, which cannot travel "
            "between stages: expected a tensor of a type that shape inference knows"
        )
    return Port(f"v{slot}", ())


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


def unsupported(network: Network, operators: Sequence[DigitalOp]) -> str | None:
    """The first operation of a kernel that ONNX Runtime cannot run, described with its node, operator and domain."""
    for op in operators:
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
