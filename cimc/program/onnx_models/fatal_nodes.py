"""Nodes that ONNX Runtime does not refuse but dies of: they are refused before it sees them.

Found by running every case of ONNX's own suite with inputs left out and attributes changed.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, defs, numpy_helper

from cimc.program.onnx_models.inference import FATAL_SHAPES, all_nodes, first_fatal, may_end_the_process

_VARIADIC = {("com.microsoft", "QLinearConcat"): 2, ("com.microsoft", "IsAllFinite"): 0}
"""From which input on an operator takes any number of them; ONNX tells this of its own operators."""
_NOT_NEGATIVE = {"GatherND": "batch_dims"}


def fatal_node(model: ModelProto) -> str | None:
    """What is wrong with the first such node, at any depth: `node 'a' (Max) leaves out input 2, ...`."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    numbers = _numbers(model)
    reasons = (reason for node in all_nodes(nodes) if (reason := _described(node, numbers)) is not None)
    return next(reasons, None)


def _numbers(model: ModelProto) -> dict[str, int]:
    """The single integers among the initializers."""
    numbers: dict[str, int] = {}
    for tensor in model.graph.initializer:
        inside = tensor.data_location != TensorProto.EXTERNAL
        if inside and tensor.data_type in (TensorProto.INT32, TensorProto.INT64) and math.prod(tensor.dims) == 1:
            try:
                numbers[str(tensor.name)] = int(numpy_helper.to_array(tensor).reshape(()))
            except (ValueError, TypeError):
                continue  # damaged: ONNX Runtime refuses it
    return numbers


def fatal_kernel(kernels: Sequence[ModelProto]) -> tuple[int, str] | None:
    """The first of a program's kernels that must not be loaded, for a node or its shapes, and why."""
    for number, kernel in enumerate(kernels):
        reason = fatal_node(kernel)
        if reason is not None:
            return number, reason
    risky = [number for number, kernel in enumerate(kernels) if may_end_the_process(kernel)]
    dead = _first_fatal(tuple(kernels[number].SerializeToString(deterministic=True) for number in risky))
    return None if dead is None else (risky[dead], FATAL_SHAPES)


_first_fatal = lru_cache(maxsize=8)(first_fatal)
"""Programs are verified several times: when they are made, when they are read, when a machine is."""


def _described(node: NodeProto, numbers: Mapping[str, int]) -> str | None:
    wrong = _wrong(node, numbers)
    return wrong and f"node {node.name or next(iter(node.output), '')!r} ({node.op_type}) {wrong}"


def _wrong(node: NodeProto, numbers: Mapping[str, int]) -> str | None:
    """What is wrong with a node, without its name."""
    op_type, domain = str(node.op_type), "" if node.domain == "ai.onnx" else str(node.domain)
    if "" in node.input:
        first = _first_variadic(domain, op_type)
        for number, name in enumerate(node.input):
            if not name and number >= first:
                return f"leaves out input {number + 1}, which its operator needs"
    if domain:
        return None
    if op_type == "DFT" and node.input and not node.input[-1]:
        return "leaves out its last input: expected fewer inputs"
    if op_type == "STFT":
        for name in node.input[1:4:2]:
            if numbers.get(name, 1) < 1:
                return f"has steps or frames of {numbers[name]}: expected a number from 1 on"
    if op_type == "TfIdfVectorizer":
        return _ngrams(node)
    for attribute in node.attribute if op_type in _NOT_NEGATIVE else ():
        if attribute.name == _NOT_NEGATIVE[op_type] and attribute.i < 0:
            return f"has {attribute.name} = {attribute.i}: expected a number from 0 on"
    return None


def _ngrams(node: NodeProto) -> str | None:
    """The places of a TfIdfVectorizer are fewer than its n-grams: of each length, those from one count to the next."""
    settings = {attribute.name: attribute for attribute in node.attribute}
    pools = (settings.get("pool_int64s", AttributeProto()).ints, settings.get("pool_strings", AttributeProto()).strings)
    edges = [*settings.get("ngram_counts", AttributeProto()).ints, max(map(len, pools))]
    grams = sum(max(0, last - first) // (n + 1) for n, (first, last) in enumerate(pairwise(edges)))
    places = len(settings.get("ngram_indexes", AttributeProto()).ints)
    return f"has {grams} n-grams and places for {places}" if places < grams else None


@cache
def _first_variadic(domain: str, op_type: str) -> int:
    """From which input on an operator takes any number of inputs, none of which may be left out."""
    if not defs.has(op_type, domain):
        return _VARIADIC.get((domain, op_type), _NEVER)
    options = [parameter.option for parameter in defs.get_schema(op_type, domain=domain).inputs]
    variadic = defs.OpSchema.FormalParameterOption.Variadic
    return options.index(variadic) if variadic in options else _NEVER


_NEVER = 1 << 30
