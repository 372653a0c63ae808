"""What nodes need, by the graph of their kernel."""

from onnx import parser

from cimc.clock.operator_needs import kernel_needs

KERNEL = """<ir_version: 8, opset_import: ["" : 17]> g (float[2] v3, float[2] v4, bool v5)
    => (float[2] v6, float[2] v7, float[2] v8, float[2] v9) <float[1] constant0 = {1}> {
    a = Neg(v3)
    v6 = Add(a, v4)
    v7 = Mul(constant0, constant0)
    v8 = If(v5) <then_branch = t () => (float[2] x) { x = Add(a, v7) },
        else_branch = f () => (float[2] y) { y = Neg(v4) }>
}"""


def test_nodes_need_what_they_and_their_bodies_read() -> None:
    needs = kernel_needs(parser.parse_model(KERNEL).SerializeToString(), (3, 4, 5), (6, 7, 8, 3))
    assert needs.nodes == [((), (3,)), ((0,), (4,)), ((), ()), ((0, 2), (4, 5))]
    assert needs.outputs == {6: ((1,), ()), 7: ((2,), ()), 8: ((3,), ()), 3: ((), (3,))}
