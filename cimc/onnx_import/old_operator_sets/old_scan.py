"""`Scan` of operator set 8, which goes over batches, as a `Scan` of 11 over the batch with another inside."""

from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from cimc.onnx_import.old_operator_sets.old_operators import Rewriter


def adapt_scan(new: Rewriter) -> None:
    """Each sequence of the batch is scanned for itself, up to its length; what comes after it is zeros.

    Inputs are lengths (or ""), states `[batch, ...]` and sequences `[batch, steps, ...]`.
    """
    body: GraphProto = new.attribute("body")
    count: int = new.attribute("num_scan_inputs")
    lengths, inputs = new.input(0), list(new.node.input[1:])
    states = len(inputs) - count
    directions = [int(d) for d in new.attribute("directions", [0] * count)]
    entries = [*body.input]
    if len(entries) != len(inputs) or states < 0:
        given = f"has {len(inputs)} states and sequences, and a body of {len(entries)} inputs"
        raise new.refuse(f"{given}: expected as many, {count} of them sequences")
    outer, inner_inputs = list(new.nodes), [new.names.fresh(f"{entry.name} of a sequence") for entry in entries]
    new.nodes = []
    length = new.names.fresh(f"{new.node.output[0]} length")
    sequences = inner_inputs[states:]
    if lengths:
        ends = new.op("Reshape", [length, new.integers([1])])
        sequences = [new.op("Slice", [name, new.integers([0]), ends, new.integers([0])]) for name in sequences]
    results = [new.names.fresh(f"{entry.name} of a sequence") for entry in body.output]
    settings = {"body": body, "num_scan_inputs": count, "scan_input_directions": directions}
    new.op("Scan", [*inner_inputs[:states], *sequences], results, **settings)
    if lengths:
        stacked = list(zip(results, body.output))[states:]
        results[states:] = [_filled(new, name, inner_inputs[states], entry) for name, entry in stacked]
    given = [_entry(name, entry) for name, entry in zip(inner_inputs, entries)]
    if lengths:
        given.insert(0, _value(length, new.elements.get(lengths, TensorProto.INT64)))
    outputs = [_entry(name, entry) for name, entry in zip(results, body.output)]
    wrapped = helper.make_graph(new.nodes, "sequence", given, outputs)
    new.nodes = outer
    over = [*([lengths] if lengths else []), *inputs]
    new.op("Scan", over, new.node.output, body=wrapped, num_scan_inputs=len(over))


def _filled(new: Rewriter, y: str, sequence: str, entry: ValueInfoProto) -> str:
    """`y` followed by zeros, as many as there are steps in the whole `sequence`."""
    element = entry.type.tensor_type.elem_type
    first, axis, end = new.integers([0]), new.integers([1]), new.integers([1 << 31])
    steps = [new.op("Slice", [new.op("Shape", [name]), first, axis]) for name in (sequence, y)]
    rest = new.op("Slice", [new.op("Shape", [y]), axis, end])
    shape = new.op("Concat", [new.op("Sub", steps), rest], axis=0)
    zeros = new.op("ConstantOfShape", [shape], value=helper.make_tensor("zero", element, [1], [0]))
    return new.op("Concat", [y, zeros], axis=0)


def _entry(name: str, entry: ValueInfoProto) -> ValueInfoProto:
    """A value of the outer body: the type of the inner one's, and a shape that is left open."""
    return _value(name, entry.type.tensor_type.elem_type)


def _value(name: str, element: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element, None)
