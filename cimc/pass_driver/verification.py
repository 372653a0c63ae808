"""Verifies a module again and again as passes change it: what has not changed since is not looked at once more."""

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation
from xdsl.utils.exceptions import VerifyException

from dialects import array
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp

_PLAIN = frozenset({WeightOp, ConstantOp, ReadOp, NoneOp, MatmulOp, PermuteOp, DigitalOp, array.MultiplyOp})
"""Operations whose verifiers look at their own types, properties and attributes only."""

_Seen = tuple[object, ...]


@dataclass
class Verifier:
    """Verifies one module as often as wanted; an operation as it was before passes without being verified.

    Whether values of functions come from outside of them is left to `undefined_use` (dialects/dominance.py).

    xDSL takes 50 us to verify an operation, and a network of 10,000 small products has 250,000 of them after each of
    the last passes.
    """

    _known: dict[Operation, _Seen] = field(default_factory=dict[Operation, _Seen])
    _forms: set[_Seen] = field(default_factory=set[_Seen])
    """Names and classes of the properties of digital operators, and constants, that were found legal."""

    def verify(self, module: ModuleOp) -> None:
        """Raises VerifyException, as `module.verify()` does, for the first operation that is not legal."""
        known, self._known = self._known, {}
        module.verify(verify_nested_ops=False)
        self._blocks(module, known)

    def _blocks(self, op: Operation, known: dict[Operation, _Seen]) -> None:
        for region in op.regions:
            for block in region.blocks:
                self._block(block, known)

    def _block(self, block: Block, known: dict[Operation, _Seen]) -> None:
        if block.is_empty:
            block.verify()
        op = block.first_op
        while op is not None:
            following = op.next_op
            if type(op) not in _PLAIN or op.regions or following is None:
                self._with_regions(op, known)
            else:
                seen = _seen(op)
                if known.get(op) != seen:
                    self._verify(op)
                self._known[op] = seen
            if op.parent is not block:
                raise VerifyException(f"{op.name} stands in a block that is not its parent")
            op = following

    def _with_regions(self, op: Operation, known: dict[Operation, _Seen]) -> None:
        """Verify an operation and what is inside; a function itself by its type and the arguments of its blocks."""
        if isinstance(op, FuncOp):
            blocks = op.body.blocks
            seen = (*_seen(op), *(part for block in blocks for part in (len(block.args), *block.arg_types)))
            if known.get(op) != seen:
                op.verify(verify_nested_ops=False)
            self._known[op] = seen
        else:
            op.verify(verify_nested_ops=False)
        self._blocks(op, known)

    def _verify(self, op: Operation) -> None:
        """Verify a plain operation; of digital operators, whatever their operands, one of each form."""
        if isinstance(op, ConstantOp):
            self._verify_form(op, _seen(op))
            return
        if not isinstance(op, DigitalOp) or op.bodies is not None:
            op.verify()
            return
        self._verify_form(op, (*op.properties, *map(type, op.properties.values())))

    def _verify_form(self, op: Operation, form: _Seen) -> None:
        if form not in self._forms:
            op.verify()
            self._forms.add(form)


def _seen(op: Operation) -> _Seen:
    """All that the verifier of a plain operation looks at; compared first by identity, so equal ones are found fast."""
    operands = [value.type for value in op.operands]
    results = [value.type for value in op.results]
    properties, attributes = op.properties, op.attributes
    return (len(operands), *operands, *results, *properties, *properties.values(), *attributes, *attributes.values())
