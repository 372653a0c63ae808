"""What is compiled without numba around it: machine code that needs nothing else, or is not kept."""

import numpy as np
from llvmlite import binding
from numba import njit
from numpy.typing import NDArray

from cimc.machine.fast.loop_compiler import compiled
from cimc.machine.fast.loops import ENTRY, target_machine


@njit
def first_of(x: NDArray[np.int64]) -> NDArray[np.int64]:
    return x[:1].copy()


def alone(x: NDArray[np.int64]) -> int:
    return x[0] + 1


def with_memory(x: NDArray[np.int64]) -> int:
    return len(first_of(x))


def test_code_that_needs_nothing() -> None:
    code, is_alone = compiled(alone, [np.array([4])])
    assert is_alone
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target_machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    assert engine.get_function_address(ENTRY)


def test_code_that_numba_compiled_before() -> None:
    """With memory of numba's own: it runs in this process, and is not kept."""
    assert len(first_of(np.array([4, 5]))) == 1
    code, is_alone = compiled(with_memory, [np.array([4])])
    assert code
    assert not is_alone
