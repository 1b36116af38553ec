"""Runs chosen by an expression such as ``snr_db >= -12 and architecture == 'eegnet'``.

The expression is parsed, never evaluated: names of columns, literals, comparisons, ``and``,
``or``, ``not``, ``in``, and nothing else.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from eegxai.registry import unknown_name
from sweeps.scores.table import AXES

SELECTABLE_COLUMNS = (*AXES, "accuracy", "at_chance", "validity")
GRAMMAR = "comparisons of columns with values, joined by and, or, not"

Operand = Any  # a column, a value, or a list of values
Mask = pd.Series


class FilterError(ValueError):
    """An expression that cannot be used, in one sentence."""


def chosen(tidy: pd.DataFrame, expression: str) -> pd.DataFrame:
    """Rows of tidy scores for which an expression over ``SELECTABLE_COLUMNS`` is true.

    Raises
    ------
    FilterError
        When the expression is not one, names another column, or compares text with numbers.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise FilterError(f"--where {expression!r} is not an expression: {error.args[0]}") from None
    return tidy[_truth(tree.body, tidy)]


def _truth(node: ast.expr, tidy: pd.DataFrame) -> Mask:
    for kind, reading in READINGS.items():
        if isinstance(node, kind):
            return reading(node, tidy)
    raise _refused(node)


def _joined(node: Any, tidy: pd.DataFrame) -> Mask:
    first, *others = (_truth(value, tidy) for value in node.values)
    join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
    for other in others:
        first = join(first, other)
    return first


def _negated(node: Any, tidy: pd.DataFrame) -> Mask:
    if not isinstance(node.op, ast.Not):
        raise _refused(node)
    return ~_truth(node.operand, tidy)


def _compared(node: Any, tidy: pd.DataFrame) -> Mask:
    """A comparison, or a chain of them such as ``-12 <= snr_db < 0``."""
    operands = [node.left, *node.comparators]
    truth = pd.Series(True, index=tidy.index)
    for left, kind, right in zip(operands, node.ops, operands[1:], strict=False):
        truth &= _pair(_operand(left, tidy), kind, _operand(right, tidy), node)
    return truth


def _pair(left: Operand, kind: ast.cmpop, right: Operand, node: ast.expr) -> Mask:
    columns = [side for side in (left, right) if isinstance(side, pd.Series)]
    compare = COMPARISONS.get(type(kind))
    if compare is None or not columns or isinstance(left, list):
        raise _refused(node)
    if isinstance(right, list) is not isinstance(kind, ast.In | ast.NotIn):
        raise _refused(node)
    _check_kinds(left, right, node)
    return compare(left, right)


def _check_kinds(left: Operand, right: Operand, node: ast.expr) -> None:
    """Text compares with text, numbers with numbers."""
    if (
        len({_is_text(side) for side in (left, *(right if isinstance(right, list) else [right]))})
        > 1
    ):
        raise FilterError(f"--where: {ast.unparse(node)} compares text with a number")


def _is_text(side: Operand) -> bool:
    if isinstance(side, pd.Series):
        return not pd.api.types.is_numeric_dtype(side)
    return isinstance(side, str)


def _column(node: ast.Name, tidy: pd.DataFrame) -> pd.Series:
    if node.id not in SELECTABLE_COLUMNS:
        raise FilterError(unknown_name("--where: the column", node.id, SELECTABLE_COLUMNS))
    return tidy[node.id]


def _operand(node: ast.expr, tidy: pd.DataFrame) -> Operand:
    if isinstance(node, ast.Name):
        return _column(node, tidy)
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise _refused(node) from None
    values = list(value) if isinstance(value, list | tuple | set) else [value]
    if not all(isinstance(one, str | int | float) for one in values):
        raise _refused(node)
    return values if isinstance(value, list | tuple | set) else value


def _refused(node: ast.expr) -> FilterError:
    return FilterError(f"--where: {ast.unparse(node)} is not allowed, only {GRAMMAR}")


COMPARISONS: Mapping[type[ast.cmpop], Callable[[Operand, Operand], Mask]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda column, values: column.isin(values),
    ast.NotIn: lambda column, values: ~column.isin(values),
}
READINGS: Mapping[type[ast.expr], Callable[[Any, pd.DataFrame], Mask]] = {
    ast.BoolOp: _joined,
    ast.UnaryOp: _negated,
    ast.Compare: _compared,
}
