"""Products by blocks of integers with scales: what is done to the vectors before arrays multiply them, and after."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.hints import isa

from dialects.cim import DigitalOp
from dialects.element_types import Array, element_type, numpy_element
from passes.rewriting.constants.scaled_blocks import ScaledBlocks
from passes.rewriting.digital import DigitalBuilder, with_last
from passes.rewriting.last_axes import leading, sum_over, with_last_axes


@dataclass(frozen=True)
class ScaledProduct:
    """The product of vectors `[..., blocks * rows]` and `plan`; weights are called after `name`."""

    builder: DigitalBuilder
    plan: ScaledBlocks
    blocks: int
    rows: int
    name: str

    def of(self, x: SSAValue, multiply: Callable[[SSAValue], SSAValue]) -> SSAValue:
        """[..., blocks * columns]; `multiply` gives the product of vectors and the integers of the plan."""
        x = self._inputs(x)
        y = multiply(x)
        if self.plan.offset is not None:
            y = self._less_offset(x, y, self.plan.offset)
        return self._summed(y)

    def _inputs(self, x: SSAValue) -> SSAValue:
        """Vectors `[..., pieces * rows of a piece]`."""
        builder, plan, blocks = self.builder, self.plan, self.blocks
        if plan.factors is not None:
            x = self._scaled(x, plan.factors)
            blocks *= plan.factors.shape[1]
        if plan.table is not None:
            return self._in_order(x, plan.table, blocks)
        missing = plan.groups * plan.values.shape[1] - self.rows
        if not missing:
            return x
        return builder.pad_last(x, missing) if blocks == 1 and isa(x.type, TensorType) else self._padded(x, missing)

    def _scaled(self, x: SSAValue, factors: Array) -> SSAValue:
        """Vectors times `factors` [blocks, parts, rows]: `parts` vectors for each block."""
        builder, (blocks, parts, rows) = self.builder, factors.shape
        if parts == 1:
            row = builder.constant(factors.reshape(-1), f"{self.name}.rows")
            return builder.once(DigitalOp("Mul", [x, row], [x.type]))
        split = with_last_axes(builder, x, [blocks, 1, rows])
        type_: Attribute = split.type
        if isa(type_, TensorType):
            type_ = TensorType(element_type(x.type), [*type_.get_shape()[:-3], blocks, parts, rows])
        split = builder.op("Mul", [split, builder.constant(factors, f"{self.name}.rows")], type_)
        return with_last_axes(builder, split, [blocks * parts * rows], replaced=3)

    def _in_order(self, x: SSAValue, table: Array, blocks: int) -> SSAValue:
        """Each block's rows in the order of `table`, a zero, which stands behind the vector, where it has -1."""
        width = blocks * self.rows
        places = np.arange(blocks)[:, None] * self.rows + table
        places = np.where(table < 0, width, places).reshape(-1)
        if (table < 0).any():
            x = self.builder.pad_last(x, 1) if isa(x.type, TensorType) else self._padded(x, 1, whole=True)
        return self.builder.permute(x, places, f"{self.name}.order")

    def _padded(self, x: SSAValue, missing: int, *, whole: bool = False) -> SSAValue:
        """`x` with zeros after each block's rows, or after the `whole` vector."""
        builder = self.builder
        blocks, rows = (1, self.blocks * self.rows) if whole else (self.blocks, self.rows)
        parts = with_last_axes(builder, x, [blocks, rows])
        shape = leading(builder, parts, 1)
        count = builder.constant(np.array([missing]), "missing")
        target = builder.op("Concat", [shape, count], TensorType(i64, [DYNAMIC_INDEX]), axis=0)
        zeros = builder.op("ConstantOfShape", [target], with_last(parts.type, missing))
        zeros = builder.cast(zeros, element_type(x.type))
        filled = builder.op("Concat", [parts, zeros], with_last(parts.type, rows + missing), axis=-1)
        return with_last_axes(builder, filled, [blocks * (rows + missing)], replaced=2)

    def _less_offset(self, x: SSAValue, y: SSAValue, offset: Array) -> SSAValue:
        """`y` less `offset` [pieces, columns] times the sum of each piece's inputs, weighted by its zero points."""
        builder, plan = self.builder, self.plan
        pieces, columns = offset.shape
        if plan.row_zero is not None:
            dtype = numpy_element(element_type(x.type))
            weights = builder.constant(plan.row_zero.reshape(-1).astype(dtype), f"{self.name}.rows.zero")
            x = builder.elementwise("Mul", x, weights)
        if pieces == 1:
            sums = builder.reduce_last("ReduceSum", x)
            if np.ptp(offset):
                part = builder.constant(offset[0], f"{self.name}.offset")
                return builder.elementwise("Sub", y, builder.op("Mul", [sums, part], y.type))
            if offset[0, 0] != 1:
                sums = builder.elementwise("Mul", sums, builder.constant(offset[0, :1], f"{self.name}.offset"))
            return builder.elementwise("Sub", y, sums)
        part = builder.constant(offset, f"{self.name}.offset")
        sums = builder.reduce_last("ReduceSum", with_last_axes(builder, x, [pieces, plan.values.shape[1]]))
        parts = with_last_axes(builder, y, [pieces, columns])
        parts = builder.elementwise("Sub", parts, builder.op("Mul", [sums, part], parts.type))
        return with_last_axes(builder, parts, [pieces * columns], replaced=2)

    def _summed(self, y: SSAValue) -> SSAValue:
        """The sum over the pieces of rows, and the columns that are a block's own."""
        builder, plan = self.builder, self.plan
        pieces, columns = plan.scale.shape
        if plan.groups > 1:
            split = [plan.groups, columns] if self.blocks == 1 else [self.blocks, plan.groups, columns]
            y = sum_over(builder, with_last_axes(builder, y, split), -2)
            return y if self.blocks == 1 else with_last_axes(builder, y, [self.blocks * columns], replaced=2)
        width = pieces * columns // self.blocks
        if width == plan.columns:
            return y
        if self.blocks == 1:
            return builder.first_of_last(y, plan.columns)
        y = builder.first_of_last(with_last_axes(builder, y, [self.blocks, width]), plan.columns)
        return with_last_axes(builder, y, [self.blocks * plan.columns], replaced=2)
