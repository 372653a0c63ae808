"""Types and constants of LLVM; what builders make of them is not typed."""

from typing import Any

Undefined: object

class Type:
    def as_pointer(self) -> Type: ...

class IntType(Type):
    def __init__(self, bits: int) -> None: ...

class VoidType(Type): ...

class VectorType(Type):
    count: int
    def __init__(self, element: Type, count: int) -> None: ...

class FunctionType(Type):
    def __init__(self, result: Type, arguments: list[Any]) -> None: ...

class Constant:
    def __init__(self, type: Type, value: object) -> None: ...

class Function:
    def __init__(self, module: Any, type: FunctionType, name: str) -> None: ...
