"""The verdict on a method, written down once: its properties, and what shows or refutes each.

A property is *shown* where the 95 % interval of its number lies on the right side of a level,
*refuted* where it lies on the other, and else *undecided*. Levels are ``verdict`` in the
configuration (:class:`sweeps.design.thresholds.Thresholds`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sweeps.design.thresholds import Thresholds

# States of a property. Without a score nothing is shown; what is not testable is not asked.
SHOWN, REFUTED, UNDECIDED = "shown", "refuted", "undecided"
NO_SCORE, UNTESTABLE = "no score", "not testable"
# Verdicts on a method; ``UNDECIDED`` and ``NO_SCORE`` are some too.
PASSES, FAILS, DUPLICATE, NOT_APPLICABLE = "passes", "fails", "duplicate", "not applicable"
# What decides between the states of several conditions: the first that there is.
ORDER = {REFUTED: 0, NO_SCORE: 1, UNDECIDED: 2, SHOWN: 3, UNTESTABLE: 4}
MARKS = {
    SHOWN: "✓", PASSES: "✓", REFUTED: "✗", FAILS: "✗", UNDECIDED: "?", DUPLICATE: "=",
    UNTESTABLE: "–", NOT_APPLICABLE: "–", NO_SCORE: "–",
}  # fmt: skip
# An interval that needs more than this many times the data is as good as on its level.
LARGEST_FACTOR = 100
# Columns of a property, by their endings.
PARTS = {
    "": "state", "_value": "value", "_low": "low", "_high": "high", "_level": "level",
    "_decided_by": "decided_by",
}  # fmt: skip

STANDARD = Thresholds()

Level = Callable[[pd.DataFrame, Thresholds], pd.Series]
Asked = Callable[[pd.DataFrame], pd.Series]


def _always(table: pd.DataFrame) -> pd.Series:
    return pd.Series(True, table.index)


@dataclass(frozen=True)
class Condition:
    """A number and the level that its interval must lie above, or below.

    Attributes
    ----------
    column : str
        Of the headline table, with ``_low`` and ``_high`` beside it.
    above : bool
        On which side of the level it must lie.
    level : callable
        From the table and the thresholds to a level for each row.
    asked : callable
        From the table to the rows on which it can be asked at all.
    would_be : str
        What would make it one that can be asked.
    """

    column: str
    above: bool
    level: Level
    asked: Asked = _always
    would_be: str = ""

    def judged(self, table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
        """State of each row, the number it rests on, and how far its interval is from shown."""
        level = self.level(table, thresholds)
        value, low, high = (
            table[f"{self.column}{end}"].astype(float) for end in ("", "_low", "_high")
        )
        worst, best, sign = (low, high, 1) if self.above else (high, low, -1)
        shown, refuted = sign * worst > sign * level, sign * best <= sign * level
        states = {UNTESTABLE: ~self.asked(table), NO_SCORE: value.isna(), SHOWN: shown}
        states[REFUTED] = refuted
        state = np.select(list(states.values()), list(states), UNDECIDED)
        found = pd.DataFrame(
            {"state": state, "value": value, "low": low, "high": high, "level": level}
        )
        slack = (sign * (worst - level)).fillna(-math.inf)
        return found.assign(slack=slack, decided_by=self._decided_by(found, table["n_seeds"]))

    def _decided_by(self, found: pd.DataFrame, n_seeds: pd.Series) -> list[str]:
        """What would decide each row; an interval shrinks with the root of the number."""
        half = np.maximum(found["value"] - found["low"], found["high"] - found["value"])
        factors = (half / (found["value"] - found["level"]).abs()) ** 2
        rows = zip(found["state"], factors, n_seeds, strict=True)
        return [self._advice(*row) for row in rows]

    def _advice(self, state: str, factor: float, n_seeds: int) -> str:
        if state == UNTESTABLE:
            return self.would_be
        if state != UNDECIDED:
            return ""
        if math.isnan(factor):
            return "more trials or seeds"  # of one there is no interval
        if factor > LARGEST_FACTOR:
            return "more than can be had: the number is at its level"
        if n_seeds > 1:
            return f"about {math.ceil(factor * n_seeds)} seeds"
        return f"about {math.ceil(factor)} times the trials"


@dataclass(frozen=True)
class Property:
    """What a method must show.

    Attributes
    ----------
    column : str
        Its name in tables and MLflow.
    name : str
        For people.
    heading : str
        Over a narrow column.
    asks : str
        What must be shown, with the thresholds' names to be filled in.
    conditions : tuple of Condition
        Of which all must be shown; one that is refuted refutes it.
    """

    column: str
    name: str
    heading: str
    asks: str
    conditions: tuple[Condition, ...]

    def judged(self, table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
        """Columns of the property: its state, and the number that decides it."""
        each = [one.judged(table, thresholds) for one in self.conditions]
        ranks = np.stack([one["state"].map(ORDER) for one in each])
        slack = np.stack([one["slack"] for one in each])
        deciding = np.lexsort((slack, ranks), axis=0)[0]
        stacked = pd.concat(each, keys=range(len(each)))
        found = stacked.loc[list(zip(deciding, table.index, strict=True))].droplevel(0)
        return pd.DataFrame({f"{self.column}{end}": found[name] for end, name in PARTS.items()})


def _constant(value: float) -> Level:
    return lambda table, thresholds: pd.Series(value, table.index)


def _threshold(name: str) -> Level:
    return lambda table, thresholds: pd.Series(getattr(thresholds, name), table.index)


def similarity_level(
    table: pd.DataFrame, thresholds: Thresholds = STANDARD, null: str = "null_r"
) -> pd.Series:
    """What a similarity must stay below: the threshold, or the null level where it is higher.

    A map that is as similar to the original one as noise is has changed altogether, however
    high the similarity is. The level is the mean of the null and not the end of its interval,
    which would be high where there are few decoders.
    """
    threshold = thresholds.similarity
    return table[null].astype(float).fillna(threshold).clip(lower=threshold)


def area_level(table: pd.DataFrame, thresholds: Thresholds) -> pd.Series:
    """The area of a cascade that falls to the level of a similarity with its first layer.

    The curve starts at 1, with no layer random: of a decoder of one layer the area is at least 0.5.
    """
    level = similarity_level(table, thresholds)
    return level + (1 - level) / (2 * table["n_layers"].astype(float))


def _has_classes(table: pd.DataFrame) -> pd.Series:
    """Maps of two classes are mirror images of each other, whatever the decoder does."""
    return table["class_testable"].astype(bool)


def _has_room(table: pd.DataFrame) -> pd.Series:
    """Where the ideal observer itself is no better than |x|, no method need be."""
    no_room = table["input_efficiency_high"].astype(float) >= 1
    return (table["over_input_low"].astype(float) > 0) | ~no_room


ZERO = _constant(0)
# By the study's own metric and threshold, whatever the configuration asks.
STUDY_THRESHOLD = _constant(0.5)
MORE_CLASSES = "more than two classes"
PROPERTIES = (
    Property(
        "finds_signal",
        "finds the signal",
        "signal",
        "scores above random maps of its own spectrum, and above the same method on the untrained "
        "decoder",
        (Condition("over_chance", True, ZERO), Condition("over_untrained", True, ZERO)),
    ),
    Property(
        "efficient",
        "efficient",
        "effic.",
        "more than {efficiency:g} of the ideal observer's score, where chance is 0",
        (Condition("efficiency", True, _threshold("efficiency")),),
    ),
    Property(
        "faithful",
        "faithful",
        "faithf.",
        "correlation over channels with what the decoder used above {use_correlation:g}",
        (Condition("used_r", True, _threshold("use_correlation")),),
    ),
    Property(
        "class_specific",
        "class-specific",
        "class",
        "correlation with the map for a wrong class below {similarity:g}, or below its null level",
        (Condition("class_r", False, similarity_level, _has_classes, MORE_CLASSES),),
    ),
    Property(
        "model_specific",
        "model-specific",
        "model",
        "the same for the map of random weights, at the end of the cascade and on average over it",
        (
            Condition("model_r", False, similarity_level),
            Condition("cascade_area", False, area_level),
        ),
    ),
)
# For information: no verdict rests on them.
BEYOND_INPUT = Property(
    "beyond_input",
    "says more than the recording",
    "> |x|",
    "scores above the magnitude of the recording itself; not decidable where the ideal observer "
    "does not either",
    (Condition("over_input", True, ZERO, _has_room, "a lower SNR"),),
)
STUDY_VERDICT = Property(
    "study_verdict",
    "by the study's rules",
    "study",
    "the study's score above random maps, and correlations with the map for a wrong class and of "
    "random weights below 0.5",
    (
        Condition("study_over_chance", True, ZERO),
        Condition("class_r", False, STUDY_THRESHOLD, _has_classes, MORE_CLASSES),
        Condition("model_r", False, STUDY_THRESHOLD),
    ),
)
APPLICABLE = "applicable"


def judged(table: pd.DataFrame, thresholds: Thresholds = STANDARD) -> pd.DataFrame:
    """Headline table with the verdict on each row.

    Parameters
    ----------
    table : DataFrame
        See ``sweeps.analysis.summary.headline``.
    thresholds : Thresholds
        ``verdict`` of the configuration.

    Returns
    -------
    DataFrame
        The same rows and columns, and: verdict (``passes``, ``fails``, ``undecided``,
        ``duplicate``, ``not applicable`` or ``no score``), verdict_on (the properties that it rests
        on, unless all are shown); applicable (``shown`` or ``refuted``: the method is, on all
        decoders, and nothing speaks against its maps); for each property, for ``beyond_input`` and
        ``study_verdict``, its state (``shown``, ``refuted``, ``undecided``, ``no score`` or
        ``not testable``) and with the endings ``_value``, ``_low``, ``_high`` and ``_level`` the
        number that decides it, its 95 % interval and its level, and ``_decided_by``, what would
        decide it.
    """
    table = table.reset_index(drop=True)
    told = (*PROPERTIES, BEYOND_INPUT, STUDY_VERDICT)
    states = pd.concat([one.judged(table, thresholds) for one in told], axis=1)
    suspect = table["flagged"] > table["n_duplicate"]
    states.insert(0, APPLICABLE, np.where(suspect, REFUTED, SHOWN))
    verdict = _verdict(table, states)
    on = _resting_on(verdict, states)
    return table.assign(verdict=verdict, verdict_on=on, **_columns(states))


def _columns(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(name): column for name, column in table.items()}


NAMES = {APPLICABLE: APPLICABLE, **{one.column: one.name for one in PROPERTIES}}


def _verdict(table: pd.DataFrame, states: pd.DataFrame) -> pd.Series:
    own = states[list(NAMES)]
    cases = {
        NOT_APPLICABLE: table["n_unusable"] == table["n_decoders"],
        NO_SCORE: own["finds_signal"] == NO_SCORE,
        DUPLICATE: table["duplicate_of"] != "",
        FAILS: own.isin([REFUTED]).any(axis=1),
        UNDECIDED: own.isin([UNDECIDED, NO_SCORE]).any(axis=1),
    }
    return pd.Series(np.select(list(cases.values()), list(cases), PASSES), table.index)


def _resting_on(verdict: pd.Series, states: pd.DataFrame) -> pd.Series:
    """The names of the properties that a verdict rests on, where it is not about all."""
    wanted = {FAILS: [REFUTED], UNDECIDED: [UNDECIDED, NO_SCORE]}
    found = [
        ", ".join(NAMES[name] for name in NAMES if row[name] in wanted.get(one, ()))
        for one, (_, row) in zip(verdict, states.iterrows(), strict=True)
    ]
    return pd.Series(found, verdict.index, dtype=str)
