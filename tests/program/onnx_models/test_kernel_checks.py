"""Programs whose kernels would read anything but the program's own constants are refused when they are read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto

from cimc.program.errors import ProgramError
from cimc.program.onnx_models.kernel_checks import verify_models
from cimc.program.program import Program

Change = Callable[[ModelProto], object]


def outside(name: str = "w", location: str = "secret.txt") -> TensorProto:
    """A tensor whose numbers are in a file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def changed(program: Program, change: Change) -> Program:
    """The program with its first kernel changed."""
    model = ModelProto.FromString(program.kernels[0].model)
    change(model)
    kernels = [replace(program.kernels[0], model=model.SerializeToString()), *program.kernels[1:]]
    return replace(program, kernels=kernels)


def refusal(program: Program) -> str:
    with pytest.raises(ProgramError) as refused:
        verify_models(program.kernels, program.constants)
    return str(refused.value)


def node(attribute: AttributeProto) -> NodeProto:
    return NodeProto(op_type="Constant", output=["c"], attribute=[attribute])


PLACES: dict[str, Change] = {
    "initializer": lambda m: m.graph.initializer.append(outside()),
    "attribute": lambda m: m.graph.node.append(node(AttributeProto(t=outside()))),
    "attributes": lambda m: m.graph.node.append(node(AttributeProto(tensors=[outside()]))),
    "body": lambda m: m.graph.node.append(node(AttributeProto(g=GraphProto(initializer=[outside()])))),
    "body's constant": lambda m: m.graph.node.append(
        node(AttributeProto(g=GraphProto(node=[node(AttributeProto(t=outside()))])))
    ),
    "sparse": lambda m: m.graph.sparse_initializer.append(SparseTensorProto(values=outside())),
    "sparse indices": lambda m: m.graph.sparse_initializer.append(SparseTensorProto(indices=outside())),
    "sparse attribute": lambda m: m.graph.node.append(
        node(AttributeProto(sparse_tensor=SparseTensorProto(values=outside())))
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_files_at_any_depth(handmade: Program, place: str) -> None:
    assert refusal(changed(handmade, PLACES[place])) == (
        "kernel 0: tensor 'w' has its numbers outside of the program, in 'secret.txt', which is refused: "
        "expected constants of the program only"
    )


def test_a_file_that_names_no_location_and_one_that_is_not_marked(handmade: Program) -> None:
    unnamed, unmarked = outside(), outside()
    del unnamed.external_data[:]
    unmarked.ClearField("data_location")
    for tensor, location in ((unnamed, ""), (unmarked, "secret.txt")):
        program = changed(handmade, lambda m, tensor=tensor: m.graph.initializer.append(tensor))
        assert f"in {location!r}, which is refused" in refusal(program)


def test_constants_that_are_not_the_kernels(handmade: Program) -> None:
    """Another number than the kernel lists, another place than the program, or the same name twice or in a body."""
    location = "*/_ORT_MEM_ADDR_/*"
    body = GraphProto(initializer=[outside("constant0", "constants")])
    changes: list[tuple[Change, str]] = [
        (lambda m: m.graph.initializer.append(outside("constant1", "constants")), "constant1"),
        (lambda m: m.graph.initializer[0].CopyFrom(outside("constant0", location)), "constant0"),
        (lambda m: m.graph.initializer.append(outside("constant0", "constants")), "constant0"),
        (lambda m: m.graph.node.append(node(AttributeProto(g=body))), "constant0"),
    ]
    for change, name in changes:
        found = refusal(changed(handmade, change))
        assert found.startswith(f"kernel 0: tensor {name!r} has its numbers outside of the program")


@pytest.mark.parametrize(
    ("data_type", "dims"), [(TensorProto.FLOAT, [5]), (TensorProto.INT32, [4]), (0, [4]), (999, [4])]
)
def test_constants_of_another_form(handmade: Program, data_type: int, dims: list[int]) -> None:
    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.data_type = data_type
        del tensor.dims[:]
        tensor.dims.extend(dims)

    assert refusal(changed(handmade, change)) == (
        "kernel 0: initializer constant0 is not like the constant that it stands for, which is float32 [4]"
    )


def test_what_the_compiler_never_writes(handmade: Program) -> None:
    as_written = "expected a graph as the compiler writes it"
    assert refusal(changed(handmade, lambda m: m.functions.add())) == (
        f"kernel 0 has functions of its own: {as_written}"
    )
    assert refusal(changed(handmade, lambda m: m.training_info.add())) == (
        f"kernel 0 has training information: {as_written}"
    )
    unknown = b"\x9a\x3e\x01a"  # field 995, one byte
    strange = replace(handmade.kernels[0], model=handmade.kernels[0].model + unknown)
    assert refusal(replace(handmade, kernels=[strange])) == (
        f"kernel 0 has fields that ONNX does not have: {as_written}"
    )
    nested = handmade.kernels[0].model + b"\x3a\x04" + unknown  # the same inside of the graph
    assert refusal(replace(handmade, kernels=[replace(handmade.kernels[0], model=nested)])) == (
        f"kernel 0 has fields that ONNX does not have: {as_written}"
    )


def test_kernels_that_are_no_models(handmade: Program, tmp_path: Path) -> None:
    """They are refused when the program is read."""
    for content in (b"\x08", b"not a model"):
        program = replace(handmade, kernels=[replace(handmade.kernels[0], model=content), handmade.kernels[1]])
        program.save(tmp_path / "p.cim")
        with pytest.raises(ProgramError, match="kernel 0 is no ONNX model, or a damaged one: compile the network anew"):
            Program.load(tmp_path / "p.cim")


def test_constants_of_the_program(handmade: Program) -> None:
    verify_models(handmade.kernels, handmade.constants)
    half = replace(handmade, constants=[handmade.constants[0].astype(np.float16), *handmade.constants[1:]])
    assert refusal(half).endswith("which is float16 [4]")


def test_products_that_saturate_on_some_processors(handmade: Program) -> None:
    def product(model: ModelProto) -> None:
        model.graph.initializer.append(TensorProto(name="u", data_type=TensorProto.UINT8, dims=[1, 1], raw_data=b"1"))
        model.graph.initializer.append(TensorProto(name="s", data_type=TensorProto.INT8, dims=[1, 1], raw_data=b"1"))
        model.graph.node.append(NodeProto(op_type="MatMulInteger", name="old", input=["u", "s"], output=["p"]))

    assert refusal(changed(handmade, product)) == (
        "kernel 0: node 'old' (MatMulInteger) multiplies uint8 by int8, which not all processors do alike: "
        "compile the network anew"
    )
