"""What each trained seed says of the measures that claims are decided by."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from sweeps.analysis.claims.study import Measure, MeasureKey
from sweeps.analysis.estimates import headline_scores
from sweeps.analysis.quantity import headlines_named
from sweeps.scores.table import AXES

WITHIN_A_SEED = ("feature", "snr_db", "fold", "architecture")
MEASURE = "measure"  # the place of a measure among several
LAST = "last"
SeedReading = tuple[str, str, str]  # check, metric and steps


def seed_means(
    tidy: pd.DataFrame, measures: Iterable[Measure], by: Sequence[str]
) -> dict[MeasureKey, pd.DataFrame]:
    """Means of measures over the decoders of each trained seed.

    Seeds that lack a decoder which others have are NaN, since another mixture of signal levels and
    folds has another mean.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    measures : iterable of Measure
    by : sequence of str
        Axes whose values are judged apart.

    Returns
    -------
    dict of tuple to DataFrame
        By the key of the measure: columns of by, method, seed and mean. A method without any finite
        score has no rows.
    """
    keys = list(dict.fromkeys(one.key for one in measures))
    group = [MEASURE, *by, "method"]
    cells = [axis for axis in WITHIN_A_SEED if axis not in by]
    # Of all measures at once: pandas takes as long for one of them.
    known = (
        _measures_of_decoders(tidy, keys).replace([np.inf, -np.inf], np.nan).dropna(subset="mean")
    )
    needed = known[[*group, *cells]].drop_duplicates().groupby(group).size().rename("needed")
    seeds = known.groupby([*group, "seed"])["mean"].agg(["mean", "count"]).reset_index()
    complete = seeds["count"] == seeds.join(needed, on=group)["needed"]
    means = seeds.assign(mean=seeds["mean"].where(complete))
    columns = [*by, "method", "seed", "mean"]
    return {key: means.loc[means[MEASURE] == place, columns] for place, key in enumerate(keys)}


def _measures_of_decoders(tidy: pd.DataFrame, keys: Sequence[MeasureKey]) -> pd.DataFrame:
    """Measures of each decoder and method: columns measure, ``AXES`` and mean."""
    readings = list(dict.fromkeys(one for key in keys for one in _readings(key)))
    values = _values_of_readings(tidy, readings)
    found = []
    for place, key in enumerate(keys):
        own, *less = (values[readings.index(one)] for one in _readings(key))
        for other in less:
            own = own - other.reindex(own.index)
        found.append(own.rename("mean").reset_index().assign(**{MEASURE: place}))
    return pd.concat(found, ignore_index=True)


def _readings(key: MeasureKey) -> Iterator[SeedReading]:
    """What a measure is read from: its check, and the one that is subtracted."""
    yield key.check, key.metric, key.steps
    if key.less:
        yield key.less, key.metric, LAST


def _values_of_readings(tidy: pd.DataFrame, readings: Sequence[SeedReading]) -> list[pd.Series]:
    """Values on each decoder, by ``AXES``; NaN where a mean over steps lacks one of them."""
    each = [headline_scores(tidy, check, headlines_named(metric)) for check, metric, _ in readings]
    rows = pd.concat(
        [part[[*AXES, "step", "mean"]].assign(**{MEASURE: n}) for n, part in enumerate(each)]
    )
    axes = [MEASURE, *AXES]
    cells = rows.groupby(axes, sort=False)
    final = rows[rows["step"] == cells["step"].transform("max")].groupby(axes, sort=False)
    values = {LAST: final["mean"].first().astype(float), "mean": _whole_means(cells)}
    place = {steps: of.index.get_level_values(MEASURE) for steps, of in values.items()}
    return [
        values[steps][place[steps] == number].droplevel(MEASURE)
        for number, (_, _, steps) in enumerate(readings)
    ]


def _whole_means(cells: DataFrameGroupBy) -> pd.Series:
    """Means over all steps from the first on; NaN where one is missing."""
    steps, values = cells["step"], cells["mean"]
    first = steps.min()
    expected = steps.max() - first + 1
    whole = (values.count() == expected) & (values.size() == expected) & (first <= 1)
    return values.mean().astype(float).where(whole)
