"""Folding permutations: any chain of them means the same afterwards and executes no more of them than before."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import BLOCK_DIAGONAL, BlockDiagonalAttr
from dialects.cim import PermuteOp, weight_op
from dialects.element_types import Array
from dialects.network import Network, main_block
from dialects.notes import permutations_before_folding
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore, store_of
from passes.fold_permutations.fold_permutations import FoldPermutationsPass

SIZE = 6
KIND = f"tensor<?x{SIZE}xf32>"
STEPS = ("permute", "swap", "dense", "blocks", "wide", "bias", "scale", "activation", "again", "sums")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(STEPS), min_size=2, max_size=8), st.integers(0, 2**32 - 1))
def test_chains(steps: list[str], seed: int) -> None:
    """Numbers are small integers, so that no order of additions shows."""
    rng = np.random.default_rng(seed)
    ctx = make_context(WeightStore())
    weights: dict[str, tuple[Array, BlockDiagonalAttr | None]] = {}
    lines = ["%axis = cim.constant dense<1> : tensor<i64>"]
    value, before = "%x", 0
    for i, step in enumerate(steps):
        name, new = f"s{i}", f"%v{i}"
        line = ""
        if step in ("permute", "swap"):
            order = rng.permutation(SIZE) if step == "permute" else np.arange(SIZE).reshape(2, 3)[::-1].reshape(-1)
            weights[name] = order.astype(np.int64), None
            line = f"cim.permute {value}, @{name} : {KIND} -> {KIND}"
            before += 1
        elif step in ("dense", "blocks", "wide", "again"):
            shape = {"dense": (SIZE, SIZE), "blocks": (2, 3, 3), "wide": (3, 2, 2)}.get(step)
            name = name if shape is not None else next((n for n, (a, _) in weights.items() if a.ndim > 1), "")
            if not name:
                continue
            if shape is not None:
                structure = None if len(shape) == 2 else BlockDiagonalAttr.of(shape, BLOCK_DIAGONAL)
                weights[name] = rng.integers(-1, 2, shape).astype(np.float32), structure
            line = f"cim.matmul {value}, @{name} : {KIND} -> {KIND}"
        elif step in ("bias", "scale"):
            numbers = ", ".join(f"{n}.0" for n in rng.integers(-2, 3, SIZE))
            lines.append(f"%c{i} = cim.constant dense<[{numbers}]> : tensor<{SIZE}xf32>")
            kind = "Add" if step == "bias" else "Mul"
            line = f'cim.digital "{kind}"({value}, %c{i}) : ({KIND}, tensor<{SIZE}xf32>) -> {KIND}'
        else:
            operands, kinds = ("", "") if step == "activation" else (", %axis", ", tensor<i64>")
            kind = "Relu" if step == "activation" else "CumSum"
            line = f'cim.digital "{kind}"({value}{operands}) : ({KIND}{kinds}) -> {KIND}'
        lines.append(f"{new} = {line}")
        value = new
    body = "\n".join(lines)
    text = f'func.func @main(%x: {KIND} {{cim.name = "x"}}) -> {KIND} {{\n{body}\nfunc.return {value} : {KIND}\n}}'
    module = Parser(ctx, text).parse_module()
    for name, (array, structure) in weights.items():
        Network.of(ctx, module).add_weight(weight_op(name, array, store_of(ctx), structure=structure))
    x = rng.integers(-2, 3, (3, SIZE)).astype(np.float32)
    (expected,) = run_graph(network_model(Network.of(ctx, module)), {"x": x}).values()
    FoldPermutationsPass().apply(ctx, module)
    module.verify()
    (found,) = run_graph(network_model(Network.of(ctx, module)), {"x": x}).values()
    np.testing.assert_array_equal(found, expected)
    permutes = [op for op in main_block(module).ops if isinstance(op, PermuteOp)]
    assert len(permutes) <= before
    assert permutations_before_folding(module) == before
    assert not any(isinstance(op.x.owner, PermuteOp) for op in permutes)
