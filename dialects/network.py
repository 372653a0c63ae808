"""What a module says of its network: entry function, weights, inputs and outputs with ONNX names, operator sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.cim import WeightOp
from dialects.errors import UserError
from dialects.texts import escaped, unescaped

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


def main_function(module: ModuleOp) -> FuncOp:
    """The function `@main` that a module is about; UserError if there is none."""
    for op in module.body.block.ops:
        if isinstance(op, FuncOp) and op.sym_name.data == "main":
            return op
    raise UserError("the module has no function @main, which is the network to compile")


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
    """The weights of a module by symbol (a dictionary, because xDSL's look-up is linear)."""
    return {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, WeightOp)}


def add_weight(module: ModuleOp, weight: WeightOp) -> None:
    """Put a new weight before `@main`."""
    module.body.block.insert_op_before(weight, main_function(module))


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
        yield from op.walk()


def set_ports(module: ModuleOp, ports_in: Sequence[Port], ports_out: Sequence[Port]) -> None:
    """Write the ports into `@main`."""
    function = main_function(module)
    function.properties["arg_attrs"] = ArrayAttr([p.attribute() for p in ports_in])
    function.properties["res_attrs"] = ArrayAttr([p.attribute() for p in ports_out])


def shape_of(kind: Attribute) -> tuple[int, ...] | None:
    """The shape of a ranked tensor type, negative for dynamic dimensions; None for anything else."""
    return kind.get_shape() if isa(kind, TensorType) else None
