"""What a module says of its network: entry function, weights, inputs and outputs with ONNX names, operator sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.cim import WeightOp
from dialects.element_types import Array, is_tensor
from dialects.errors import UserError
from dialects.texts import escaped, unescaped
from dialects.weights import WeightStore, digest_of

OPSETS = "cim.opsets"
SOURCE = "cim.source"
_NAME = "cim.name"
_DIMS = "cim.dims"


@dataclass(frozen=True)
class Port:
    """An input or output of the network: ONNX name and the names of its dimensions ("" for a number or unnamed)."""

    name: str
    dims: tuple[str, ...]

    def attribute(self) -> DictionaryAttr:
        dims = ArrayAttr([StringAttr(escaped(d)) for d in self.dims])
        return DictionaryAttr({_NAME: StringAttr(escaped(self.name)), _DIMS: dims})


@dataclass
class _Numbered:
    """The weights `name`, `name.1`, ... that a module has, by digest of what they hold."""

    count: int = 0
    weights: dict[str, list[WeightOp]] = field(default_factory=dict[str, list[WeightOp]])

    def next(self, name: str) -> str:
        """The symbol after those that are known."""
        return f"{name}.{self.count}" if self.count else name


@dataclass
class _Symbols:
    """What a module defines: `@main` and the weights by symbol, found once and kept right as weights come and go.

    xDSL has no table of symbols, and to search a module for each of its operations takes the square of its size.
    """

    main: FuncOp | None
    weights: dict[str, WeightOp]
    first: Operation | None
    last: Operation | None
    """The operations at the ends of the module: most of what is added without this table moves one of them."""
    numbered: dict[str, _Numbered] = field(default_factory=dict[str, _Numbered], compare=False)

    @staticmethod
    def of(module: ModuleOp) -> "_Symbols":
        """The table of a module as it is, which hangs on the module: a global one would keep modules alive."""
        known = vars(module).get(_SYMBOLS)
        block = module.body.block
        if isinstance(known, _Symbols) and known.first is block.first_op and known.last is block.last_op:
            return known
        return _Symbols.renewed(module)

    @staticmethod
    def renewed(module: ModuleOp) -> "_Symbols":
        """A table made anew."""
        block = module.body.block
        functions = (op for op in block.ops if isinstance(op, FuncOp) and op.sym_name.data == "main")
        weights = {op.sym_name.data: op for op in block.ops if isinstance(op, WeightOp)}
        found = _Symbols(next(functions, None), weights, block.first_op, block.last_op)
        vars(module)[_SYMBOLS] = found
        return found


_SYMBOLS = "cim.symbols"


def main_function(module: ModuleOp) -> FuncOp:
    """The function `@main` that a module is about; UserError if there is none."""
    found = _Symbols.of(module).main
    if found is None:
        raise UserError("the module has no function @main, which is the network to compile")
    return found


def main_block(module: ModuleOp) -> Block:
    """The one block of `@main`."""
    blocks = main_function(module).body.blocks
    block = next(iter(blocks), None)
    if block is None:
        raise UserError("the function @main has no body, which is the network to compile")
    return block


def returned(module: ModuleOp) -> ReturnOp:
    """The operation that names the network's outputs."""
    last = main_block(module).last_op
    assert isinstance(last, ReturnOp)
    return last


def weights_of(module: ModuleOp) -> dict[str, WeightOp]:
    """The weights of a module by symbol: a table that is kept right by `add_weight` and `remove_weight`."""
    return _Symbols.of(module).weights


def add_weight(module: ModuleOp, weight: WeightOp) -> None:
    """Put a new weight before `@main`."""
    symbols, main = _Symbols.of(module), main_function(module)
    module.body.block.insert_op_before(weight, main)
    symbols.weights[weight.sym_name.data] = weight
    symbols.first = module.body.block.first_op


def remove_weight(module: ModuleOp, weight: WeightOp) -> None:
    """Take a weight that nobody uses out of its module."""
    symbols = _Symbols.of(module)
    weight.detach()
    weight.erase()
    del symbols.weights[weight.sym_name.data]
    symbols.numbered.clear()
    symbols.first, symbols.last = module.body.block.first_op, module.body.block.last_op


def same_named(module: ModuleOp, name: str, array: Array, store: WeightStore) -> tuple[list[WeightOp], str]:
    """The weights `name`, `name.1`, ... that hold `array`, and the first such symbol that is free.

    Thousands of weights may have one name, so they are not looked through one by one.
    """
    symbols = _Symbols.of(module)
    known = symbols.numbered.setdefault(name, _Numbered())
    while (symbol := known.next(name)) in symbols.weights:
        weight = symbols.weights[symbol]
        known.weights.setdefault(digest_of(weight.array(store)), []).append(weight)
        known.count += 1
    return (known.weights.get(digest_of(array), []) if known.count else []), symbol


def symbols_are_known(module: ModuleOp) -> bool:
    """Whether the table of symbols is right: nobody defined or removed a weight but by the functions above."""
    known = _Symbols.of(module)
    found = _Symbols.renewed(module)
    return found == known


def weight_named(weights: dict[str, WeightOp], symbol: str) -> WeightOp:
    """The weight `@symbol`; UserError if the module has none."""
    if symbol not in weights:
        raise UserError(f"weight @{symbol} is used but not defined: expected a cim.weight of that name")
    return weights[symbol]


def inputs_of(module: ModuleOp) -> list[tuple[SSAValue, Port]]:
    """The network's inputs."""
    function = main_function(module)
    return list(zip(main_block(module).args, _ports(function.arg_attrs, len(main_block(module).args), "input")))


def outputs_of(module: ModuleOp) -> list[tuple[SSAValue, Port]]:
    """The network's outputs."""
    values = returned(module).arguments
    return list(zip(values, _ports(main_function(module).res_attrs, len(values), "output")))


def _ports(attributes: ArrayAttr[DictionaryAttr] | None, count: int, what: str) -> Iterator[Port]:
    for i in range(count):
        name = None if attributes is None else attributes.data[i].data.get(_NAME)
        dims = None if attributes is None else attributes.data[i].data.get(_DIMS)
        yield Port(
            unescaped(name.data) if isinstance(name, StringAttr) else f"{what}{i}",
            tuple(unescaped(d.data) for d in dims) if isa(dims, ArrayAttr[StringAttr]) else (),
        )


def opsets_attribute(opsets: dict[str, int]) -> ArrayAttr[StringAttr]:
    """`["ai.onnx:17", "com.microsoft:1"]`: the operator sets in which the digital operators are meant."""
    return ArrayAttr([StringAttr(escaped(f"{domain or 'ai.onnx'}:{version}")) for domain, version in opsets.items()])


def opsets_of(module: ModuleOp) -> dict[str, int]:
    """Version of each operator set by domain (ONNX's own is ""); opset 17 where the module names none."""
    found = module.attributes.get(OPSETS)
    return {"": 17} if found is None else dict(_opsets(found))


@lru_cache(maxsize=1 << 6)
def _opsets(found: Attribute) -> dict[str, int]:
    """What an attribute says; each kernel of a large network asks anew."""
    opsets = {"": 17}
    if isa(found, ArrayAttr[StringAttr]):
        for entry in found:
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


def set_ports(module: ModuleOp, ports_in: Sequence[Port], ports_out: Sequence[Port]) -> None:
    """Write the ports into `@main`."""
    function = main_function(module)
    function.properties["arg_attrs"] = ArrayAttr([p.attribute() for p in ports_in])
    function.properties["res_attrs"] = ArrayAttr([p.attribute() for p in ports_out])


def shape_of(kind: Attribute) -> tuple[int, ...] | None:
    """The shape of a ranked tensor type, negative for dynamic dimensions; None for anything else."""
    return kind.get_shape() if is_tensor(kind) else None
