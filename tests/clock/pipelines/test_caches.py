"""Keys and values from token to token."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import load_model_from_string

from cimc.clock.pipelines.caches import recurrences_of
from cimc.clock.pipelines.pipelined import modulo_schedule
from cimc.clock.steps import steps_of
from cimc.compiler import Options, compile_network
from cimc.program.port_names import cache_pairs

CACHE = """g (float[1,n,4] x, float[1,m,4] past_key_0) => (float[1,k,4] present_key_0, float[1,n,4] y) {
    p = MatMul(x, w)
    q = MatMul(p, v)
    r = MatMul(q, u)
    a = MatMul(r, t)
    seen = Shape(past_key_0)
    old = Relu(past_key_0)
    present_key_0 = Concat <axis = 1> (old, a)
    total = Cast <to = 1> (seen)
    s = ReduceSum(total)
    b = Mul(a, s)
    y = MatMul(b, v)
}"""


def test_readers_wait_for_what_makes_it(onnx_file: Callable[..., Path]) -> None:
    """The next token's first operator begins only then, though nothing else keeps it from beginning at once."""
    weights = {name: np.eye(4, dtype=np.float32) for name in "wvut"}
    program = compile_network(onnx_file(CACHE, weights), Options(chip="tiny-4", measure=False)).program
    steps = steps_of(program)
    names = {
        step: node.op_type
        for number, kernel in enumerate(program.kernels)
        for node, step in zip(
            load_model_from_string(kernel.model).graph.node, steps.of_node.of(number).tolist(), strict=True
        )
    }
    recurrences = recurrences_of(steps, cache_pairs(program.inputs, program.outputs))
    assert [(names[maker], names[reader]) for maker, reader in recurrences] == [("Concat", "Relu")]
    modulo = modulo_schedule(steps, 100)
    ((maker, reader),) = recurrences
    ready = modulo.starts[maker] + steps.duration[maker] - modulo.interval
    assert modulo.starts[reader] >= ready > 0
