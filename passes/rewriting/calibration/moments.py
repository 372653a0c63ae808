"""Second moments of what multiplications multiply, on calibration inputs.

The graph reckons them itself, so vectors, of which there are many, come and go inside of it as those of any run do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, TensorProto, helper, numpy_helper
from xdsl.ir import Operation, SSAValue

from dialects.network import Network
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from dialects.semantics.outlined import Later, OutlinedModel
from passes.rewriting.calibration.activations import LARGEST, activations, calibration_inputs, not_run

Doubles = npt.NDArray[np.float64]
Key = TypeVar("Key")

KEPT = 1 << 30
"""Bytes of second moments that one run may have at a time; one is allowed always."""


@dataclass(frozen=True)
class Vectors:
    """The vectors of some values [..., blocks * size], each of so many blocks."""

    values: Sequence[SSAValue]
    size: int
    blocks: int = 1

    @property
    def key(self) -> tuple[SSAValue | int, ...]:
        """What their second moments depend on."""
        return *self.values, self.size, self.blocks


def second_moments(network: Network, wanted: Mapping[Key, Vectors], file: str) -> Iterator[tuple[Key, Doubles]]:
    """`x^T x / n` of the n vectors x of each, by blocks: float64 [blocks, size, size].

    They come a gigabyte at a time, those of the same vectors as the same array: each time the network runs up to the
    last value that is asked for, so it must stay as it is until all have come. UserError as from `activations`.
    """
    arrays = calibration_inputs(file, [port.name for _, port in network.inputs])
    for keys in _together(wanted):
        sums = _Sums(network)
        for key in keys:
            for value in wanted[key].values:
                sums.add(value, wanted[key])
        try:
            outputs = run_graph(sums.model(), arrays)
        except GraphError as error:
            raise not_run(error, file) from error
        means: dict[tuple[SSAValue | int, ...], Doubles] = {}
        for vectors in map(wanted.__getitem__, keys):
            if vectors.key not in means:
                taken = [sums.taken(value, vectors, outputs) for value in vectors.values]
                means[vectors.key] = _mean(taken, network, file)
        del outputs
        for key in keys:
            yield key, means[wanted[key].key]


def _together(wanted: Mapping[Key, Vectors]) -> Iterator[list[Key]]:
    """The keys, in order, as many at a time as one run may have."""
    keys, total, known = list[Key](), 0, set[SSAValue]()
    for key, vectors in wanted.items():
        nbytes = 8 * vectors.blocks * vectors.size**2 * len(set(vectors.values) - known)
        if keys and total + nbytes > KEPT:
            yield keys
            keys, total, known = [], 0, set[SSAValue]()
        keys.append(key)
        total += nbytes
        known.update(vectors.values)
    if keys:
        yield keys


def _mean(sums: Sequence[tuple[SSAValue, npt.NDArray[np.float64], int]], network: Network, file: str) -> Doubles:
    """The mean over the vectors of some values; UserError where there are none, or they have numbers out of range."""
    for value, total, count in sums:
        if not count or not total.max(initial=0) < LARGEST**2:
            activations(network, [value], file)  # which says what is wrong, and where
    count = sum(count for _, _, count in sums)
    assert count, "vectors, or an error"
    return np.sum([total for _, total, _ in sums], axis=0) / count


class _Sums:
    """A graph that adds up `x^T x` of values, once for each way to cut them into blocks."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._asked: dict[tuple[SSAValue, int, int], tuple[str, str]] = {}

    def add(self, value: SSAValue, vectors: Vectors) -> None:
        """Ask for the sum of a value."""
        number = len(self._asked)
        self._asked.setdefault((value, vectors.blocks, vectors.size), (f"moment {number}", f"vectors {number}"))

    def model(self) -> OutlinedModel:
        """What reckons them: the operations that they need, and no others."""
        later: dict[str, Later] = {}
        writer = GraphWriter(self.network, later=later)
        needed = _needed(self.network.body, {value for value, *_ in self._asked})
        proto = writer.model(needed, self.network.inputs, [])
        for (value, *blocks), (moment, count) in self._asked.items():
            _write(proto.graph, writer.name(value), blocks, moment, count)
        return OutlinedModel(proto, later)

    def taken(
        self, value: SSAValue, vectors: Vectors, outputs: Mapping[str, npt.NDArray[np.float64]]
    ) -> tuple[SSAValue, Doubles, int]:
        """The value, its sum [blocks, size, size], and the number of vectors in it."""
        moment, count = self._asked[value, vectors.blocks, vectors.size]
        return value, outputs[moment], int(outputs[count])


def _write(graph: GraphProto, value: str, blocks: Sequence[int], moment: str, count: str) -> None:
    """Nodes from a value to its sum and to the number of its vectors, which are new outputs."""

    wide, cut, left, right = (f"{moment}: {part}" for part in ("wide", "cut", "left", "right"))
    shape, first, size = (f"{moment}: {part}" for part in ("shape", "first", "size"))
    graph.initializer.append(numpy_helper.from_array(np.array([-1, *blocks], np.int64), shape))
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.int64), first))
    graph.node.extend(
        [
            helper.make_node("Cast", [value], [wide], to=TensorProto.DOUBLE),
            helper.make_node("Reshape", [wide, shape], [cut]),
            helper.make_node("Transpose", [cut], [left], perm=[1, 2, 0]),
            helper.make_node("Transpose", [cut], [right], perm=[1, 0, 2]),
            helper.make_node("MatMul", [left, right], [moment]),
            helper.make_node("Shape", [cut], [size]),
            helper.make_node("Gather", [size, first], [count]),
        ]
    )
    graph.output.append(helper.make_tensor_value_info(moment, TensorProto.DOUBLE, [*blocks, blocks[-1]]))
    graph.output.append(helper.make_tensor_value_info(count, TensorProto.INT64, []))


def _needed(ops: Sequence[Operation], values: set[SSAValue]) -> list[Operation]:
    """Those of `ops`, in order, that some values are made of."""
    needed, wanted = list[Operation](), set(values)
    for op in reversed(ops):
        if not wanted.isdisjoint(op.results):
            needed.append(op)
            wanted.update(operand for inner in op.walk() for operand in inner.operands)
    return needed[::-1]
