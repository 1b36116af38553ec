"""Which methods pass the checks on a decoder that need no ground truth.

The checks are necessary and not sufficient: a map that changes with the class and with the weights
may still be wrong about the signal, which only a known truth shows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from eegxai.attribution.validity import BATCH, COMPLETE
from eegxai.evaluation.bounds import REFUTED, SHOWN, UNDECIDED, UNTESTABLE, similarity_level
from eegxai.evaluation.controls.null_maps import SIMILARITY_NULLS

NO_CLAIM = "no claim"
NO_CHECK_FAILED, DOUBTFUL, DO_NOT_USE, NO_MAP = (
    "no check failed", "doubtful", "do not use", "no map",
)  # fmt: skip
TRUST_COLUMNS = [
    "method", "applicable", "complete", "class_specific", "model_specific", "agreement", "trust",
    "reason",
]  # fmt: skip
# Where the similarity is read that decides, as for the verdicts of sweeps.
DECIDING_PLACE = {"domain": "channel_time", "metric": "pearson_raw"}
CLASS_CHECK, MODEL_CHECK = "target_swap", "all_weights"
PROPERTY_PHRASES = {
    "class_specific": "changes with the class",
    "model_specific": "changes with the weights",
}
TESTED = "of those that need no known truth"
BETTER_THAN_CHANCE = "the decoder is better than chance"
WITHOUT_MAP = ("not_applicable", "degenerate", "failed")

Row = Mapping[Any, Any]


def trust_by_method(
    validity: pd.DataFrame,
    checks: pd.DataFrame,
    agreement: pd.DataFrame,
    class_testable: bool,
    above_chance: bool | None,
) -> pd.DataFrame:
    """One row per method, in the columns of ``TRUST_COLUMNS``.

    Parameters
    ----------
    validity, checks, agreement : DataFrame
        Those of a :class:`DecoderExplanation`.
    class_testable : bool
        Whether a map of a wrong class can differ other than by its sign.
    above_chance : bool, optional
        Whether the decoder is better than chance; None where that is not known.
    """
    deciding = checks.loc[(checks[list(DECIDING_PLACE)] == pd.Series(DECIDING_PLACE)).all(axis=1)]
    rows = []
    for row in validity.to_dict("records"):
        own = deciding[deciding["method"] == row["method"]]
        own = own.drop_duplicates("check", keep="last").set_index("check")
        states = {
            "applicable": REFUTED if row["status"] in WITHOUT_MAP else SHOWN,
            "complete": _completeness_state(row),
            "class_specific": _is_below_null_level(own, CLASS_CHECK)
            if class_testable
            else UNTESTABLE,
            "model_specific": _is_below_null_level(own, MODEL_CHECK),
        }
        verdict = _use_and_reason(row, states, row["method"] in agreement.index, above_chance)
        told = {
            "method": row["method"],
            "agreement": _with_others(row["method"], agreement),
            **states,
        }
        rows.append(told | dict(zip(("trust", "reason"), verdict, strict=True)))
    return pd.DataFrame(rows, columns=TRUST_COLUMNS)


def _with_others(method: str, agreement: pd.DataFrame) -> float:
    """Median correlation with the other methods' maps; NaN where there are none."""
    if method not in agreement:
        return float("nan")
    return float(agreement[method].drop(method).median())


def _completeness_state(row: Row) -> str:
    ratios = [row["completeness"], row["completeness_worst"]]
    known = [ratio for ratio in ratios if ratio is not None and not np.isnan(ratio)]
    if not known:
        return NO_CLAIM
    low, high = COMPLETE
    return SHOWN if all(low <= ratio <= high for ratio in known) else REFUTED


def _is_below_null_level(own: pd.DataFrame, check: str) -> str:
    """Whether the map after a change is shown to be another one."""
    if check not in own.index:
        return UNTESTABLE
    nulls = own["mean"].reindex([name for name in SIMILARITY_NULLS if name in own.index])
    level = similarity_level(float(nulls.max()))
    mean, low, high = own.loc[check, ["mean", "low", "high"]].to_numpy(float)
    if np.isnan(mean):
        return UNTESTABLE
    if high < level:
        return SHOWN
    return REFUTED if low >= level else UNDECIDED


def _use_and_reason(
    row: Row, states: Mapping[str, str], has_map: bool, above: bool | None
) -> tuple[str, str]:
    """Whether to use a method, and why: the first case that applies."""
    original = row["duplicate_of"]
    unmoved = [PROPERTY_PHRASES[name] for name in PROPERTY_PHRASES if states[name] == REFUTED]
    doubts = "; ".join(_doubts(row, states, above))
    untested = " or ".join(untested_questions(states["class_specific"] != UNTESTABLE, above))
    limits = f"not tested: whether {untested}" if untested else ""
    fine = "; ".join(filter(None, (row["reason"], limits))) or TESTED
    cases = (
        (not has_map, NO_MAP, row["reason"]),
        (bool(original), f"same as {original}", f"its maps equal those of {original}"),
        (states["applicable"] == REFUTED, DO_NOT_USE, row["reason"]),
        ((row["batch_dependence"] or 0) > BATCH, DO_NOT_USE, "a map depends on the other trials"),
        (bool(unmoved), DO_NOT_USE, f"its map hardly {' or '.join(unmoved)}"),
        (bool(doubts), DOUBTFUL, doubts),
    )
    return next(((word, why) for true, word, why in cases if true), (NO_CHECK_FAILED, fine))


def untested_questions(class_testable: bool, above_chance: bool | None) -> list[str]:
    """What a verdict does not rest on, although it would on other trials."""
    untested = {
        f"a map {PROPERTY_PHRASES['class_specific']}": not class_testable,
        BETTER_THAN_CHANCE: above_chance is None,
    }
    return [question for question, true in untested.items() if true]


def _doubts(row: Row, states: Mapping[str, str], above: bool | None) -> Iterator[str]:
    for name, words in PROPERTY_PHRASES.items():
        if states[name] == UNDECIDED:
            yield f"more trials would show whether it {words}"
    if states["complete"] == REFUTED:
        yield f"its sum is not what it should be: {row['flags']}"
    if above is False:
        yield f"it is not shown that {BETTER_THAN_CHANCE}"
