"""What a module says of its network: entry function, weights, inputs and outputs with ONNX names, operator sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.array import ControlOp
from dialects.cim import DigitalOp, WeightOp
from dialects.element_types import Array, is_tensor
from dialects.errors import UserError
from dialects.texts import escaped, texts_in, unescaped
from dialects.weights import WeightStore, store_of

OPSETS = "cim.opsets"
SOURCE = "cim.source"
_NAME = "cim.name"
_DIMS = "cim.dims"
_SLIDES = "cim.slides"


@dataclass(frozen=True)
class Port:
    """An input or output of the network: ONNX name and the names of its dimensions ("" for a number or unnamed).

    Windows, those of convolutions say, slide over the dimensions of an input whose numbers are in `slides`.
    """

    name: str
    dims: tuple[str, ...]
    slides: tuple[int, ...] = ()

    def attribute(self) -> DictionaryAttr:
        entries: dict[str, Attribute] = {
            _NAME: StringAttr(escaped(self.name)),
            _DIMS: ArrayAttr([StringAttr(escaped(d)) for d in self.dims]),
        }
        if self.slides:
            entries[_SLIDES] = ArrayAttr([IntegerAttr(axis, i64) for axis in self.slides])
        return DictionaryAttr(entries)


@dataclass
class _Numbered:
    """The weights `name`, `name.1`, ... that a module has, by digest of what they hold."""

    count: int = 0
    weights: dict[str, list[WeightOp]] = field(default_factory=dict[str, list[WeightOp]])

    def next(self, name: str) -> str:
        """The symbol after those that are known."""
        return f"{name}.{self.count}" if self.count else name


class Network:
    """A module as the network that it describes: its function `@main`, its weights by symbol, the store of their bytes.

    The table of symbols is made once and kept right as weights come and go: xDSL has none, and to search a module for
    each of its operations takes the square of its size. So weights of a network are added and removed by its methods.
    """

    def __init__(self, module: ModuleOp, store: WeightStore):
        self.module, self.store = module, store
        self._weights = weights_of(module)
        self._numbered: dict[str, _Numbered] = {}

    @staticmethod
    def of(ctx: Context, module: ModuleOp) -> "Network":
        """The network of a module whose weights are in the store of `ctx`."""
        return Network(module, store_of(ctx))

    @cached_property
    def main(self) -> FuncOp:
        """The function `@main`; UserError if there is none."""
        return main_function(self.module)

    @property
    def block(self) -> Block:
        """The one block of `@main`; UserError if there is none."""
        return _body(self.main)

    @property
    def returned(self) -> ReturnOp:
        """The operation that names the network's outputs; UserError if `@main` ends with another."""
        last = self.block.last_op
        if not isinstance(last, ReturnOp):
            found = "nothing" if last is None else last.name
            raise UserError(f"the function @main ends with {found}: expected func.return")
        return last

    @property
    def body(self) -> list[Operation]:
        """The operations of `@main`, without the one that returns."""
        return list(self.block.ops)[:-1]

    @property
    def blocks(self) -> list[Block]:
        """The block of `@main`, and the bodies of control flow in which multiplications may lie in arrays."""
        return list(_blocks(self.block))

    @property
    def ops(self) -> list[Operation]:
        """The operations of all `blocks`: those in a body come after the operation that it is of."""
        return list(_operations(self.block))

    @property
    def inputs(self) -> list[tuple[SSAValue, Port]]:
        """The network's inputs."""
        return list(zip(self.block.args, _ports(self.main.arg_attrs, len(self.block.args), "input")))

    @property
    def outputs(self) -> list[tuple[SSAValue, Port]]:
        """The network's outputs."""
        values = self.returned.arguments
        return list(zip(values, _ports(self.main.res_attrs, len(values), "output")))

    @property
    def weights(self) -> Mapping[str, WeightOp]:
        """The weights by symbol, in order."""
        return self._weights

    def weight(self, symbol: str) -> WeightOp:
        """The weight `@symbol`; UserError if the module has none."""
        if symbol not in self._weights:
            raise UserError(f"weight @{symbol} is used but not defined: expected a cim.weight of that name")
        return self._weights[symbol]

    def array(self, symbol: str) -> Array:
        """What the weight `@symbol` stores: a view, not to be written to; UserError if there is no such weight."""
        return self.weight(symbol).array(self.store)

    def add_weight(self, weight: WeightOp) -> None:
        """Put a new weight before `@main`."""
        self.module.body.block.insert_op_before(weight, self.main)
        self._weights[weight.symbol] = weight

    def remove_weight(self, weight: WeightOp) -> None:
        """Take a weight that nobody uses out of the module."""
        weight.detach()
        weight.erase()
        del self._weights[weight.symbol]
        self._numbered.clear()

    def same_named(self, name: str, digest: str) -> tuple[list[WeightOp], str]:
        """The weights `name`, `name.1`, ... of that digest (`digest_of`), and the first such symbol that is free.

        Thousands of weights may have one name, so they are not looked through one by one.
        """
        known = self._numbered.setdefault(name, _Numbered())
        while (symbol := known.next(name)) in self._weights:
            weight = self._weights[symbol]
            known.weights.setdefault(weight.digest, []).append(weight)
            known.count += 1
        return known.weights.get(digest, []), symbol

    @property
    def opsets(self) -> dict[str, int]:
        """Version of each operator set by domain (ONNX's own is ""); opset 17 where the module names none."""
        named = self.module.attributes.get(OPSETS)
        return {"": 17} if named is None else dict(_opsets(named))

    def set_ports(self, ports_in: Sequence[Port], ports_out: Sequence[Port]) -> None:
        """Write the ports into `@main`."""
        self.main.properties["arg_attrs"] = ArrayAttr([p.attribute() for p in ports_in])
        self.main.properties["res_attrs"] = ArrayAttr([p.attribute() for p in ports_out])


def bodies(op: Operation) -> list[Block]:
    """The bodies of an operation in which multiplications may lie in arrays."""
    if op.regions and (isinstance(op, ControlOp) or (isinstance(op, DigitalOp) and op.is_control)):
        return [region.block for region in op.regions]
    return []


def _blocks(block: Block) -> Iterator[Block]:
    yield block
    for op in block.ops:
        if op.regions:
            for body in bodies(op):
                yield from _blocks(body)


def _operations(block: Block) -> Iterator[Operation]:
    for op in block.ops:
        yield op
        if op.regions:
            for body in bodies(op):
                yield from _operations(body)


def main_function(module: ModuleOp) -> FuncOp:
    """The function `@main` that a module is about; UserError if there is none."""
    for op in module.body.block.ops:
        if isinstance(op, FuncOp) and op.sym_name.data == "main":
            return op
    raise UserError("the module has no function @main, which is the network to compile")


def main_block(module: ModuleOp) -> Block:
    """The one block of `@main`; UserError if there is none."""
    return _body(main_function(module))


def _body(function: FuncOp) -> Block:
    blocks = list(function.body.blocks)
    if not blocks:
        raise UserError("the function @main has no body, which is the network to compile")
    if len(blocks) > 1:
        raise UserError(f"the function @main has {len(blocks)} blocks: expected one, and control flow in cim.digital")
    return blocks[0]


def weights_of(module: ModuleOp) -> dict[str, WeightOp]:
    """The weights of a module by symbol, looked for one by one: a `Network` knows them."""
    return {op.symbol: op for op in module.body.block.ops if isinstance(op, WeightOp)}


def _ports(attributes: ArrayAttr[DictionaryAttr] | None, count: int, role: str) -> Iterator[Port]:
    for i in range(count):
        name = None if attributes is None else attributes.data[i].data.get(_NAME)
        dims = None if attributes is None else attributes.data[i].data.get(_DIMS)
        slides = None if attributes is None else attributes.data[i].data.get(_SLIDES)
        yield Port(
            unescaped(name.data) if isinstance(name, StringAttr) else f"{role}{i}",
            texts_in(dims) or (),
            tuple(axis.value.data for axis in slides) if slides and isa(slides, ArrayAttr[IntegerAttr]) else (),
        )


def opsets_attribute(opsets: dict[str, int]) -> ArrayAttr[StringAttr]:
    """`["ai.onnx:17", "com.microsoft:1"]`: the operator sets in which the digital operators are meant."""
    return ArrayAttr([StringAttr(escaped(f"{domain or 'ai.onnx'}:{version}")) for domain, version in opsets.items()])


@lru_cache(maxsize=1 << 6)
def _opsets(named: Attribute) -> dict[str, int]:
    """What an attribute says; each kernel of a large network asks anew."""
    opsets = {"": 17}
    if isa(named, ArrayAttr[StringAttr]):
        for entry in named:
            domain, separator, version = unescaped(entry.data).rpartition(":")
            if not separator or not version.isdecimal():
                raise UserError(f"operator set {entry.data!r}: expected domain and version, like 'ai.onnx:17'")
            opsets["" if domain == "ai.onnx" else domain] = int(version)
    return opsets


def operations(block: Block) -> Iterator[Operation]:
    """All operations of a block and of the regions inside, in order."""
    for op in block.ops:
        if op.regions:
            yield from op.walk()
        else:
            yield op


def shape_of(type_: Attribute) -> tuple[int, ...] | None:
    """The shape of a ranked tensor type, negative for dynamic dimensions; None for anything else."""
    return type_.get_shape() if is_tensor(type_) else None
