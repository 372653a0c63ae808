"""What the digital operators of a network take for one vector, from the shapes that its types tell."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation, SSAValue

from dialects.chip.costs import DigitalCosts
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.network import shape_of
from passes.analysis.cost.digital import OperatorCost, Unit, free_of_data, operator_cost
from passes.analysis.cost.multiply_accumulates import LEFT_OUT


def static_operators(ops: Sequence[Operation]) -> set[Operation]:
    """The digital operators that cost nothing: their results are known before a run, once the shapes are."""
    digital = [op for op in ops if isinstance(op, DigitalOp)]
    names: dict[SSAValue, str] = {}

    def name(value: SSAValue) -> str:
        return "" if type(value.owner) is NoneOp else names.setdefault(value, str(len(names)))

    described = [
        (op.op_type.data, [name(value) for value in _reads(op)], [name(value) for value in op.results])
        for op in digital
    ]
    constants = [name(value) for op in ops if isinstance(op, ConstantOp | ReadOp) for value in op.results]
    return {digital[number] for number in free_of_data(described, constants)}


def _reads(op: DigitalOp) -> Iterator[SSAValue]:
    """The values from outside that the operator reads, in its bodies too."""
    if not op.regions:
        return iter(op.operands)
    parts = list(op.walk())
    inside: set[SSAValue] = {result for part in parts for result in part.results}
    for part in parts:
        inside.update(argument for region in part.regions for block in region.blocks for argument in block.args)
    return (value for part in parts for value in part.operands if value not in inside)


def cost_of(op: DigitalOp, costs: DigitalCosts) -> OperatorCost:
    """What the operator takes for one vector: dimensions that are not known before a run count as 1."""
    if op.op_type.data in ("Shape", "Size"):
        return OperatorCost(Unit.NONE)
    equation = op.setting.get("equation")
    return operator_cost(
        costs,
        op.op_type.data,
        [_shape(value) for value in op.operands],
        [_shape(value) for value in op.results],
        domain="" if op.domain is None else op.domain.data,
        equation=equation.data if isinstance(equation, StringAttr) else "",
    )


def _shape(value: SSAValue) -> tuple[int, ...]:
    if type(value.owner) is NoneOp:
        return LEFT_OUT
    return _known(shape_of(value.type) or ())


@lru_cache(maxsize=1 << 12)
def _known(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(1, size) if size != 0 else 0 for size in shape)
