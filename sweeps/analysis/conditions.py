"""A number of the headline table against a level, and what its 95 % interval shows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from eegxai.evaluation.bounds import REFUTED, SHOWN, UNDECIDED, UNTESTABLE
from sweeps.design.thresholds import Thresholds

NO_SCORE = "no score"  # a further state of a property: without a score nothing is shown
ZERO_ROWS = "_zero_rows"  # ending: share of the trials that enter a number as a row of zeros
# What decides between the states of several conditions: the first that there is.
STATE_ORDER = {REFUTED: 0, NO_SCORE: 1, UNDECIDED: 2, SHOWN: 3, UNTESTABLE: 4}
# An interval that needs more than this many times the data is as good as on its level.
LARGEST_FACTOR = 100
Row = Mapping[Any, Any]  # of the headline table
Level = Callable[[Row, Thresholds], float]


class PropertyState(NamedTuple):
    """The state of a property and what it rests on.

    Attributes
    ----------
    state : str
        ``SHOWN``, ``REFUTED``, ``UNDECIDED``, ``NO_SCORE`` or ``UNTESTABLE``.
    value, low, high, level : float
        The number that decides it, its 95 % interval, and the level it must lie above or below.
    decided_by : str
        What would decide it; empty where it is decided.
    slack : float
        How far the interval is on the right side.
    number : str
        Column of the headline table that the number is from: some properties have several.
    """

    state: str
    value: float
    low: float
    high: float
    level: float
    decided_by: str
    slack: float
    number: str


# Columns of a property, by their endings.
STATE_COLUMNS = {
    "": "state", "_value": "value", "_low": "low", "_high": "high", "_level": "level",
    "_decided_by": "decided_by", "_number": "number",
}  # fmt: skip


def _always(row: Row) -> bool:
    return True


@dataclass(frozen=True)
class LevelCondition:
    """A number and the level that its interval must lie above, or below.

    Attributes
    ----------
    column : str
        Of the headline table, with ``_low`` and ``_high`` beside it.
    above : bool
        On which side of the level it must lie.
    level : callable
        From a row and the thresholds to the level.
    asked : callable
        From a row to whether it can be asked at all.
    would_be : str
        What would make it one that can be asked.
    letter : str
        Behind its number in tables, where it has another level than the first one of a property.
    """

    column: str
    above: bool
    level: Level
    asked: Callable[[Row], bool] = _always
    would_be: str = ""
    letter: str = ""

    def judged(self, row: Row, thresholds: Thresholds) -> PropertyState:
        """What a row shows."""
        level = self.level(row, thresholds)
        value, low, high = (float(row[f"{self.column}{end}"]) for end in ("", "_low", "_high"))
        sign = 1 if self.above else -1
        worst, best = (low, high)[::sign]
        slack = -math.inf if math.isnan(worst) else sign * (worst - level)
        state = self._state(row, value, sign * (best - level), slack)
        half, distance = value - low if value > level else high - value, abs(value - level)
        advice = {UNTESTABLE: self.would_be, UNDECIDED: _advice(half, distance, row["n_seeds"])}
        return PropertyState(
            state, value, low, high, level, advice.get(state, ""), slack, self.column
        )

    def _state(self, row: Row, value: float, best: float, slack: float) -> str:
        """The state, by how far both ends are on the right side."""
        if not self.asked(row):
            return UNTESTABLE
        if math.isnan(value) or row.get(f"{self.column}{ZERO_ROWS}") == 1:
            return NO_SCORE  # zeros of trials without such a number show nothing
        if slack > 0:
            return SHOWN
        return REFUTED if best <= 0 else UNDECIDED


def _advice(half: float, distance: float, n_seeds: int) -> str:
    """What would decide a number so far from its level; intervals shrink with the root of n."""
    if math.isnan(half) or math.isnan(distance):
        return "more trials or seeds"  # of one there is no interval
    factor = (half / distance) ** 2 if distance else math.inf
    if factor > LARGEST_FACTOR:
        return "over 100 times the data: the number is too near its level"
    if n_seeds > 1:
        return f"about {math.ceil(factor * n_seeds)} seeds"
    return f"about {math.ceil(factor)} times the trials explained"
