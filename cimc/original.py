"""The network of an ONNX file, run by ONNX Runtime in a form that every processor computes alike (N22).

A file may hold products of uint8 by int8, which saturate on some processors, and float16 or bfloat16 numbers, which
ONNX Runtime rounds here and there. The exact form has neither; a file without them is run as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnxruntime
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from cimc.files.reasons import reason
from cimc.machine.check import Reference
from cimc.onnx_import.graph_checks import domain_of, subgraphs
from cimc.onnx_import.lifting import lifted_types
from cimc.onnx_import.reader import Source, digest_of, read
from cimc.program import metadata
from cimc.program.onnx_models.inference import all_nodes
from cimc.program.onnx_models.large_files import parsed
from dialects.element_types import Array
from dialects.semantics.exact_products import PRODUCTS, ZERO, mixed_operands, moved, moving_nodes
from dialects.semantics.graph_names import GraphNames, external_tensor

_SMALL = 1024
"""Constants of at most so many bytes stay in the graph, where ONNX Runtime infers shapes from them."""


@dataclass(frozen=True)
class ExactForm:
    """A network rewritten so that its integers and its roundings are the same everywhere.

    As text: what was rewritten, "" if nothing had to be.
    """

    model: ModelProto
    constants: Mapping[str, Array]
    """Values of its external initializers, to be handed over."""
    products: int
    """How many products of uint8 by int8 are now of uint8 by uint8."""
    lifted: tuple[str, ...]
    """float16 and bfloat16, where they are now float32."""

    def __str__(self) -> str:
        count = f"{self.products} product{'s' if self.products > 1 else ''} of uint8 by int8 made uint8 by uint8"
        return ", ".join([*([count] if self.products else []), *(f"{name} made float32" for name in self.lifted)])


def load_original(file: Path, packed: bool = True) -> tuple[Reference, str]:
    """The network in `file`, in exact form, ready to run, and what had to be rewritten for that ("" for nothing).

    For `packed` see `plain_session`. Raises UserError or ProgramError, naming the file, if it cannot be read or run.
    """
    form = exact_form(file)
    if form is None:
        return Reference(file, packed=packed), ""
    values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in form.constants.items()}
    model = form.model.SerializeToString()
    return Reference(model, name=str(file), constants=values, packed=packed), str(form)


def run_original(file: Path, inputs: Mapping[str, Array], packed: bool = True) -> tuple[dict[str, Array], str]:
    """The outputs of the network in `file`, and what had to be rewritten; see `load_original`."""
    reference, rewritten = load_original(file, packed)
    return reference.run(inputs), rewritten


def original_of(source: metadata.Source, folders: Iterable[Path]) -> tuple[Path | None, str]:
    """The file that a program was compiled from, if it lies in one of the folders as it was; else None, and why.

    A program knows its name and its contents only.
    """
    if not source.file:
        return None, "the program does not say what it was compiled from"
    files = [file for folder in folders if (file := folder / Path(source.file).name).is_file()]
    for file in files:
        try:
            if digest_of(file) == source.digest:
                return file, ""
        except OSError as error:
            return None, f"{file}: cannot be read: {reason(error)}"
    if files:
        return None, f"{files[0]} has changed since the program was compiled from it"
    return None, f"{source.file} is neither here nor beside the program"


def exact_form(file: Path) -> ExactForm | None:
    """The exact form of the network in `file`; None if it is exact as it is.

    Raises UserError, naming the file, if it is damaged; one that is no ONNX file at all is left to ONNX Runtime.
    """
    try:
        model = parsed(file)
    except (OSError, DecodeError, ValueError):
        return None
    nodes = [node for body in (model.graph, *model.functions) for node in all_nodes(body.node)]
    if not lifted_types(model, {}) and not any((domain_of(n.domain), n.op_type) in PRODUCTS for n in nodes):
        return None
    source = read(file, {})
    writer = _Exact(source)
    writer.rewrite(source.model.graph)
    return None if not writer.products and not source.lifted else writer.form()


@dataclass
class _Exact:
    """Rewrites the graph of `source` in place."""

    source: Source
    products: int = 0
    names: GraphNames = field(default_factory=GraphNames)
    elements: dict[str, int] = field(default_factory=dict[str, int])
    """The ONNX element types of values by name, as far as they are known."""

    def __post_init__(self) -> None:
        self._note(self.source.model.graph)
        for name in self.elements:
            self.names.reserve(name)

    def _note(self, graph: GraphProto) -> None:
        for entry in (*graph.input, *graph.value_info, *graph.output):
            self.elements[entry.name] = entry.type.tensor_type.elem_type
        self.elements |= {tensor.name: tensor.data_type for tensor in graph.initializer}
        for node in graph.node:
            for name in node.output:
                self.elements.setdefault(name, TensorProto.UNDEFINED)
            for body in subgraphs(node):
                self._note(body)

    def rewrite(self, graph: GraphProto) -> None:
        """The products of a graph and of the bodies inside."""
        nodes: list[NodeProto] = []
        for node in graph.node:
            for body in subgraphs(node):
                self.rewrite(body)
            nodes += self._exact(node)
            node.name = self.names.node(node.name)
        copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies)

    def form(self) -> ExactForm:
        """The rewritten model; its large constants are handed over apart."""
        model, used = self.source.model, _used(self.source.model.graph)
        inputs = [entry for entry in model.graph.input if entry.name not in self.source.constants]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        del model.graph.initializer[:]
        model.graph.initializer.extend(self.names.initializers.values())
        handed: dict[str, Array] = {}
        for name in used & self.source.constants.keys():
            array = self.source.constants[name]
            if array.nbytes > _SMALL and array.dtype.isbuiltin and array.dtype.kind in "fiub":
                handed[name] = array
                model.graph.initializer.append(external_tensor(name, array))
            else:
                model.graph.initializer.append(numpy_helper.from_array(array, name))
        return ExactForm(model, handed, self.products, self.source.lifted)

    def _exact(self, node: NodeProto) -> list[NodeProto]:
        """`node`, and before it what makes uint8 of its int8 operands."""
        elements = [self.elements.get(name, TensorProto.UNDEFINED) if name else 0 for name in node.input]
        nodes: list[NodeProto] = []
        for operand in mixed_operands(domain_of(node.domain), node.op_type, elements, node.name):
            self.products += 1
            node.input.extend([""] * (operand.zero + 1 - len(node.input)))
            node.input[operand.value] = self._moved(node.input[operand.value], nodes)
            zero = node.input[operand.zero]
            node.input[operand.zero] = self._moved(zero, nodes) if zero else self._known("zero point", ZERO)
        return [*nodes, node]

    def _moved(self, name: str, nodes: list[NodeProto]) -> str:
        if name in self.source.constants:
            return self._known(f"{name} as uint8", moved(self.source.constants[name]))
        wide, total, result = (self.names.fresh(f"{name} {form}") for form in ("wide", "moved", "as uint8"))
        by = self._known("128", ZERO.astype("int32"))
        nodes += moving_nodes(name, by, result, (wide, total))
        return result

    def _known(self, wish: str, array: Array) -> str:
        return self.names.form("", wish, lambda: array)


def _used(graph: GraphProto) -> set[str]:
    """The names that nodes and outputs of a graph refer to, those in bodies included."""
    used = {name for node in graph.node for name in node.input} | {entry.name for entry in graph.output}
    return used.union(*(_used(body) for node in graph.node for body in subgraphs(node)))
