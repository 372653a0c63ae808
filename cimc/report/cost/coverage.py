"""How much of a network's constant-weight work arrays do, and what stays digital, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.cost.body_runs import LEFT_OUT, Shape
from cimc.report.cost.constant_products import ConstantProduct, constant_products
from cimc.report.cost.kernel_runs import Run
from cimc.report.cost.reasons import reason_of
from cimc.report.cost.vectors import Vectors
from passes.analysis.cost.multiply_accumulates import weight_multiply_accumulates

MULTIPLY_ACCUMULATES, WEIGHTS = "multiply_accumulates", "weights"


@dataclass(frozen=True)
class Digital:
    """What stays digital of one operator for one reason, and its share of all constant-weight work."""

    operator: str
    reason: str
    share: float
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """The share of the constant-weight multiply-accumulates of one run that arrays do."""

    share: float
    """0 to 1; 1 if there are none."""
    unit: str
    """MULTIPLY_ACCUMULATES, or WEIGHTS where the network could not be run: then each weight counts once."""
    total: int
    """All of them, on arrays and digital."""
    on_arrays: int
    digital: tuple[Digital, ...]
    """The largest first."""

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dictionaries."""
        return {**vars(self), "digital": [{**vars(part), "nodes": list(part.nodes)} for part in self.digital]}


def coverage_of(program: Program, run: Run | None) -> Coverage:
    """The coverage of a program: by what happened in `run`, or by its weights alone if there is none."""
    on_arrays = _on_arrays(program, run)
    counts: dict[tuple[str, str], int] = {}
    nodes: dict[tuple[str, str], dict[str, None]] = {}
    for product in _products(program):
        key = product.node.op_type, reason_of(product)
        counts[key] = counts.get(key, 0) + _count(product, run)
        nodes.setdefault(key, {})[product.node.name] = None
    total = on_arrays + sum(counts.values())
    return Coverage(
        share=on_arrays / total if total else 1.0,
        unit=WEIGHTS if run is None else MULTIPLY_ACCUMULATES,
        total=total,
        on_arrays=on_arrays,
        digital=tuple(
            Digital(*key, counts[key] / total if total else 0.0, tuple(nodes[key]))
            for key in sorted(counts, key=lambda key: (-counts[key], key))
        ),
    )


def _products(program: Program) -> Iterator[ConstantProduct]:
    try:
        yield from constant_products(program)
    except (DecodeError, UnicodeDecodeError):  # a damaged kernel, which the run has told of
        return


def _on_arrays(program: Program, run: Run | None) -> int:
    """Weights that take part, those in common tiles each time: zeros beside blocks are not stored.

    Those in a branch that did not run count for one vector.
    """
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    cells = records["rows"].astype(np.int64) * records["columns"]
    if run is None:
        return int(cells.sum())
    vectors = Vectors(of=run.vectors).taken(records["y"])
    return int((cells * vectors).sum())


def _count(product: ConstantProduct, run: Run | None) -> int:
    """What an operator multiplies and accumulates by its weights; of a branch that did not run, for one vector."""
    node = product.node
    equation = next((a.s.decode(errors="replace") for a in node.attribute if a.name == "equation"), "")

    def count(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
        return weight_multiply_accumulates(node.op_type, inputs, outputs, equation, node.domain)

    if run is None:
        return product.elements
    if product.nested is None:
        if not run.executions.get(product.kernel):
            return product.elements
        operator = run.kernels[product.kernel][product.index]
        return run.executions[product.kernel] * count(operator.input_shapes, operator.output_shapes)
    runs = run.bodies.get(product.kernel, {}).get(product.nested, ())
    return sum(count(inputs, outputs or (LEFT_OUT,)) for inputs, outputs in runs) if runs else product.elements
