"""Sizes of attention heads that an exporter left open: onnxruntime-genai's builder calls them `kv_cache_dim`."""

from onnx import GraphProto, NodeProto

_PAST = slice(3, 5)
"""The caches of keys and values among the inputs of GroupQueryAttention."""


def fix_head_sizes(graph: GraphProto) -> None:
    """Give dimensions of caches the size of a head, which follows from the weights that make the queries.

    A cache that is quantised has another size, and stays open.
    """
    sizes: dict[str, int] = {}
    inputs = {entry.name: entry.type.tensor_type.shape.dim for entry in graph.input}
    for node in graph.node:
        size = _head_size(node, graph) if node.op_type == "GroupQueryAttention" else 0
        for name in node.input[_PAST] if size else ():
            dims = inputs.get(name, ())
            if len(dims) == 4 and dims[3].dim_param:
                sizes[dims[3].dim_param] = size
    for entry in (*graph.input, *graph.output, *graph.value_info) if sizes else ():
        for dim in entry.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]


def _head_size(node: NodeProto, graph: GraphProto) -> int:
    """The size of a head of a GroupQueryAttention; 0 if it does not follow from a weight."""
    settings = {attribute.name: attribute for attribute in node.attribute}
    heads, groups = (settings[name].i if name in settings else 0 for name in ("num_heads", "kv_num_heads"))
    if len(node.input) < 5 or not heads or any(name.endswith("_quant_type") for name in settings):
        return 0
    count = heads if node.input[1] else heads + 2 * groups  # keys and values are packed behind the queries
    width = _width(node.input[0], graph)
    return width // count if width % count == 0 else 0


def _width(name: str, graph: GraphProto) -> int:
    """The columns of a value that is a product with a weight, to which a bias may have been added; 0 for any other."""
    made = {output: node for node in graph.node for output in node.output}
    weights = {tensor.name: tensor.dims for tensor in graph.initializer}
    producer = made.get(name)
    if producer is not None and producer.op_type == "Add":
        producer = next((made[operand] for operand in producer.input if operand in made), None)
    if producer is None or producer.op_type != "MatMul" or len(weights.get(producer.input[1], ())) != 2:
        return 0
    return weights[producer.input[1]][1]
