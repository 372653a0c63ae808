"""Models: how values of a numba type lie in memory."""

from typing import Any

class PrimitiveModel:
    def __init__(self, manager: Any, numba_type: Any, llvm_type: Any) -> None: ...
