"""The verdict on a method, written down once: what its 95 % intervals must show."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eegxai.attribution import CONTROLS
from sweeps.scores.table import SPECIFICITY_THRESHOLD

PASSED = "ok"
NOT_APPLICABLE = "n/a"
UNJUDGED = "-"  # controls, which methods are measured against
NOT_TESTABLE = "not testable with two classes"  # whether a map is class-specific


@dataclass(frozen=True)
class VerdictRule:
    """One property that a method must show.

    Attributes
    ----------
    letter : str
        What stands in the verdict where the property is not shown.
    name : str
        Of the property.
    asks : str
        What the interval must show, for a legend.
    holds : callable
        From a headline table to whether its rows show the property; NaN shows nothing.
    """

    letter: str
    name: str
    asks: str
    holds: Callable[[pd.DataFrame], pd.Series]


def _accurate(table: pd.DataFrame) -> pd.Series:
    return (table["over_chance_low"] > 0) & (table["over_input_low"] > 0)


def specificity_level(table: pd.DataFrame, null: str = "null_r") -> pd.Series:
    """What a similarity must stay below: the threshold, or the null level where it is higher.

    A map that is as similar to the original one as noise is has changed altogether, however
    high the similarity is. The level is the mean of the null and not the end of its interval,
    which would be high where there are few decoders.
    """
    return table[null].astype(float).fillna(SPECIFICITY_THRESHOLD).clip(SPECIFICITY_THRESHOLD)


def _class_specific(table: pd.DataFrame) -> pd.Series:
    return ~table["class_testable"] | (table["class_r_high"] < specificity_level(table))


def _model_specific(table: pd.DataFrame) -> pd.Series:
    level = specificity_level(table)
    return (table["model_r_high"] < level) & (table["cascade_area_high"] < level)


def _valid(table: pd.DataFrame) -> pd.Series:
    return table["flagged"] == 0


VERDICT_RULES = (
    VerdictRule("a", "accurate", "above random maps and the recording itself", _accurate),
    VerdictRule(
        "c",
        "class-specific",
        f"class correlation below {SPECIFICITY_THRESHOLD}, or below null",
        _class_specific,
    ),
    VerdictRule(
        "m",
        "model-specific",
        f"end and area of cascade below {SPECIFICITY_THRESHOLD}, or null",
        _model_specific,
    ),
    VerdictRule("v", "valid", "no flag on any decoder, such as duplicate", _valid),
)


def verdicts(table: pd.DataFrame) -> pd.Series:
    """Verdict on each row: ``ok``, or the letters of the properties that are NOT shown.

    Parameters
    ----------
    table : DataFrame
        Columns method, calibrated, over_chance_low, over_input_low, class_r_high, class_testable,
        model_r_high, cascade_area_high, null_r and flagged of ``sweeps.analysis.summary.headline``.
    """
    letters = pd.Series("", index=table.index)
    for rule in VERDICT_RULES:
        letters += np.where(rule.holds(table), "", rule.letter)
    found = letters.replace("", PASSED)
    found[table["calibrated"].isna()] = NOT_APPLICABLE
    found[table["method"].isin(list(CONTROLS))] = UNJUDGED
    return found
