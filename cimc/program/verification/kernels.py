"""Checks of kernels, tables and the operators that take time; what kernels compute is checked elsewhere."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.verification.checks import below, verify_slots


def verify_kernels(kernels: Sequence[Kernel], constants: int, slots: int) -> None:
    """Kernels name values and constants that exist."""
    for number, kernel in enumerate(kernels):
        verify_slots(kernel.inputs + kernel.outputs, slots, f"kernel {number}")
        for constant in kernel.constants:
            if constant >= constants:
                raise ProgramError(f"kernel {number} uses constant {constant}, the program has {constants} constants")


def verify_tables(tables: Sequence[NDArray[np.int32]]) -> None:
    """Tables are lists of element numbers."""
    for number, table in enumerate(tables):
        if table.size and table.min() < 0:
            raise ProgramError(f"table {number} holds the negative number {table.min()}")


def verify_operations(operations: NDArray[np.int64], kernels: int) -> None:
    """Digital operators belong to kernels that exist, and take time."""
    if operations.size and operations.min() < 0:
        raise ProgramError(f"operation {int(np.argwhere(operations < 0)[0, 0])} has a negative number")
    below(operations[:, 0], kernels, "operation", "belongs to kernel", "kernels")
