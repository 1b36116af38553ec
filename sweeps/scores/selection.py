"""Runs selected: those whose decoder decodes, and those for which an expression is true.

An expression is such as ``snr_db >= -12 and architecture == 'eegnet'``.

``DataFrame.query`` evaluates the expression. Before, its syntax tree is checked: comparisons of
columns with values, joined by ``and``, ``or`` and ``not``, and nothing else. So no attribute, call
or ``@`` variable reaches pandas, and a mistake is explained in terms of the columns.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from eegxai.registry import unknown_name
from eegxai.rounding import counted
from sweeps.scores.table import AXES, COUNTS, FIRST_BELOW, LEVELS

DECODER_AXES = [axis for axis in AXES if axis != "method"]
SELECTABLE_COLUMNS = (*AXES, "accuracy", "at_chance", "validity")
# A table of every column that can be selected by, to check an expression before scores are read.
NO_ROWS = pd.DataFrame(columns=SELECTABLE_COLUMNS).astype(
    {"snr_db": float, "seed": int, "fold": int, "accuracy": float, "at_chance": bool}
)
GRAMMAR = "allowed are comparisons of columns with values, joined by and, or, not"
COMPARING_OPERATORS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
MEMBERSHIP = (ast.In, ast.NotIn)
MOST_VALUES = 12  # of a column that an error lists
LONGEST_SLUG = 40  # characters of an expression in the name of a file
# What may not be in names of files, as words; equality, the most frequent one, goes without.
OPERATOR_WORDS = {
    "==": " ", "!=": " not ", "<=": " le ", ">=": " ge ", "<": " lt ", ">": " gt ",
    r"-(?=[\d.])": " minus",
}  # fmt: skip
ALL_CELLS = "all finished cells"


class FilterError(ValueError):
    """An expression that cannot be used or matches nothing, in one sentence."""


def without_chance_decoders(tidy: pd.DataFrame) -> pd.DataFrame:
    """Tidy scores in which decoders that decode no better than chance have no numbers.

    What their maps should show is unknown, so they are left out of means, intervals, tests and
    rankings: of the methods and of the controls alike, which are compared on the same decoders.
    Their rows stay and are NaN, so that a group of which nothing is left is still there, and so
    does ``rows_at_chance``, which counts them; their flags go, since they speak against no score.
    """
    left_out = rows_at_chance(tidy)
    if not left_out.any():
        return tidy
    # NaN there means that a map never falls below the threshold, and not that nothing is known.
    tidy = tidy[~(left_out & (tidy["metric"] == FIRST_BELOW))]
    left_out = left_out[tidy.index]
    empty = {
        **dict.fromkeys(("mean", "half_width", "draws_std", *LEVELS, *COUNTS), np.nan),
        "flags": "",
    }
    known = {name: nothing for name, nothing in empty.items() if name in tidy}
    return tidy.assign(**{name: tidy[name].mask(left_out, known[name]) for name in known})


def rows_at_chance(tidy: pd.DataFrame) -> pd.Series:
    """Whether the decoder of each row decodes no better than chance; not where that is unknown."""
    if "at_chance" not in tidy:
        return pd.Series(False, tidy.index)
    return tidy["at_chance"].eq(True)


def chance_note(tidy: pd.DataFrame) -> str:
    """How many decoders decode no better than chance and are left out; empty if none does."""
    marked = tidy.assign(at_chance=rows_at_chance(tidy))
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


@dataclass(frozen=True)
class HeldCells:
    """Which cells a table holds.

    Attributes
    ----------
    config : str
        Name of the sweep.
    where : str
        The expression that selects them; empty where all are held.
    cells, decoders, seeds : int
        How many there are.
    """

    config: str
    where: str
    cells: int
    decoders: int
    seeds: int

    @classmethod
    def of(cls, tidy: pd.DataFrame, config: str, where: str = "") -> "HeldCells":
        """The cells of tidy scores."""
        decoders = tidy[DECODER_AXES].drop_duplicates()
        cells = tidy[list(AXES)].drop_duplicates()
        return cls(
            config,
            canonical(where) if where else "",
            len(cells),
            len(decoders),
            decoders["seed"].nunique(),
        )

    @property
    def chosen(self) -> str:
        """The expression in words."""
        return f"cells where {self.where}" if self.where else ALL_CELLS

    @property
    def sentence(self) -> str:
        """What a reader must know of where the numbers are from."""
        counts = (
            counted(number, noun)
            for number, noun in ((self.cells, "cell"), (self.decoders, "decoder"))
        )
        of = f"{' of '.join(counts)} and {counted(self.seeds, 'seed')}"
        return f"Sweep {self.config}, {self.chosen}: {of}."

    @property
    def columns(self) -> dict[str, str | int]:
        """The same, for tables that programs read."""
        return {**asdict(self), "where": self.where or ALL_CELLS}

    def stem(self, kind: str = "") -> str:
        """Name of a file without its ending: of the sweep, a kind of table and the selection."""
        name = f"{self.config}-{kind}" if kind else self.config
        return f"{name}-where-{slug(self.where)}" if self.where else name


def canonical(expression: str) -> str:
    """An expression with its blanks, brackets and quotes in one way."""
    return ast.unparse(_parsed(expression))


def slug(expression: str) -> str:
    """Part of a file's name that can be read, and that no other expression has.

    Examples
    --------
    >>> slug("snr_db >= -12 and feature == 'temporal'")
    'snr_db-ge-minus12-and-feature-temporal-63dfbb'
    """
    text = whole = canonical(expression)
    for sign, worded in OPERATOR_WORDS.items():
        text = re.sub(sign, worded, text)
    readable = "-".join(re.findall(r"[A-Za-z0-9_.]+", text))[:LONGEST_SLUG].strip("-")
    return f"{readable}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"


def select_runs(tidy: pd.DataFrame, expression: str) -> pd.DataFrame:
    """Rows of tidy scores for which an expression over ``SELECTABLE_COLUMNS`` is true.

    Raises
    ------
    FilterError
        When the expression is not one, names another column, compares text with numbers, or is
        true for no row.
    """
    tree, found = _evaluated(tidy, expression)
    if found.empty:
        raise FilterError(f"--where {expression!r} matches no finished run; {_held(tree, tidy)}")
    return found


def check_expression(expression: str) -> None:
    """Refuse an expression that no scores could answer, before any are read.

    Raises
    ------
    FilterError
        When the expression is not one, names another column or compares text with numbers.
    """
    _evaluated(NO_ROWS, expression)


def _evaluated(tidy: pd.DataFrame, expression: str) -> tuple[ast.expr, pd.DataFrame]:
    """The parsed expression, and the rows for which it is true."""
    try:
        tree = _parsed(expression)
        return tree, _matching(tidy, tree)
    except (RecursionError, MemoryError):
        raise FilterError("--where holds an expression that is nested too deeply") from None


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        hint = "; equality is ==" if re.search(r"[^=!<>]=[^=]", expression) else ""
        raise FilterError(
            f"--where {expression!r} is not an expression: {error.args[0]}{hint}"
        ) from None


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
        raise _not_allowed(node)


def _check_comparison(node: ast.Compare, tidy: pd.DataFrame) -> None:
    """Each pair of a chain has a column; text is compared with text, numbers with numbers."""
    for (left, right), kind in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
        several = isinstance(right, ast.List | ast.Tuple)
        if not isinstance(kind, MEMBERSHIP if several else COMPARING_OPERATORS):
            raise _not_allowed(node)
        values = right.elts if isinstance(right, ast.List | ast.Tuple) else [right]
        if not any(isinstance(side, ast.Name) for side in (left, right)):
            raise _not_allowed(node)
        if len({_compares_text(side, tidy, node) for side in (left, *values)}) > 1:
            raise FilterError(f"--where: {ast.unparse(node)} compares text with a number")


def _compares_text(side: ast.expr, tidy: pd.DataFrame, node: ast.Compare) -> bool:
    """Whether a column or value is text; anything else is refused."""
    if isinstance(side, ast.Name):
        known = [name for name in SELECTABLE_COLUMNS if name in tidy]
        if side.id not in known:
            raise FilterError(unknown_name("--where: the column", side.id, known))
        return not pd.api.types.is_numeric_dtype(tidy[side.id])
    try:
        value = ast.literal_eval(side)
    except ValueError:
        value = None
    if not isinstance(value, str | int | float):
        raise _not_allowed(node)
    return isinstance(value, str)


def _not_allowed(node: ast.expr) -> FilterError:
    return FilterError(f"--where: {ast.unparse(node)} is not allowed; {GRAMMAR}")


def _held(tree: ast.expr, tidy: pd.DataFrame) -> str:
    """The values that the columns of an expression have."""
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return "; ".join(f"{name} is {_values_or(tidy[name])}" for name in names)


def _values_or(column: pd.Series) -> str:
    values = column.drop_duplicates().sort_values()
    if len(values) > MOST_VALUES:
        return f"from {values.iloc[0]} to {values.iloc[-1]}"
    return " or ".join(map(str, values))
