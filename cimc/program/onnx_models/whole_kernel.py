"""A kernel as an ONNX model that stands alone: with the constants of the program in it."""

from onnx import ModelProto, TensorProto, numpy_helper

from cimc.program.errors import ProgramError
from cimc.program.program import Program

LARGEST = 2**31 - 1
"""Bytes of an ONNX model in one file."""


def kernel_model(program: Program, number: int) -> ModelProto:
    """The kernel of that number as it is in the program, where large constants are elsewhere; ProgramError for none."""
    if number >= len(program.kernels):
        there = f"kernels 0 to {len(program.kernels) - 1}" if program.kernels else "no kernels"
        raise ProgramError(f"kernel {number} does not exist: the program has {there}")
    return ModelProto.FromString(program.kernels[number].model)


def whole_kernel(program: Program, number: int) -> ModelProto:
    """The same with all its constants in it. ProgramError if they are more than a file holds."""
    model = kernel_model(program, number)
    own = {f"constant{i}": program.constants[i] for i in program.kernels[number].constants}
    size = model.ByteSize() + sum(constant.nbytes for constant in own.values())
    if size > LARGEST:
        raise ProgramError(
            f"kernel {number} has {size / 1e9:.1f} GB with its constants, and an ONNX file at most "
            f"{LARGEST / 1e9:.1f}: expected a smaller one"
        )
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.CopyFrom(numpy_helper.from_array(own[tensor.name], tensor.name))
    return model
