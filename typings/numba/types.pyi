"""Types of values in compiled code; called with the types of arguments, a type is a signature."""

class Type:
    def __init__(self, name: str) -> None: ...
    def __call__(self, *arguments: object) -> object: ...

boolean: Type
int64: Type
uint32: Type
void: Type
