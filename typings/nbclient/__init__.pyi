from collections.abc import Mapping
from typing import Any

class NotebookClient:
    def __init__(
        self, nb: Any, *, timeout: float, coalesce_streams: bool = False, resources: Mapping[str, Any]
    ) -> None: ...
    def execute(self) -> Any: ...
