"""The part of libcst 1.9 that `make mutants` uses."""

from collections.abc import Sequence
from typing import Self

class CSTNode:
    def with_changes(self, **changes: object) -> Self: ...

class BaseExpression(CSTNode): ...
class BaseBooleanOp(CSTNode): ...
class And(BaseBooleanOp): ...
class Or(BaseBooleanOp): ...
class LeftParen(CSTNode): ...
class RightParen(CSTNode): ...
class Pass(CSTNode): ...

class Name(BaseExpression):
    value: str
    def __init__(self, value: str) -> None: ...

class BooleanOperation(BaseExpression):
    def __init__(self, left: BaseExpression, operator: BaseBooleanOp, right: BaseExpression) -> None: ...

class Arg(CSTNode):
    value: BaseExpression
    keyword: Name | None
    star: str

class Call(BaseExpression):
    func: BaseExpression
    args: Sequence[Arg]

class If(CSTNode):
    test: BaseExpression

class CompIf(CSTNode):
    test: BaseExpression

class Expr(CSTNode):
    value: BaseExpression
