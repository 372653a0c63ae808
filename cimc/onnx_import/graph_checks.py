"""Puts the nodes of an ONNX graph in order, gives each a name, and checks what every pass relies on."""

from collections.abc import Container, Iterator
from pathlib import Path

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, defs

from dialects.errors import UserError


def domain_of(domain: str) -> str:
    """The name of an operator set's domain, "" for ONNX's own."""
    return "" if domain == "ai.onnx" else domain


def subgraphs(node: NodeProto) -> list[GraphProto]:
    """The bodies of a control flow node."""
    return [g for a in node.attribute for g in ((a.g,) if a.type == AttributeProto.GRAPH else a.graphs)]


def described(node: NodeProto) -> str:
    """A node as messages name it."""
    return f"node {node.name!r} ({node.op_type})"


def name_nodes(graph: GraphProto) -> None:
    """Give nodes without a name that of their first output."""
    for node in graph.node:
        node.name = node.name or next(filter(None, node.output), node.op_type)
        for body in subgraphs(node):
            name_nodes(body)


def sort_nodes(graph: GraphProto) -> None:
    """Put nodes after those whose outputs they use, as ONNX demands and ONNX Runtime does where a file does not.

    Nodes that are in order stay as they are; those on a cycle stay too, for the importer to complain of.
    """
    for node in graph.node:
        for body in subgraphs(node):
            sort_nodes(body)
    makers = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    needs = [[makers[name] for name in _reads(node) if name in makers] for node in graph.node]
    if all(maker < i for i, makers_of_i in enumerate(needs) for maker in makers_of_i):
        return
    order: dict[int, None] = {}
    for first in range(len(needs)):
        _visit(first, needs, order)
    nodes = [NodeProto.FromString(graph.node[i].SerializeToString()) for i in order]
    del graph.node[:]
    graph.node.extend(nodes)


def _visit(first: int, needs: list[list[int]], order: dict[int, None]) -> None:
    """Depth first from one node, without recursion: graphs are thousands of nodes deep."""
    stack, seen = [first], {first}
    while stack:
        node = stack[-1]
        missing = [n for n in needs[node] if n not in order and n not in seen]
        if missing:
            seen.update(missing[:1])
            stack.append(missing[0])
        else:
            order[stack.pop()] = None


def _reads(node: NodeProto) -> Iterator[str]:
    """The names a node uses, in its bodies too."""
    yield from node.input
    for body in subgraphs(node):
        own = {entry.name for entry in (*body.input, *body.initializer)} | {o for n in body.node for o in n.output}
        inner = [name for n in body.node for name in _reads(n)] + [entry.name for entry in body.output]
        yield from (name for name in inner if name not in own)


def check_graph(model: ModelProto, file: Path, constants: Container[str]) -> None:
    """UserError unless names are defined once, and nodes are such as their operator set knows.

    Operators that no operator set of ONNX knows are left alone: emission asks ONNX Runtime about them.
    """
    opsets = {domain_of(entry.domain): entry.version for entry in model.opset_import}
    _check_bodies(model.graph, opsets, file, {entry.name for entry in model.graph.input}, constants)


def _check_bodies(
    graph: GraphProto, opsets: dict[str, int], file: Path, given: set[str], constants: Container[str]
) -> None:
    for node in graph.node:
        _check_node(node, opsets, file)
        for name in filter(None, node.output):
            if name in given or name in constants:
                raise UserError(f"{file}: {described(node)} gives {name!r}, which is given before: expected a new name")
            given.add(name)
        for body in subgraphs(node):
            _check_bodies(body, opsets, file, {entry.name for entry in body.input}, ())


def _check_node(node: NodeProto, opsets: dict[str, int], file: Path) -> None:
    domain = domain_of(node.domain)
    if domain not in opsets:
        raise UserError(
            f"{file}: {described(node)} is of domain {domain or 'ai.onnx'!r}, of which the file imports no operator set"
        )
    if not defs.has(node.op_type, opsets[domain], domain):
        return
    schema = defs.get_schema(node.op_type, opsets[domain], domain)
    for what, count, least, most in (
        ("inputs", len(node.input), schema.min_input, schema.max_input),
        ("outputs", len(node.output), schema.min_output, schema.max_output),
    ):
        if not least <= count <= most:
            expected = f"{least}" if least == most else f"{least} to {most}" if most < 1 << 30 else f"at least {least}"
            raise UserError(f"{file}: {described(node)} has {count} {what}, expected {expected}")
    present = {attribute.name for attribute in node.attribute}
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in present:
            raise UserError(f"{file}: {described(node)} has no attribute {name!r}, which its operator needs")
