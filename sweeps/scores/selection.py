"""Runs selected: those whose decoder decodes, and those for which an expression is true.

An expression is such as ``snr_db >= -12 and architecture == 'eegnet'``.

``DataFrame.query`` evaluates the expression. Before, its syntax tree is checked: comparisons of
columns with values, joined by ``and``, ``or`` and ``not``, and nothing else. So no attribute, call
or ``@`` variable reaches pandas, and a mistake is explained in terms of the columns.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from eegxai.registry import unknown_name
from sweeps.scores.table import AXES, COUNTS, FIRST_BELOW

DECODER_AXES = [axis for axis in AXES if axis != "method"]
SELECTABLE_COLUMNS = (*AXES, "accuracy", "at_chance", "validity")
GRAMMAR = "allowed are comparisons of columns with values, joined by and, or, not"
ORDER = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
MEMBERSHIP = (ast.In, ast.NotIn)
MOST_VALUES = 12  # of a column that an error lists


class FilterError(ValueError):
    """An expression that cannot be used or matches nothing, in one sentence."""


def without_chance_decoders(tidy: pd.DataFrame) -> pd.DataFrame:
    """Tidy scores in which decoders that decode no better than chance have no numbers.

    What their maps should show is unknown, so they are left out of means, intervals, tests and
    rankings: of the methods and of the controls alike, which are compared on the same decoders.
    Their rows stay and are NaN, so that a group of which nothing is left is still there, and so
    does ``at_chance``, which counts them; their flags go, since they speak against no score.
    """
    left_out = at_chance(tidy)
    if not left_out.any():
        return tidy
    # NaN there means that a map never falls below the threshold, and not that nothing is known.
    tidy = tidy[~(left_out & (tidy["metric"] == FIRST_BELOW))]
    left_out = left_out[tidy.index]
    empty = {**dict.fromkeys(("mean", "half_width", "draws_std", *COUNTS), np.nan), "flags": ""}
    known = {name: nothing for name, nothing in empty.items() if name in tidy}
    return tidy.assign(**{name: tidy[name].mask(left_out, known[name]) for name in known})


def at_chance(tidy: pd.DataFrame) -> pd.Series:
    """Whether the decoder of each row decodes no better than chance; not where that is unknown."""
    if "at_chance" not in tidy:
        return pd.Series(False, tidy.index)
    return tidy["at_chance"].eq(True)


def chance_note(tidy: pd.DataFrame) -> str:
    """How many decoders decode no better than chance and are left out; empty if none does."""
    marked = tidy.assign(at_chance=at_chance(tidy))
    decoders = marked.groupby(DECODER_AXES, sort=False, dropna=False)
    count, n_decoders = int(decoders["at_chance"].any().sum()), decoders.ngroups
    if not count:
        return ""
    kept = marked.loc[marked["at_chance"], "mean"].notna().any()
    what = (
        "are kept in means, intervals, tests and rankings"
        if kept
        else "are left out of means, intervals, tests and rankings (--keep-at-chance keeps them)"
    )
    return f"{count} of {n_decoders} decoders decode no better than chance and {what}"


def select_runs(tidy: pd.DataFrame, expression: str) -> pd.DataFrame:
    """Rows of tidy scores for which an expression over ``SELECTABLE_COLUMNS`` is true.

    Raises
    ------
    FilterError
        When the expression is not one, names another column, compares text with numbers, or is
        true for no row.
    """
    try:
        tree = _parsed(expression)
        found = _matching(tidy, tree)
    except (RecursionError, MemoryError):
        raise FilterError("--where holds an expression that is nested too deeply") from None
    if found.empty:
        raise FilterError(f"--where {expression!r} matches no finished run; {_held(tree, tidy)}")
    return found


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise FilterError(f"--where {expression!r} is not an expression: {error.args[0]}") from None


def _matching(tidy: pd.DataFrame, tree: ast.expr) -> pd.DataFrame:
    """Rows for which a checked expression is true."""
    for comparison in _comparisons(tree):
        _check_comparison(comparison, tidy)
    # Written again: in one line, and without what Python's parser skips and pandas' may not.
    try:
        return tidy.query(ast.unparse(tree), engine="python")
    except OverflowError:
        raise FilterError("--where holds a number that is too large") from None


def _comparisons(node: ast.expr) -> Iterator[ast.Compare]:
    """All comparisons that ``and``, ``or`` and ``not`` join."""
    if isinstance(node, ast.Compare):
        yield node
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _comparisons(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _comparisons(node.operand)
    else:
        raise _refusal(node)


def _check_comparison(node: ast.Compare, tidy: pd.DataFrame) -> None:
    """Each pair of a chain has a column; text is compared with text, numbers with numbers."""
    for (left, right), kind in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
        several = isinstance(right, ast.List | ast.Tuple)
        if not isinstance(kind, MEMBERSHIP if several else ORDER):
            raise _refusal(node)
        values = right.elts if isinstance(right, ast.List | ast.Tuple) else [right]
        if not any(isinstance(side, ast.Name) for side in (left, right)):
            raise _refusal(node)
        if len({_is_text(side, tidy, node) for side in (left, *values)}) > 1:
            raise FilterError(f"--where: {ast.unparse(node)} compares text with a number")


def _is_text(side: ast.expr, tidy: pd.DataFrame, node: ast.Compare) -> bool:
    """Whether a column or value is text; anything else is refused."""
    if isinstance(side, ast.Name):
        if side.id not in SELECTABLE_COLUMNS:
            raise FilterError(unknown_name("--where: the column", side.id, SELECTABLE_COLUMNS))
        return not pd.api.types.is_numeric_dtype(tidy[side.id])
    try:
        value = ast.literal_eval(side)
    except ValueError:
        value = None
    if not isinstance(value, str | int | float):
        raise _refusal(node)
    return isinstance(value, str)


def _refusal(node: ast.expr) -> FilterError:
    return FilterError(f"--where: {ast.unparse(node)} is not allowed; {GRAMMAR}")


def _held(tree: ast.expr, tidy: pd.DataFrame) -> str:
    """The values that the columns of an expression have."""
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return "; ".join(f"{name} is {_listed(tidy[name])}" for name in names)


def _listed(column: pd.Series) -> str:
    values = column.drop_duplicates().sort_values()
    if len(values) > MOST_VALUES:
        return f"from {values.iloc[0]} to {values.iloc[-1]}"
    return " or ".join(map(str, values))
