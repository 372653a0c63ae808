"""What may be asked of a network before and after passes: rules, each written once, with what to do where it is broken.

Which pass needs which and leaves which stands in `cimc/pass_driver/legality.py`; the compiler's runner checks it.
Passes that could not go on with an illegal network ask for these rules themselves, since plain xdsl-opt runs passes
without that runner.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation

from dialects.array import ArrayDialect, KernelOp, MultiplyOp, StageOp
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, YieldOp
from dialects.element_types import element_type
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import bodies, main_block, operations
from passes.breaches import (
    Breach,
    different,
    node_of,
    not_of_blocks,
    of_two_formats,
    too_large,
    unequal_copies,
    wrongly_loaded,
    wrongly_placed,
)

_TIMED = frozenset(ArrayDialect.operations) - {MultiplyOp}
"""What only schedule-arrays makes."""
_CONCERNED = frozenset({MatmulOp, MultiplyOp}) | _TIMED
_PLAIN = frozenset({ConstantOp, ReadOp, NoneOp, PermuteOp, DigitalOp, YieldOp, ReturnOp})
"""Rules do not look at these, of which networks have most; to ask for a type is faster than for a class."""


class IllegalNetwork(UserError):
    """What is wrong with a network that a pass is to run on: `in_file` tells whether it is so because of its file."""

    def __init__(self, message: str, in_file: bool):
        super().__init__(message)
        self.in_file = in_file


@dataclass(frozen=True)
class Rule:
    """Something that a network keeps, in words; `breach` looks for what does not, among multiplications and what has a
    time.

    `advice` is the second half of a message, `{wanted}` in it being the pass that was to run.
    """

    text: str
    breach: Callable[[ModuleOp, Sequence[Operation]], Breach | None]
    advice: str
    in_file: bool = True
    """Whether a network that breaks it has a file to be named, and not just too few passes before this one."""

    def check(self, module: ModuleOp, ops: Sequence[Operation], wanted: str) -> None:
        """IllegalNetwork unless the network keeps the rule, so that the pass `wanted` may run."""
        breach = self.breach(module, ops)
        if breach is not None:
            raise IllegalNetwork(f"{breach.fault}: {self.advice.format(wanted=wanted)}", self.in_file)


def require(module: ModuleOp, rules: Iterable[Rule], wanted: str) -> None:
    """IllegalNetwork (a UserError) for the first rule that the network breaks, so that the pass `wanted` cannot run."""
    ops = concerned(module)
    for rule in rules:
        rule.check(module, ops, wanted)


def concerned(module: ModuleOp) -> list[Operation]:
    """The operations of a network that rules are about; UserError if the module has no function `@main`."""
    return [op for op in operations(main_block(module)) if type(op) not in _PLAIN]


def _each(wrong: Callable[[Operation], str | None]) -> Callable[[ModuleOp, Sequence[Operation]], Breach | None]:
    """Looks for the first operation for which `wrong` has something to say."""

    def breach(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
        for op in ops:
            fault = wrong(op)
            if fault is not None:
                return Breach(node_of(op), f"node {node_of(op)!r} {fault}")
        return None

    return breach


def _scheduled(op: Operation) -> str | None:
    """Whether it has a time to run."""
    has_time = op.groups is not None or op.adds is not None if isinstance(op, MultiplyOp) else type(op) in _TIMED
    return "is scheduled" if has_time else None


def _of_floats(op: Operation) -> str | None:
    if not isinstance(op, MatmulOp) or op.is_integer:
        return None
    return f"multiplies {element_type(op.x.type)}, arrays multiply integers"


def _inside(op: Operation) -> str | None:
    """Whether it stands where passes leave all as it is: in a body that is none of control flow, or in a kernel."""
    around: Operation | None = op
    digital: DigitalOp | None = None
    while (around := around.parent_op()) is not None:
        digital = around if isinstance(around, DigitalOp) else digital
        if digital is not None and (isinstance(around, KernelOp) or not digital.is_control):
            return f"stands in a body of {digital.op_type.data}"
    return None


def _foreign(op: Operation) -> str | None:
    return f"is {op.name}" if type(op) not in _CONCERNED else None


def _untiled(op: Operation) -> str | None:
    return "has no tiles" if isinstance(op, MatmulOp) else None


def _unplaced(op: Operation) -> str | None:
    return "has no places for its tiles" if isinstance(op, MultiplyOp) and op.places is None else None


def _unscheduled(op: Operation) -> str | None:
    is_late = isinstance(op, MultiplyOp) and (op.groups is None or not isinstance(op.parent_op(), StageOp))
    return "is not scheduled" if is_late else None


def _untimed(module: ModuleOp, ops: Sequence[Operation]) -> Breach | None:
    """An operator or a permutation that stands in no kernel."""
    return _untimed_in(main_block(module))


def _untimed_in(block: Block) -> Breach | None:
    for op in block.ops:
        if isinstance(op, DigitalOp | PermuteOp):
            return Breach(node_name(op), f"node {node_name(op)!r} is not scheduled")
        for body in bodies(op):
            breach = _untimed_in(body)
            if breach is not None:
                return breach
    return None


UNSCHEDULED = Rule(
    "nothing has a time to run",
    _each(_scheduled),
    "expected IR from before schedule-arrays, to run {wanted} on",
)
FLAT = Rule(
    "no multiplication by a constant weight stands in a body that is not of control flow with known types",
    _each(_inside),
    'expected cim.digital "MatMul" or "MatMulInteger" there',
)
OF_NETWORKS = Rule(
    "all operations are of networks", _each(_foreign), "expected operations of the languages cim and array alone"
)
INTEGERS = Rule(
    "every multiplication by a constant weight is of integers", _each(_of_floats), "run quantize first", in_file=False
)
TILED = Rule(
    "every multiplication by a constant weight has tiles", _each(_untiled), "run tile-blocks first", in_file=False
)
TILES_FIT = Rule("tiles fit the chip's arrays", too_large, "run tile-blocks, on IR from before it, for this chip")
TILES_OF_BLOCKS = Rule(
    "a tile is a part of a block that no other of its copy holds",
    not_of_blocks,
    "run tile-blocks, on IR from before it",
)
SAME_TILES = Rule(
    "all multiplications by a weight have the same tiles", different("tiles"), "run tile-blocks, on IR from before it"
)
SAME_FORMATS = Rule("all multiplications by a weight have the same format", different("format"), "run choose-formats")
SAME_COPIES = Rule(
    "all multiplications by a weight have as many copies", different("copies"), "run place-tiles on IR from before it"
)
EQUAL_COPIES = Rule(
    "copies of a weight hold the same parts of its blocks, and share no array",
    unequal_copies,
    "run place-tiles on IR from before it",
)
PLACED = Rule("every tile has a place", _each(_unplaced), "run place-tiles first", in_file=False)
SAME_PLACES = Rule(
    "all multiplications by a weight have the same places", different("places"), "run place-tiles for legal places"
)
SAME_LOADS = Rule(
    "all multiplications by a weight have the same load", different("load"), "run place-tiles for legal places"
)
LOADS_APART = Rule(
    "weights that pass through the chip in parts all say in which, the arrays of each part behind those before, and "
    "those that bodies of control flow need are in one",
    wrongly_loaded,
    "run place-tiles for legal places",
)
LEGAL_PLACES = Rule(
    "tiles lie inside their arrays, two on the same cells only where all their cells are the same",
    wrongly_placed,
    "run place-tiles for legal places",
)
ONE_FORMAT = Rule("all tiles of an array have one format", of_two_formats, "run place-tiles for legal places")
SCHEDULED = Rule(
    "every multiplication is in a stage and has row groups", _each(_unscheduled), "run schedule-arrays first"
)
TIMED = Rule("every operator and permutation has a time to run", _untimed, "run schedule-arrays first")

_TILED_RIGHTLY = (SAME_TILES, SAME_COPIES, TILES_OF_BLOCKS, EQUAL_COPIES, TILES_FIT)
TILEABLE = (UNSCHEDULED, FLAT, INTEGERS, *_TILED_RIGHTLY)
TILED_RIGHTLY = (UNSCHEDULED, FLAT, TILED, *_TILED_RIGHTLY)
PLACEABLE = (*TILED_RIGHTLY, SAME_FORMATS)
LAID_OUT = (
    *(FLAT, TILED, PLACED, *_TILED_RIGHTLY),
    *(SAME_FORMATS, SAME_PLACES, SAME_LOADS, LOADS_APART, LEGAL_PLACES, ONE_FORMAT),
)
SCHEDULABLE = (OF_NETWORKS, *LAID_OUT)
EMITTABLE = (OF_NETWORKS, FLAT, INTEGERS, *LAID_OUT[1:], SCHEDULED, TIMED)
"""Without these, passes on the way to a schedule could not go on, whoever runs them."""
