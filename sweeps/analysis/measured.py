"""Tables whose columns are scores of a check on a domain, and nothing else: data."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, CHANCE, HEADLINE, NULL_MAPS, Headlines
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.evaluation.scoring import headlines_with
from sweeps.analysis.estimates import estimates, headline_scores, in_grid_order, last_steps
from sweeps.scores.needed import Measured
from sweeps.scores.table import CASCADE

MeasuredColumns = Mapping[str, Measured]  # each a check at its last step

CONTROLS_BESIDE: MeasuredColumns = {
    "score": Measured(GROUND_TRUTH, CALIBRATED_HEADLINE),
    **{check: Measured(check, CALIBRATED_HEADLINE) for check in (*NULL_MAPS, IDEAL_OBSERVER)},
}
DISTANCES: MeasuredColumns = {
    f"{name}{level}": Measured(check, headlines_with(f"emd_{name}"))
    for name in ("ms", "mm", "hz")
    for level, check in {"": GROUND_TRUTH, "_chance": CHANCE, "_ceiling": IDEAL_OBSERVER}.items()
}
TOPOGRAPHIES: MeasuredColumns = {
    f"{name}{kind}": Measured(
        GROUND_TRUTH, Headlines(dict.fromkeys(HEADLINE, (f"{domain}{kind}", "auprc_magnitude")))
    )
    for name, domain in {"signed": "topography", "magnitude": "topography_magnitude"}.items()
    for kind in ("", "_evoked", "_oscillatory")
}
SIMILARITY_METRICS = tuple(name for group in SIMILARITIES.values() for name in group)
SIMILARITY_COLUMNS: MeasuredColumns = {
    f"{name}_{metric}": Measured(check, HEADLINE.with_metric(metric))
    for name, check in {"class": "target_swap", "model": CASCADE, "null": "surrogate"}.items()
    for metric in SIMILARITY_METRICS
}


def measured(
    columns: MeasuredColumns, tidy: pd.DataFrame, by: Sequence[str] = ("feature",)
) -> pd.DataFrame:
    """Means over decoders of each column's score, with their 95 % intervals.

    Parameters
    ----------
    columns : mapping of str to Measured
        By the name in the table.
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    by : sequence of str
        Axes whose values have rows of their own, ``feature`` among them.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, n_decoders, and the named ones, each with ``_low`` and ``_high``.
    """
    groups = [*by, "method"]
    rows = {
        name: last_steps(headline_scores(tidy, check, headlines))
        for name, (check, headlines) in columns.items()
    }
    return in_grid_order(tidy, groups, estimates(rows, groups))


beside_controls = partial(measured, CONTROLS_BESIDE)
distances = partial(measured, DISTANCES)
topography_scores = partial(measured, TOPOGRAPHIES)
similar = partial(measured, SIMILARITY_COLUMNS)
