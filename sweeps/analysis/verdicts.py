"""The verdict on a method, written down once: its properties, and what shows or refutes each.

A property is *shown* where the 95 % interval of its number lies on the right side of a level,
*refuted* where it lies on the other, and else *undecided*. Levels are ``verdict`` in the
configuration (:class:`sweeps.design.thresholds.Thresholds`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from eegxai.evaluation import bounds
from sweeps.analysis.conditions import (
    NO_SCORE,
    REFUTED,
    SHOWN,
    STATE_COLUMNS,
    STATE_ORDER,
    UNDECIDED,
    UNTESTABLE,
    Level,
    LevelCondition,
    PropertyState,
    Row,
)
from sweeps.design.thresholds import Thresholds
from sweeps.scores.table import SPECIFICITY_THRESHOLD

# Verdicts on a method; ``UNDECIDED`` and ``NO_SCORE`` are some too.
PASSES, FAILS, DUPLICATE, NOT_APPLICABLE = "passes", "fails", "duplicate", "not applicable"
MARKS = {
    SHOWN: "✓", PASSES: "✓", REFUTED: "✗", FAILS: "✗", UNDECIDED: "?", DUPLICATE: "=",
    UNTESTABLE: "–", NOT_APPLICABLE: "–", NO_SCORE: "–",
}  # fmt: skip
STANDARD_THRESHOLDS = Thresholds()


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
    conditions: tuple[LevelCondition, ...]

    def judged(self, row: Row, thresholds: Thresholds) -> PropertyState:
        """What a row shows: the finding on the condition that decides."""
        found = [condition.judged(row, thresholds) for condition in self.conditions]
        return min(found, key=lambda finding: (STATE_ORDER[finding.state], finding.slack))


def _fixed_level(value: float) -> Level:
    return lambda row, thresholds: value


def _threshold(name: str) -> Level:
    return lambda row, thresholds: float(getattr(thresholds, name))


def level_of_row(
    row: Row, thresholds: Thresholds = STANDARD_THRESHOLDS, null: str = "null_r"
) -> float:
    """What a similarity must stay below: the threshold, or the null level where it is higher.

    A map that is as similar to the original one as noise is has changed altogether, however
    high the similarity is. The level is the mean of the null and not the end of its interval,
    which would be high where there are few decoders.
    """
    return bounds.similarity_level(float(row[null]), thresholds.similarity)


def area_level(row: Row, thresholds: Thresholds) -> float:
    """The area of a cascade that falls to the level of a similarity with its first layer.

    The curve starts at 1, with no layer random: of a decoder of one layer the area is at least 0.5.
    """
    level = level_of_row(row, thresholds)
    return level + (1 - level) / (2 * row["n_layers"])


def _has_classes(row: Row) -> bool:
    """Maps of two classes are mirror images of each other, whatever the decoder does."""
    return bool(row["class_testable"])


def _has_room(row: Row) -> bool:
    """Where the ideal observer itself is no better than |x|, no method need be."""
    return row["over_input_low"] > 0 or not row["input_efficiency_high"] >= 1


ZERO = _fixed_level(0)
# By the study's own metric and threshold, whatever the configuration asks.
STUDY_THRESHOLD = _fixed_level(SPECIFICITY_THRESHOLD)
MORE_CLASSES = "more than two classes"
PROPERTIES = (
    Property(
        "finds_signal",
        "finds the signal",
        "signal",
        "lead over random maps of the same spectrum and over the same method on the untrained "
        "decoder; the smaller lead is above 0",
        (LevelCondition("over_chance", True, ZERO), LevelCondition("over_untrained", True, ZERO)),
    ),
    Property(
        "efficient",
        "efficient",
        "effic.",
        "more than {efficiency:g} of the ideal observer's score, where chance is 0",
        (LevelCondition("efficiency", True, _threshold("efficiency")),),
    ),
    Property(
        "faithful",
        "faithful",
        "faithf.",
        "correlation over channels with what the decoder used is above {use_correlation:g}",
        (LevelCondition("used_r", True, _threshold("use_correlation")),),
    ),
    Property(
        "class_specific",
        "class-specific",
        "class",
        "correlation with the map for a wrong class is below {similarity:g} or below its null "
        "level",
        (LevelCondition("class_r", False, level_of_row, _has_classes, MORE_CLASSES),),
    ),
    Property(
        "model_specific",
        "model-specific",
        "model",
        "the same for random weights, at the end of the cascade and for the area under it (a), "
        "whose level is (1 - {similarity:g}) / 2n higher for n layers because the curve starts at "
        "1; the number shown is the one that decides",
        (
            LevelCondition("model_r", False, level_of_row),
            LevelCondition("cascade_area", False, area_level, letter="a"),
        ),
    ),
)
# For information: no verdict rests on them.
BEYOND_INPUT = Property(
    "beyond_input",
    "says more than the recording",
    "> |x|",
    "the score is above that of the magnitude of the recording itself; not testable where the "
    "ideal observer's is not",
    (LevelCondition("over_input", True, ZERO, _has_room, "a lower SNR"),),
)
STUDY_VERDICT = Property(
    "study_verdict",
    "by the study's rules",
    "study",
    "the study's score is above that of random maps, and the correlations with the map for a wrong "
    "class and for random weights are below 0.5",
    (
        LevelCondition("study_over_chance", True, ZERO),
        LevelCondition("class_r", False, STUDY_THRESHOLD, _has_classes, MORE_CLASSES),
        LevelCondition("model_r", False, STUDY_THRESHOLD),
    ),
)
APPLICABLE = "applicable"


def judged(table: pd.DataFrame, thresholds: Thresholds = STANDARD_THRESHOLDS) -> pd.DataFrame:
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
        number that decides it, its 95 % interval and its level, ``_number``, the column that it is
        from, and ``_decided_by``, what would decide it.
    """
    rows = [{**row, **verdict_on(row, thresholds)} for row in table.to_dict("records")]
    return pd.DataFrame(rows, columns=[*table.columns, *VERDICT_COLUMNS])


NAMES = {APPLICABLE: APPLICABLE, **{one.column: one.name for one in PROPERTIES}}
TOLD = {one.column: one for one in (*PROPERTIES, BEYOND_INPUT, STUDY_VERDICT)}
VERDICT_COLUMNS = (
    "verdict", "verdict_on", APPLICABLE,
    *(f"{name}{end}" for name in TOLD for end in STATE_COLUMNS),
)  # fmt: skip


def verdict_on(row: Row, thresholds: Thresholds = STANDARD_THRESHOLDS) -> dict[str, Any]:
    """The columns that :func:`judged` adds, of one row."""
    found = {name: one.judged(row, thresholds) for name, one in TOLD.items()}
    suspect = row["flagged"] > row["n_duplicate"]
    states = {APPLICABLE: REFUTED if suspect else SHOWN}
    states |= {one.column: found[one.column].state for one in PROPERTIES}
    verdict = _overall_verdict(row, states)
    return {
        "verdict": verdict,
        "verdict_on": ", ".join(NAMES[name] for name in _resting_on(verdict, states)),
        APPLICABLE: states[APPLICABLE],
        **{
            f"{name}{end}": getattr(finding, part)
            for name, finding in found.items()
            for end, part in STATE_COLUMNS.items()
        },
    }


def _overall_verdict(row: Row, states: Mapping[str, str]) -> str:
    cases = {
        NOT_APPLICABLE: row["n_unusable"] == row["n_decoders"],
        NO_SCORE: states["finds_signal"] == NO_SCORE,
        DUPLICATE: row["duplicate_of"] != "",
        FAILS: REFUTED in states.values(),
        UNDECIDED: not {UNDECIDED, NO_SCORE}.isdisjoint(states.values()),
    }
    return next((verdict for verdict, true in cases.items() if true), PASSES)


def verdict_as_original(row: Row) -> str:
    """The verdict of a judged row; of a duplicate's the one that its own numbers have."""
    if row["verdict"] != DUPLICATE:
        return str(row["verdict"])
    return _overall_verdict({**row, "duplicate_of": ""}, {name: row[name] for name in NAMES})


def _resting_on(verdict: str, states: Mapping[str, str]) -> list[str]:
    """The properties that a verdict rests on, where it is not about all."""
    wanted = {FAILS: [REFUTED], UNDECIDED: [UNDECIDED, NO_SCORE]}.get(verdict, [])
    return [name for name, state in states.items() if state in wanted]


def verdict_text(row: Row) -> str:
    """The verdict in words, such as ``✗ fails: class-specific`` or ``= InputXGradient``."""
    verdict = row["verdict"]
    if verdict == DUPLICATE:
        return f"{MARKS[verdict]} {row['duplicate_of']}"
    on = f": {row['verdict_on']}" if row["verdict_on"] else ""
    return f"{MARKS[verdict]} {verdict}{on}"
