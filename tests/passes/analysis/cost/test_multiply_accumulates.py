"""Multiply-accumulates, against the loops that they count."""

import pytest

from passes.analysis.cost.multiply_accumulates import (
    COUNTED,
    Shapes,
    multiply_accumulates,
    weight_multiply_accumulates,
    weight_operands,
)

CASES: list[tuple[str, Shapes, Shapes, int]] = [
    ("MatMul", [(2, 3, 5), (2, 5, 7)], [(2, 3, 7)], 2 * 3 * 5 * 7),
    ("MatMul", [(5,), (5, 7)], [(7,)], 5 * 7),
    ("MatMulInteger", [(3, 5), (5, 7)], [(3, 7)], 3 * 5 * 7),
    ("QLinearMatMul", [(3, 5), (), (), (5, 7), (), (), (), ()], [(3, 7)], 3 * 5 * 7),
    ("Gemm", [(5, 3), (5, 7), (7,)], [(3, 7)], 3 * 5 * 7),  # transA
    ("Gemm", [(0, 5), (5, 7)], [(0, 7)], 0),
    ("Conv", [(1, 6, 8, 8), (4, 3, 3, 3)], [(1, 4, 6, 6)], 4 * 36 * 27),  # two groups
    ("ConvInteger", [(1, 3, 8), (4, 3, 3)], [(1, 4, 6)], 4 * 6 * 9),
    ("QLinearConv", [(1, 3, 8), (), (), (4, 3, 3), (), (), (), ()], [(1, 4, 6)], 4 * 6 * 9),
    ("ConvTranspose", [(1, 3, 6), (3, 4, 3)], [(1, 4, 8)], 3 * 6 * 4 * 3),
    ("Attention", [(1, 2, 3, 5), (1, 2, 7, 5), (1, 2, 7, 4)], [(1, 2, 3, 4)], 2 * 3 * 7 * (5 + 4)),
    ("Attention", [(1, 1, 10), (1, 1, 10), (1, 1, 10), (0,), (1, 2, 6, 5)], [(1, 1, 10)], 2 * 10 * 7),
    ("Attention", [(1, 10), (1, 10), (1, 10), (0,), (6, 10)], [(1, 10)], 2 * 10 * 7),
    ("Attention", [(1, 10), (1, 10), (1, 10), (0,), (6,)], [(1, 10)], 2 * 10 * 1),  # no keys: a rank that tells none
    ("MultiHeadAttention", [(1, 3, 10), (1, 7, 10), (1, 7, 10)], [(1, 3, 10)], 2 * 3 * 10 * 7),
    ("MultiHeadAttention", [(1, 3, 2, 3, 5)], [(1, 3, 10)], 2 * 3 * 10 * 3),  # queries, keys and values in one
    ("MultiHeadAttention", [(1, 3, 10), (1, 7, 2, 2, 5)], [(1, 3, 10)], 2 * 3 * 10 * 7),  # keys and values in one
    *((name, [(3, 5), (5, 7)], [(3, 7)], 3 * 5 * 7) for name in ("MatMulIntegerToFloat", "GemmFastGelu", "FusedGemm")),
    ("MoE", [(3, 5), (3, 4), (4, 9, 5), (0,), (4, 5, 9)], [(3, 5)], 3 * (9 * 5 + 5 * 9)),
    ("QMoE", [(3, 5), (3, 4), (4, 9, 5), (4, 9), (0,), (4, 5, 9)], [(3, 5)], 3 * (9 * 5 + 5 * 9)),
    *((name, [(3, 5), (5, 7)], [(3, 7)], 3 * 5 * 7) for name in ("DynamicQuantizeMatMul", "MatMulBnb4")),
    ("FusedMatMul", [(2, 5, 3), (5, 7)], [(2, 3, 7)], 2 * 3 * 5 * 7),  # transA
    ("FusedMatMul", [(5,), (5, 7)], [(7,)], 5 * 7),
    ("FusedMatMul", [(0, 5), (5, 7)], [(0, 7)], 0),
    ("MatMulNBits", [(2, 3, 64), (7, 2, 16), (14,)], [(2, 3, 7)], 2 * 3 * 64 * 7),  # packed by halves of bytes
    ("QGemm", [(5, 3), (), (), (5, 7), (), (), (7,)], [(3, 7)], 3 * 5 * 7),
    ("FusedConv", [(1, 6, 8, 8), (4, 3, 3, 3)], [(1, 4, 6, 6)], 4 * 36 * 27),
    ("LSTM", [(9, 2, 5), (1, 24, 5), (1, 24, 6)], [(9, 1, 2, 6)], 9 * 2 * (24 * 5 + 24 * 6)),
    ("DynamicQuantizeLSTM", [(9, 2, 5), (2, 5, 24), (2, 6, 24)], [(9, 2, 2, 6)], 9 * 2 * 2 * (24 * 5 + 24 * 6)),
    ("RNN", [(9, 2, 5), (1, 6, 5), (1, 6, 6)], [(9, 1, 2, 6)], 9 * 2 * (6 * 5 + 6 * 6)),
    ("DeformConv", [(1, 3, 8, 8), (4, 3, 3, 3), (1, 18, 6, 6)], [(1, 4, 6, 6)], 4 * 36 * 27),
    ("GRU", [(2, 9, 5), (1, 18, 5), (1, 18, 6)], [(0,), (1, 2, 6)], 9 * 2 * (18 * 5 + 18 * 6)),
    ("QAttention", [(1, 3, 8), (8, 30)], [(1, 3, 10)], 3 * 8 * 30 + 2 * 3 * 10 * 3),
    ("GroupQueryAttention", [(1, 1, 10), (1, 1, 4), (1, 1, 4), (1, 2, 6, 2)], [(1, 1, 10)], 2 * 10 * 7),
    ("GroupQueryAttention", [(1, 3, 18), (0,), (0,), (1, 2, 6, 2)], [(1, 3, 10)], 2 * 3 * 10 * 9),  # all in one
]


@pytest.mark.parametrize(("operator", "inputs", "outputs", "count"), CASES)
def test_counts(operator: str, inputs: Shapes, outputs: Shapes, count: int):
    assert multiply_accumulates(operator, inputs, outputs) == count


@pytest.mark.parametrize(
    ("equation", "inputs", "count"),
    [
        ("bij, bjk -> bik", [(2, 3, 5), (2, 5, 7)], 2 * 3 * 5 * 7),
        ("bij,bjk", [(2, 3, 5), (2, 5, 7)], 2 * 3 * 5 * 7),
        ("...ij,...jk->...ik", [(2, 4, 3, 5), (4, 5, 7)], 2 * 4 * 3 * 5 * 7),
        ("i...,i->i...", [(3, 2, 1), (3,)], 6),
        ("ij->ji", [(3, 4)], 12),
    ],
)
def test_einsum(equation: str, inputs: Shapes, count: int):
    assert multiply_accumulates("Einsum", inputs, [], equation) == count


def test_the_runtime_s_own_attention_multiplies_by_its_weights_as_well():
    inputs = [(1, 3, 8), (8, 30), (30,), (0,), (2, 1, 2, 6, 5)]
    count = multiply_accumulates("Attention", inputs, [(1, 3, 10)], domain="com.microsoft")
    assert count == 3 * 8 * 30 + 2 * 3 * 10 * 9


def test_of_attention_the_projection_alone_is_by_weights():
    shapes: tuple[Shapes, Shapes] = [(1, 3, 8), (8, 30)], [(1, 3, 10)]
    assert weight_multiply_accumulates("QAttention", *shapes) == 3 * 8 * 30
    assert weight_multiply_accumulates("Attention", *shapes, domain="com.microsoft") == 3 * 8 * 30
    assert weight_multiply_accumulates("MatMul", [(3, 5), (5, 7)], [(3, 7)]) == 3 * 5 * 7


@pytest.mark.parametrize(
    ("operator", "domain", "count", "operands"),
    [
        ("MatMul", "", 2, (0, 1)),
        ("QLinearConv", "", 8, (3,)),
        ("GRU", "", 6, (1, 2)),
        ("Einsum", "", 3, (0, 1, 2)),
        ("Attention", "com.microsoft", 3, (1,)),
        ("Attention", "", 3, ()),
        ("Add", "", 2, ()),
        ("QGemm", "com.microsoft", 2, (0,)),
    ],
)
def test_where_weights_stand(operator: str, domain: str, count: int, operands: tuple[int, ...]):
    assert weight_operands(operator, domain, count) == operands


@pytest.mark.parametrize("operator", [name for name in COUNTED if name != "Einsum"])
def test_dimensions_of_a_tensor_of_unknown_rank_count_as_one(operator: str):
    assert multiply_accumulates(operator, [()] * 8, [()]) in (1, 2, 3)
    assert multiply_accumulates(operator, [(1, 1, 1)], [()]) in (1, 2, 3)


def test_einsum_of_unknown_rank():
    assert multiply_accumulates("Einsum", [(), (2, 5, 7)], [()], "bij,bjk->bik") == 2 * 5 * 7
    assert multiply_accumulates("Einsum", [(), (5, 7)], [()], "...ij,jk") == 5 * 7


def test_every_operator_is_tried():
    assert {operator for operator, *_ in CASES} | {"Einsum"} == set(COUNTED)
