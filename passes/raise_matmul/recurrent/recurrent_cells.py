"""One time step of recurrent operators: from the products of the input and the state to the next state."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from passes.raise_matmul.recurrent.recurrent_activations import Activation, float_number
from passes.raise_matmul.recurrent.recurrent_weights import Factor
from passes.rewriting.digital import DigitalBuilder, with_last

State = list[SSAValue]
"""What a step hands to the next, the output of the step first: values [batch, hidden]."""


@dataclass(frozen=True)
class Step:
    """What all steps of one direction have in common.

    `recurrent` are the weights [hidden, gates] of the state. `reset_after` says that a `GRU` resets what it has
    multiplied, to which `bias` was added. `peepholes` [3 * hidden] are those of an `LSTM`. `clip` is the largest
    magnitude before a function, 0 for any.
    """

    hidden: int
    functions: Sequence[Activation]
    recurrent: Sequence[Factor]
    reset_after: bool
    bias: SSAValue | None
    peepholes: SSAValue | None
    clip: float

    def limited(self, builder: DigitalBuilder, x: SSAValue) -> SSAValue:
        """What a function is applied to."""
        if not self.clip:
            return x
        return builder.clip(x, float_number(builder, x, -self.clip), float_number(builder, x, self.clip))

    def applied(self, builder: DigitalBuilder, function: int, x: SSAValue) -> SSAValue:
        """A function of `x`, which is limited."""
        return self.functions[function].of(builder, self.limited(builder, x))

    def gate(self, builder: DigitalBuilder, gates: SSAValue, index: int, count: int = 1) -> SSAValue:
        """Some gates of all, [batch, count * hidden]."""
        return columns(builder, gates, index * self.hidden, count * self.hidden)


def columns(builder: DigitalBuilder, x: SSAValue, first: int, count: int) -> SSAValue:
    """Elements of the last axis."""
    numbers = [builder.constant(np.array([n], np.int64), "slice") for n in (first, first + count, -1)]
    return builder.op("Slice", [x, *numbers], with_last(x.type, count))


def rnn_step(builder: DigitalBuilder, step: Step, given: SSAValue, state: State) -> State:
    """`f(x W + h R)`, with biases in `given`."""
    gates = builder.elementwise("Add", step.recurrent[0].product(builder, state[0]), given)
    return [step.applied(builder, 0, gates)]


def gru_step(builder: DigitalBuilder, step: Step, given: SSAValue, state: State) -> State:
    """`(1 - z) g + z h`."""
    (h,), hidden = state, step.hidden
    product = step.recurrent[0].product(builder, h)
    both = step.gate(builder, product, 0, 2) if step.reset_after else product
    both = step.applied(builder, 0, builder.elementwise("Add", both, step.gate(builder, given, 0, 2)))
    update, reset = (columns(builder, both, i * hidden, hidden) for i in (0, 1))
    if step.reset_after:
        inner = step.gate(builder, product, 2)
        inner = inner if step.bias is None else builder.elementwise("Add", inner, step.bias)
        inner = builder.elementwise("Mul", inner, reset)
    else:
        inner = step.recurrent[1].product(builder, builder.elementwise("Mul", h, reset))
    new = step.applied(builder, 1, builder.elementwise("Add", inner, step.gate(builder, given, 2)))
    rest = builder.op("Sub", [float_number(builder, update, 1.0), update], update.type)
    new = builder.elementwise("Mul", rest, new)
    return [builder.elementwise("Add", new, builder.elementwise("Mul", update, h))]


def lstm_step(builder: DigitalBuilder, step: Step, given: SSAValue, state: State, coupled: bool) -> State:
    """`c' = f c + i g` and `h' = o h(c')`; with `coupled` gates, `f` is what is left of `i`."""
    h, c = state
    gates = builder.elementwise("Add", step.recurrent[0].product(builder, h), given)
    entry, out, forget, new = (step.gate(builder, gates, i) for i in range(4))
    entry = step.applied(builder, 0, _seen(builder, step, entry, c, 0))
    if coupled:
        forget = builder.op("Sub", [float_number(builder, entry, 1.0), entry], entry.type)
    else:
        forget = step.applied(builder, 0, _seen(builder, step, forget, c, 2))
    new = step.applied(builder, 1, new)
    kept, added = builder.elementwise("Mul", forget, c), builder.elementwise("Mul", entry, new)
    cell = builder.elementwise("Add", kept, added)
    out = step.applied(builder, 0, _seen(builder, step, out, cell, 1))
    return [builder.elementwise("Mul", out, step.functions[2].of(builder, cell)), cell]


def _seen(builder: DigitalBuilder, step: Step, gate: SSAValue, cell: SSAValue, index: int) -> SSAValue:
    """A gate that sees the cell through a peephole, if there are any."""
    if step.peepholes is None:
        return gate
    weights = columns(builder, step.peepholes, index * step.hidden, step.hidden)
    return builder.elementwise("Add", gate, builder.elementwise("Mul", cell, weights))
