from typing import Any

class Instance:
    @property
    def args(self) -> tuple[Any, ...]: ...
