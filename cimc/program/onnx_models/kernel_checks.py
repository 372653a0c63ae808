"""Checks of a program's kernels: ONNX models that can read nothing but what the program itself brings.

ONNX Runtime would follow a tensor's external data to files, and in some versions to addresses in memory. Which of them
it refuses differs from version to version, so a program is refused when it is read.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError
from numpy import dtype
from onnx import ModelProto, TensorProto, helper

from cimc.program.container import Tensor
from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.one_line import one_line
from cimc.program.onnx_models.fatal_nodes import fatal_kernel
from cimc.program.onnx_models.mixed_products import mixed_product
from cimc.program.onnx_models.walk import location_of, tensors_of

Type: TypeAlias = tuple[dtype[Any], tuple[int, ...]]
"""The element type and shape of a constant."""
OWN_CONSTANTS = "constants"
"""The location that initializers name whose numbers are constants of the program."""


def verify_models(kernels: Sequence[Kernel], constants: Sequence[Tensor]) -> None:
    """Every kernel is an ONNX model of nodes and initializers, with constants of the program and no other data.

    Nor has it products of uint8 by int8, whose integers depend on the processor, or anything that ONNX Runtime dies of.
    """
    _verify_models(tuple(kernels), tuple((constant.dtype, constant.shape) for constant in constants))


@lru_cache(maxsize=4)
def _verify_models(kernels: Sequence[Kernel], constants: Sequence[Type]) -> None:
    """Programs are verified when they are read, and once more when a machine is made of them."""
    models = [_parsed(number, kernel) for number, kernel in enumerate(kernels)]
    fatal = fatal_kernel(models)
    if fatal is not None:
        raise ProgramError(f"kernel {fatal[0]}: {one_line(fatal[1])}")
    for number, (kernel, model) in enumerate(zip(kernels, models)):
        own = {f"constant{i}": constants[i] for i in kernel.constants}
        _verify_data(f"kernel {number}", model, own)
        mixed = mixed_product(model)
        if mixed is not None:
            raise ProgramError(
                f"kernel {number}: {one_line(mixed)} multiplies uint8 by int8, which not all processors do alike: "
                "compile the network anew"
            )


def _parsed(number: int, kernel: Kernel) -> ModelProto:
    """The model of a kernel, without anything that the compiler never writes."""
    try:
        model = ModelProto.FromString(kernel.model)
    except DecodeError as error:
        raise ProgramError(f"kernel {number} is no ONNX model, or a damaged one: compile the network anew") from error
    size = model.ByteSize()
    model.DiscardUnknownFields()  # what we do not know we cannot check, and ONNX Runtime may know it
    for extra, is_there in (
        ("fields that ONNX does not have", model.ByteSize() != size),
        ("functions of its own", len(model.functions) > 0),
        ("training information", len(model.training_info) > 0),
    ):
        if is_there:
            raise ProgramError(f"kernel {number} has {extra}: expected a graph as the compiler writes it")
    return model


def _verify_data(kernel: str, model: ModelProto, own: dict[str, Type]) -> None:
    """No tensor at any depth has its numbers outside of the kernel, but initializers that are constants in `own`.

    Those forget in `model` that their numbers are elsewhere.
    """
    allowed: set[str] = set()
    for tensor in model.graph.initializer:
        if tensor.name in own and location_of(tensor) == OWN_CONSTANTS and tensor.name not in allowed:
            _verify_constant(kernel, tensor, own[tensor.name])
            allowed.add(tensor.name)
            tensor.ClearField("data_location")
            tensor.ClearField("external_data")
    for tensor in tensors_of(model):
        location = location_of(tensor)
        if location is not None:
            raise ProgramError(
                f"{kernel}: tensor {one_line(tensor.name)!r} has its numbers outside of the program, in "
                f"{one_line(location)!r}, which is refused: expected constants of the program only"
            )


def _verify_constant(kernel: str, tensor: TensorProto, constant: Type) -> None:
    """The initializer has the type and shape of the constant that it stands for."""
    known = tensor.data_type in TensorProto.DataType.values()
    expected = helper.tensor_dtype_to_np_dtype(tensor.data_type) if known and tensor.data_type else None
    element, shape = constant
    if expected != element or tuple(tensor.dims) != shape:
        raise ProgramError(
            f"{kernel}: initializer {tensor.name} is not like the constant that it stands for, which is "
            f"{element} {list(shape)}"
        )
