"""Puts the nodes of an ONNX graph in order, gives each a name, and checks what every pass relies on."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto

from cimc.onnx_import.node_checks import check_node, described
from cimc.program.onnx_models.fatal_nodes import fatal_node
from dialects.errors import UserError


def domain_of(domain: str) -> str:
    """The name of an operator set's domain, "" for ONNX's own."""
    return "" if domain == "ai.onnx" else domain


def subgraphs(node: NodeProto) -> list[GraphProto]:
    """The bodies of a control flow node."""
    return [g for a in node.attribute for g in ((a.g,) if a.type == AttributeProto.GRAPH else a.graphs)]


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


def check_graph(model: ModelProto, file: Path, constants: Collection[str]) -> None:
    """UserError unless nodes are such as `check_nodes` wants them, and none ends the process."""
    fatal = fatal_node(model)
    if fatal is not None:
        raise UserError(f"{file}: {fatal}")
    check_nodes(model, file, constants)


def check_nodes(model: ModelProto, file: Path, constants: Collection[str]) -> None:
    """UserError unless names are defined once, and nodes are such as their operator set knows.

    Operators that no operator set of ONNX knows are left alone: emission asks ONNX Runtime about them.
    """
    opsets: dict[str, int] = {}
    for entry in model.opset_import:
        if entry.version < 0:
            imported = f"{file}: domain {entry.domain!r} is imported in version {entry.version}"
            raise UserError(f"{imported}: expected 0 or more")
        if opsets.setdefault(entry.domain, entry.version) != entry.version:
            name, versions = entry.domain or "ai.onnx", f"{opsets[entry.domain]} and {entry.version}"
            raise UserError(f"{file}: domain {name!r} is imported in versions {versions}: expected one")
    given = {entry.name for entry in model.graph.input}
    _check_bodies(model.graph, opsets, file, given, constants, ())


def check_names(graph: GraphProto, file: Path) -> None:
    """UserError unless inputs, initializers and outputs of a graph have names, each its own."""
    sparse = (entry.values.name for entry in graph.sparse_initializer)
    for role, names in (
        ("input", [entry.name for entry in graph.input]),
        ("initializer", [*(entry.name for entry in graph.initializer), *sparse]),
        ("output", [entry.name for entry in graph.output]),
    ):
        seen: set[str] = set()
        for name in names:
            if not name:
                raise UserError(f"{file}: an {role} has no name: expected one for every {role}")
            if name in seen:
                raise UserError(f"{file}: {role} {name!r} is there more than once: expected a name for each")
            seen.add(name)


def _check_bodies(
    graph: GraphProto,
    opsets: dict[str, int],
    file: Path,
    given: set[str],
    constants: Collection[str],
    around: Sequence[Collection[str]],
) -> None:
    """Nodes and bodies of a graph with these inputs and constants; `around` are the names given outside of it."""
    visible = (given, constants, *around)
    for node in graph.node:
        check_node(node, opsets, file)
        outputs = [name for name in node.output if name]
        for name in outputs:
            if name in given or name in constants or outputs.count(name) > 1:
                raise UserError(f"{file}: {described(node)} gives {name!r}, which is given before: expected a new name")
        for name in filter(None, node.input):
            if not any(name in names for names in visible):
                missing = f"uses {name!r}, which is given by no node, input or initializer before it"
                raise UserError(f"{file}: {described(node)} {missing}")
        for body in subgraphs(node):
            check_names(body, file)
            own = {tensor.name for tensor in body.initializer} | {s.values.name for s in body.sparse_initializer}
            _check_bodies(body, opsets, file, {entry.name for entry in body.input}, own, visible)
        given.update(outputs)
