"""The small changes of meaning that `make mutants` makes: most of mutmut's, and five more.

Left out of mutmut's are those that mostly make what pyright refuses (`None` for an argument or a value, an argument
less) or another text: they are easily noticed and would only raise the share. The five more are faults as people make
them.
"""

from collections.abc import Iterator, Sequence

import libcst as cst
from mutmut.mutation import file_mutation, mutators

LEFT_OUT = {"operator_arg_removal", "operator_assignment", "operator_string"}


def guard_that_never_holds(node: cst.If) -> Iterator[cst.CSTNode]:
    yield node.with_changes(test=_and_also(node.test, cst.And(), "False"))


def filter_that_takes_all(node: cst.CompIf) -> Iterator[cst.CSTNode]:
    yield node.with_changes(test=_and_also(node.test, cst.Or(), "True"))


def call_left_out(node: cst.Expr) -> Iterator[cst.CSTNode]:
    """A statement that is a call: `check(program)`."""
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def keyword_left_out(node: cst.Call) -> Iterator[cst.CSTNode]:
    """So that its default holds: `axis=0` of numpy, `strict=True` of zip."""
    for position, argument in enumerate(node.args):
        if argument.keyword is not None:
            yield node.with_changes(args=_without(node.args, position))


def operand_left_out(node: cst.Call) -> Iterator[cst.CSTNode]:
    """Of `max` and `min`: what waits for two waits for one."""
    if not isinstance(node.func, cst.Name) or node.func.value not in ("max", "min"):
        return
    operands = [position for position, argument in enumerate(node.args) if argument.keyword is None]
    if len(operands) < 2 or any(argument.star for argument in node.args):
        return
    for position in operands:
        if len(operands) == 2:
            yield _parenthesised(node.args[operands[0] + operands[1] - position].value)
        else:
            yield node.with_changes(args=_without(node.args, position))


OWN = (
    (cst.If, guard_that_never_holds),
    (cst.CompIf, filter_that_takes_all),
    (cst.Expr, call_left_out),
    (cst.Call, keyword_left_out),
    (cst.Call, operand_left_out),
)


def use_these_operators() -> None:
    """mutmut has no option for it; its version is pinned."""
    assert LEFT_OUT <= {operator.__name__ for _, operator in mutators.mutation_operators}
    kept = [(node, operator) for node, operator in mutators.mutation_operators if operator.__name__ not in LEFT_OUT]
    file_mutation.mutation_operators = [*kept, *OWN]


def _and_also(test: cst.BaseExpression, operator: cst.BaseBooleanOp, value: str) -> cst.BaseExpression:
    return cst.BooleanOperation(left=_parenthesised(test), operator=operator, right=cst.Name(value))


def _parenthesised(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _without(arguments: Sequence[cst.Arg], position: int) -> list[cst.Arg]:
    return [*arguments[:position], *arguments[position + 1 :]]
