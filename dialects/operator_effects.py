"""What operators of ONNX do besides computing: nothing, but some draw random numbers, and some are scheduled."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, runtime_checkable

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, NoneAttr
from xdsl.ir import Operation, SSAValue
from xdsl.traits import ConstantLike, EffectInstance, MemoryEffectKind, OpTrait, RecursiveMemoryEffect

RANDOM: dict[str, int | None] = {
    "Bernoulli": None,
    "Dropout": 2,
    "Multinomial": None,
    "RandomNormal": None,
    "RandomNormalLike": None,
    "RandomUniform": None,
    "RandomUniformLike": None,
}
"""By name: the number of the input that must be true for it to draw (`training_mode`), None where it always does."""


def draws(op_type: str, inputs: Sequence[SSAValue]) -> bool:
    """Whether that operator of ONNX draws random numbers, or may do so: what switches it on may be computed."""
    if op_type not in RANDOM:
        return False
    switch = RANDOM[op_type]
    if switch is None or len(inputs) <= switch:
        return switch is None
    told = ConstantLike.get_constant_value(inputs[switch])
    return any(told.get_values()) if isinstance(told, DenseIntOrFPElementsAttr) else not isinstance(told, NoneAttr)


class CountsOperators(OpTrait):
    """An operation that says when its operators run, each by its number: none of them may go."""


@runtime_checkable
class Operator(Protocol):
    """An operation that stands for an ONNX node."""

    @property
    def is_standard(self) -> bool: ...

    @property
    def is_random(self) -> bool: ...


class OperatorEffects(RecursiveMemoryEffect):
    """Operators of ONNX, and their bodies, compute and do nothing else, but for random ones.

    What is drawn is new each time, as what is allocated is: so two draws are never one, but one that nobody uses may
    go, for ONNX leaves open what others draw then. Nothing is known of operators of other domains; scheduled ones take
    their time.
    """

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        assert isinstance(op, Operator)
        inside = super().get_effects(op)
        if inside is None or not op.is_standard or is_counted(op):
            return None
        drawn = op.results if op.is_random else ()
        return {*inside, *(EffectInstance(MemoryEffectKind.ALLOC, value) for value in drawn)}


def is_counted(op: Operation) -> bool:
    """Whether the operation around `op` counts on it."""
    around = op.parent_op()
    return around is not None and around.has_trait(CountsOperators, value_if_unregistered=False)
