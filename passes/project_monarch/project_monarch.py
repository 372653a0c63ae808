"""Dense weights are projected onto Monarch factors: an approximation, so only on request, with its error reported."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import MatmulOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.locations import node_name
from dialects.network import Network, shape_of
from dialects.notes import LayerNotes
from dialects.semantics.weight_values import float_weight
from passes.project_monarch.analysis.choices import AUTO, DEFAULT_BUDGET, PAPER, check_projection
from passes.project_monarch.analysis.monarch_calibration import choose_calibrated, project_calibrated
from passes.project_monarch.analysis.monarch_choice import choose, paper_blocking
from passes.project_monarch.analysis.monarch_projection import Blocking, blocking, project, relative_error
from passes.rewriting.calibration.moments import Vectors, second_moments
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.monarch import monarch_product
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep


@dataclass(frozen=True)
class Projection:
    """Factors, and the relative errors of weights and, on calibration inputs, outputs (also of the closed form)."""

    w1: Array
    w2: Array
    weight_error: float
    output_error: float | None = None
    closed_form_output_error: float | None = None

    def errors(self) -> dict[str, float]:
        """The errors that are known, by name."""
        said = {"weight_error": self.weight_error}
        if self.output_error is not None and self.closed_form_output_error is not None:
            said["output_error"] = self.output_error
            said["closed_form_output_error"] = self.closed_form_output_error
        return said


@dataclass(frozen=True)
class ProjectMonarchPass(ModulePass):
    """Replace float multiplications by dense weights by Monarch products, where that stores fewer weights.

    Before:
    ```mlir
    %y = cim.matmul %x, @w : tensor<?x16xf32> -> tensor<?x16xf32>
    ```
    After:
    ```mlir
    cim.weight @w.monarch1 = dense<1.0> : tensor<2x8x2xf32> structure #cim.block_diagonal<2 blocks of 8x2, "monarch">
    cim.weight @w.middle = dense<[0, 2, 1, 3]> : tensor<4xi64>
    cim.weight @w.monarch2 = dense<1.0> : tensor<2x2x8xf32> structure #cim.block_diagonal<2 blocks of 2x8, "monarch">
    %0 = cim.matmul %x, @w.monarch1 : tensor<?x16xf32> -> tensor<?x4xf32>
    %1 = cim.permute %0, @w.middle : tensor<?x4xf32> -> tensor<?x4xf32>
    %2 = cim.matmul %1, @w.monarch2 : tensor<?x4xf32> -> tensor<?x16xf32>
    %y = cim.permute %2, @w.outputs : tensor<?x16xf32> -> tensor<?x16xf32>
    ```
    The error is noted. `blocks` is a number of blocks, `paper` for the blocking of arXiv 2510.11192 (padded to a
    square), or `auto`: the cheapest blocking of each layer whose error is at most `budget`, none where there is none.
    With a number of blocks, `rank` says what rank every slice keeps: weights and error follow it.
    The closed form is the best in the weights; with `calibration` inputs the error of the outputs on them is minimised.
    Leaves alone: weights that have a structure, integer multiplications, and weights that would not get smaller.
    Needs IR from before `schedule-arrays`.
    """

    name = "project-monarch"
    blocks: int | str = AUTO
    budget: float | int = DEFAULT_BUDGET
    """Relative error that `auto` may make in a layer: of its outputs with calibration inputs, else of its weights."""
    calibration: str | None = None
    """An .npz file with one array for each input of the network."""
    rank: int | None = None
    """Of the slices; None for blocks as square as they can be, of rank min(inputs, outputs) / blocks^2."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_projection(self.blocks, self.budget, self.rank)
        network = Network.of(ctx, op)
        matmuls = [o for o in network.ops if isinstance(o, MatmulOp) and not o.is_integer]
        dense = [m for m in matmuls if network.weight(m.symbol).structure is None]
        moments: dict[MatmulOp, Array] = {}
        if self.calibration is not None:
            rows = {m: network.weight(m.symbol).matrix_shape[0] for m in dense if m.parent is network.block}
            wanted = {m: Vectors([m.x], size) for m, size in rows.items()}
            moments = {m: moment[0] for m, moment in second_moments(network, wanted, self.calibration)}
        notes = LayerNotes("monarch", "weight_error", "output_error", "closed_form_output_error")
        rewrite(dense, ProjectMonarch(network, self.blocks, self.rank, float(self.budget), moments, notes))
        notes.write(op)
        sweep(network)


@dataclass(frozen=True)
class ProjectMonarch(RewritePattern):
    """`cim.matmul` by a dense weight -> Monarch product; `moments` are those of the inputs, where they are known."""

    network: Network
    blocks: int | str
    rank: int | None
    budget: float
    moments: Mapping[MatmulOp, Array]
    notes: LayerNotes

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter, /) -> None:
        matrix = float_weight(self.network.weight(op.symbol), self.network, np.dtype(np.float32))
        if not shape_of(op.x.type) or min(matrix.shape) < 2:
            return
        factors = self._factors(matrix, self.moments.get(op))
        if isinstance(factors, str):
            self.notes.add(node_name(op), monarch=f"left dense: {factors}")
            return
        self.notes.add(node_name(op), **factors.errors())
        dtype = numpy_element(element_type(op.x.type))
        w1, w2 = factors.w1.astype(dtype), factors.w2.astype(dtype)
        builder = DigitalBuilder(self.network, op)
        rewriter.replace(op, (), [monarch_product(builder, op.x, w1, w2, matrix.shape[1], op.symbol)])

    def _factors(self, matrix: Array, moment: Array | None) -> Projection | str:
        """The factors of a weight, or why there are none."""
        inputs, outputs = matrix.shape
        if self.blocks == AUTO:
            chosen = _chosen(matrix, moment, self.budget)
            return "no blocking keeps the error within the budget" if chosen is None else chosen
        if isinstance(self.blocks, int) and self.blocks > min(inputs, outputs):
            return f"{self.blocks} blocks do not fit a weight of {inputs}x{outputs}"
        shape = _blocking(inputs, outputs, self.blocks, self.rank)
        if shape.stored_weights >= matrix.size:
            return f"factors would store {shape.stored_weights} weights, the layer has {matrix.size}"
        return _projected(matrix, moment, shape)


def _blocking(inputs: int, outputs: int, blocks: int | str, rank: int | None) -> Blocking:
    if blocks == PAPER:
        return paper_blocking(inputs, outputs).trimmed(inputs, outputs)
    assert isinstance(blocks, int)
    return blocking(inputs, outputs, blocks, rank)


def _projected(matrix: Array, moment: Array | None, shape: Blocking) -> Projection:
    if moment is None:
        w1, w2 = project(matrix, shape)
        return Projection(w1, w2, relative_error(matrix, w1, w2))
    calibrated = project_calibrated(matrix, moment, shape)
    return Projection(
        calibrated.w1,
        calibrated.w2,
        calibrated.weight_error,
        calibrated.output_error,
        calibrated.closed_form_output_error,
    )


def _chosen(matrix: Array, moment: Array | None, budget: float) -> Projection | None:
    if moment is None:
        choice = choose(matrix, budget)
        return None if choice is None else _projected(matrix, None, choice.blocking)
    calibrated = choose_calibrated(matrix, moment, budget)
    return None if calibrated is None else _projected(matrix, moment, calibrated[0])
