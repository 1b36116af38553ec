"""The headline of a method on one decoder, read cell by cell: MLflow states it of thousands."""

from typing import Any, NamedTuple

import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, CHANCE, HEADLINE, SIMILARITY_NULLS, Headlines
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.statistics import UNBOUNDED, within_bounds
from sweeps.analysis.estimates import CLASS_CHECKS
from sweeps.analysis.summary import INPUT, LEADS, UNUSABLE, USED_HEADLINE
from sweeps.scores.table import AREA, CASCADE, DIFFERENCE, EFFICIENCY, SIMILARITY, TIDY_BOUNDS


class HeadlineReading(NamedTuple):
    """Where a number of the headline is read: a check, a metric by feature type, two columns."""

    check: str
    headlines: Headlines
    mean: str = "mean"
    half_width: str = "half_width"


def _lead(control: str, headlines: Headlines) -> HeadlineReading:
    return HeadlineReading(control, headlines, DIFFERENCE, f"{DIFFERENCE}_half")


def _efficiency_reading(check: str) -> HeadlineReading:
    return HeadlineReading(check, CALIBRATED_HEADLINE, EFFICIENCY, f"{EFFICIENCY}_half")


SIMILARITY_HEADLINE = HEADLINE.with_metric(SIMILARITY)
HEADLINE_READINGS = {
    "score": HeadlineReading(GROUND_TRUTH, HEADLINE),
    "chance": HeadlineReading(CHANCE, HEADLINE),
    "calibrated": HeadlineReading(GROUND_TRUTH, CALIBRATED_HEADLINE),
    "ceiling": HeadlineReading(IDEAL_OBSERVER, CALIBRATED_HEADLINE),
    "ideal": HeadlineReading(GROUND_TRUTH, HEADLINE.with_metric("ideal_auprc_magnitude")),
    "used_r": HeadlineReading(GROUND_TRUTH, USED_HEADLINE),
    **{name: _lead(control, CALIBRATED_HEADLINE) for name, control in LEADS.items()},
    "study_over_chance": _lead(CHANCE, HEADLINE),
    "efficiency": _efficiency_reading(GROUND_TRUTH),
    "input_efficiency": _efficiency_reading(INPUT),
    "class_r": HeadlineReading("target_swap", SIMILARITY_HEADLINE),
    "model_r": HeadlineReading(CASCADE, SIMILARITY_HEADLINE),
    "cascade_area": HeadlineReading(CASCADE, HEADLINE.with_metric(AREA)),
    **{f"{check}_r": HeadlineReading(check, SIMILARITY_HEADLINE) for check in SIMILARITY_NULLS},
}
NULLS = [f"{check}_r" for check in SIMILARITY_NULLS]
NOT_KNOWN = float("nan")


def decoder_headline(rows: pd.DataFrame) -> dict[str, Any]:
    """The row that :func:`sweeps.analysis.summary.headline` has of one cell, as far as told.

    Parameters
    ----------
    rows : DataFrame
        Tidy scores of one cell; one row without a check where it has none.

    Returns
    -------
    dict
        The numbers of ``HEADLINE_READINGS``, NaN where there are none, each with ``_low`` and
        ``_high``; null_r, n_layers, and what is known of the cell: all that a verdict rests on.
    """
    known, feature = rows.iloc[0], rows["feature"].iloc[0]
    testable = bool(known["class_testable"])
    asked = {AREA, *(reading.headlines[feature][1] for reading in HEADLINE_READINGS.values())}
    own = rows[rows["metric"].isin(asked)]
    last = own.sort_values("step", kind="stable").drop_duplicates(
        ["check", "domain", "metric"], keep="last"
    )
    places = zip(last["check"], last["domain"], last["metric"], strict=True)
    found = dict(zip(places, last.to_dict("records"), strict=True))
    row: dict[str, Any] = {}
    for name, reading in HEADLINE_READINGS.items():
        told = testable or reading.check not in CLASS_CHECKS
        where = found.get((reading.check, *reading.headlines[feature])) if told else None
        row |= _reading_interval(name, where, reading)
    area = found.get((CASCADE, HEADLINE[feature][0], AREA))
    return {
        **row,
        "null_r": max((row[name] for name in NULLS if row[name] == row[name]), default=NOT_KNOWN),
        "n_layers": area["step"] if area else NOT_KNOWN,
        "n_decoders": 1,
        "n_seeds": 1,
        "flagged": int(known["flags"] != ""),
        "n_unusable": int(known["validity"] in UNUSABLE),
        "n_duplicate": int(known["duplicate_of"] != ""),
        "duplicate_of": known["duplicate_of"],
        "class_testable": testable,
    }


def _reading_interval(
    name: str, where: dict[Any, Any] | None, reading: HeadlineReading
) -> dict[str, float]:
    if where is None:
        return {name: NOT_KNOWN, f"{name}_low": NOT_KNOWN, f"{name}_high": NOT_KNOWN}
    mean, half = float(where[reading.mean]), float(where[reading.half_width])
    metric = where["metric"] if reading.mean == "mean" else reading.mean
    low, high = within_bounds(mean, half, *TIDY_BOUNDS.get(metric, UNBOUNDED))
    return {name: mean, f"{name}_low": float(low), f"{name}_high": float(high)}
