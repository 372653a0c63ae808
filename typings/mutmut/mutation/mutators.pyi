from collections.abc import Callable, Iterable, Sequence
from typing import Any

import libcst

Operators = Sequence[tuple[type[libcst.CSTNode], Callable[[Any], Iterable[libcst.CSTNode]]]]
mutation_operators: Operators
