"""Tensors are found wherever ONNX may hold one; calls of functions are counted without expanding them."""

import pytest
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto, parser

from cimc.program.onnx_models.walk import expanded_nodes, location_of, tensors_of


def holding(number: int) -> NodeProto:
    """A node with a tensor in every kind of attribute, named after `number`; the attributes say no type."""
    tensors = [TensorProto(name=f"{number}.{i}") for i in range(8)]
    body = GraphProto(
        initializer=tensors[2:3],
        sparse_initializer=[SparseTensorProto(values=tensors[3], indices=tensors[4])],
        node=[NodeProto(attribute=[AttributeProto(name="t", t=tensors[5])])],
    )
    sparse = SparseTensorProto(values=tensors[6])
    return NodeProto(
        attribute=[
            AttributeProto(name="t", t=tensors[0]),
            AttributeProto(name="ts", tensors=[tensors[1]]),
            AttributeProto(name="g", g=body),
            AttributeProto(name="s", sparse_tensor=sparse),
            AttributeProto(name="gs", graphs=[GraphProto(initializer=[tensors[7]])]),
        ]
    )


def test_tensors_at_any_depth() -> None:
    model = ModelProto()
    model.graph.node.append(holding(0))
    model.functions.add().node.append(holding(1))
    model.functions.add().attribute_proto.append(AttributeProto(name="default", t=TensorProto(name="default")))
    model.training_info.add().algorithm.node.append(holding(2))
    model.training_info.add().initialization.initializer.add().name = "first"
    expected = {f"{i}.{j}" for i in range(3) for j in range(8)} | {"default", "first"}
    assert sorted(tensor.name for tensor in tensors_of(model)) == sorted(expected)


def test_where_numbers_are() -> None:
    assert location_of(TensorProto(raw_data=b"1")) is None
    assert location_of(TensorProto(data_location=TensorProto.EXTERNAL)) == ""
    entry = TensorProto()
    entry.external_data.add(key="length", value="4")
    assert location_of(entry) == ""
    entry.external_data.add(key="location", value="file")
    assert location_of(entry) == "file"


def calling(depth: int, calls: int) -> ModelProto:
    """Functions f0 to f<depth>, each of which calls the one before so many times."""
    opsets = 'opset_import: ["" : 17, "own" : 1]'
    functions = [f'<domain: "own", {opsets}> f0 (a) => (b) {{ b = Abs(a) }}']
    for number in range(1, depth + 1):
        body = " ".join(f"b{i} = own.f{number - 1}(a)" for i in range(calls))
        functions.append(f'<domain: "own", {opsets}> f{number} (a) => (b0) {{ {body} }}')
    graph = f"g (float[n] x) => (float[n] y) {{ z = own.f{depth}(x) y = Neg(z) }}"
    return parser.parse_model(f"<ir_version: 8, {opsets}> {graph} " + " ".join(functions))


def test_nodes_of_functions() -> None:
    assert expanded_nodes(calling(0, 1)) == 2
    assert expanded_nodes(calling(3, 2)) == 9
    assert expanded_nodes(calling(90, 2)) == (1 << 90) + 1
    assert expanded_nodes(calling(30_000, 1)) == 2


def test_functions_may_come_before_those_that_they_call() -> None:
    model = calling(3, 2)
    functions = [*model.functions]
    del model.functions[:]
    model.functions.extend(reversed(functions))
    assert expanded_nodes(model) == 9


@pytest.mark.parametrize(("domain", "called"), [("", "ai.onnx"), ("ai.onnx", ""), ("ai.onnx", "ai.onnx")])
def test_both_names_of_the_domain_of_onnx(domain: str, called: str) -> None:
    model = calling(1, 3)
    for function in model.functions:
        function.domain = domain
    for node in (*model.functions[1].node, model.graph.node[0]):
        node.domain = called
    assert expanded_nodes(model) == 4


def test_a_function_of_another_domain_is_not_called() -> None:
    model = calling(1, 3)
    model.graph.node[0].domain = "ai.onnx"
    assert expanded_nodes(model) == 2


def test_nodes_of_bodies_count() -> None:
    model = calling(1, 3)
    body = GraphProto(node=[NodeProto(op_type="f1", domain="own")])
    model.graph.node.append(NodeProto(op_type="If", attribute=[AttributeProto(name="then_branch", g=body)]))
    assert expanded_nodes(model) == 8


def test_functions_that_call_themselves() -> None:
    model = calling(2, 1)
    model.functions[0].node[0].op_type, model.functions[0].node[0].domain = "f2", "own"
    with pytest.raises(ValueError, match=r"^function 'f\d' calls itself$"):
        expanded_nodes(model)
