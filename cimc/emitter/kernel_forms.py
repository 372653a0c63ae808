"""Forms of kernels: kernels of one form differ in names and in numbers that they only compute with.

ONNX Runtime takes a millisecond to load a kernel, and a large network has thousands of few forms: to know that it
takes all of them, one of each form is loaded.
"""

from collections.abc import Iterable, Iterator, Sequence

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto

from cimc.program.metadata import Kernel

_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div", "Min", "Max", "Clip", "MatMul", "MatMulInteger"})
"""Operators for which a graph is accepted or refused whatever the numbers of their constants are."""

_LARGEST = 1 << 16
"""Bytes of a kernel that is compared with others: there are not many larger ones, and forms take memory."""

Form = tuple[object, ...]


def one_of_each_form(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The first kernel of each form, in order."""
    first_of: dict[Form, Kernel] = {}
    for number, kernel in enumerate(kernels):
        form = form_of(ModelProto.FromString(kernel.model)) if len(kernel.model) <= _LARGEST else None
        first_of.setdefault(form or (number,), kernel)
    return list(first_of.values())


def form_of(model: ModelProto) -> Form | None:
    """What ONNX Runtime looks at when it loads the kernel; None for one that has no form but its own.

    Names are numbers, in the order in which they appear; numbers of constants count unless all that is done with them
    is arithmetic.
    """
    graph = model.graph
    if any(a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for node in graph.node for a in node.attribute):
        return None
    numbers: dict[str, int] = {"": 0}
    telling = set(_telling(graph.node))

    def number(names: Iterable[str]) -> tuple[int, ...]:
        return tuple([numbers.setdefault(name, len(numbers)) for name in names])

    ports = tuple((number([entry.name]), entry.type.SerializeToString()) for entry in graph.input)
    constants = tuple((number([tensor.name]), *_constant(tensor, telling)) for tensor in graph.initializer)
    nodes = tuple(_node(node, number(node.input), number(node.output)) for node in graph.node)
    results = tuple((number([entry.name]), entry.type.SerializeToString()) for entry in graph.output)
    opsets = tuple((entry.domain, entry.version) for entry in model.opset_import)
    return opsets, ports, constants, nodes, results


def _telling(nodes: Iterable[NodeProto]) -> Iterator[str]:
    """The values whose numbers may decide whether a graph is accepted."""
    for node in nodes:
        if node.domain or node.op_type not in _ARITHMETIC:
            yield from node.input


def _constant(tensor: TensorProto, telling: set[str]) -> Form:
    if tensor.name in telling:
        if tensor.data_location == TensorProto.EXTERNAL:
            return (tensor.name,)  # a constant of the program: the same name is the same one
        copy = TensorProto()
        copy.CopyFrom(tensor)
        copy.name = ""
        return (copy.SerializeToString(),)
    return tensor.data_type, tuple(tensor.dims), tensor.data_location


def _node(node: NodeProto, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Form:
    attributes = tuple([attribute.SerializeToString(deterministic=True) for attribute in node.attribute])
    return node.op_type, node.domain, inputs, outputs, attributes
