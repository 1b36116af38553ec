"""Which rows of tidy scores a reader needs: of the thousand of a cell, most read a few dozen."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, HEADLINE, Headlines
from eegxai.evaluation.scoring import headlines_with
from sweeps.scores.table import AREA, FIRST_BELOW, KEY, SIMILARITY

PLACE_COLUMNS = ("check", "feature", "domain", "metric")
ANY_CHECK = ""


class Measured(NamedTuple):
    """What is read of a cell: a check, or ``ANY_CHECK``, and the metric by feature type."""

    check: str
    headlines: Headlines


# What a reader needs; all rows where it is None.
Needed = Collection[Measured] | None

# What the tables, the report, its figures and the study's claims read as they are asked for by
# default: a tenth of all rows, which the cache keeps together.
FREQUENT = tuple(
    Measured(ANY_CHECK, headlines)
    for headlines in (
        HEADLINE,
        CALIBRATED_HEADLINE,
        *map(
            headlines_with,
            (
                SIMILARITY, AREA, FIRST_BELOW, "used_pearson", "ideal_auprc_magnitude",
                "ssim_minmax", "rank_magnitude", "auroc_magnitude", "auprc_magnitude",
            ),
        ),
    )
)  # fmt: skip


def needed_rows(table: pd.DataFrame, needed: Collection[Measured]) -> np.ndarray:
    """Whether each row of tidy scores is needed: (rows,) of bool.

    The first row of each cell is, so that cells stay of which nothing else is needed.

    Parameters
    ----------
    table : DataFrame
        Columns ``PLACE_COLUMNS`` and ``KEY``, the rows of a cell beside each other.
    needed : collection of Measured
    """
    by_check = _by_check(needed)
    number, places = _numbered_places(table)
    wanted = np.array([_is_wanted(place, by_check) for place in places], bool)
    keys = pd.factorize(table[KEY])[0]
    return wanted[number] | (np.diff(keys, prepend=-1) != 0)


def is_frequent(needed: Needed) -> bool:
    """Whether all that is needed is ``FREQUENT``."""
    frequent = [each.headlines for each in FREQUENT]
    return needed is not None and all(
        any(headlines[feature] == place for headlines in frequent)
        for each in needed
        for feature, place in each.headlines.items()
    )


def _by_check(needed: Iterable[Measured]) -> Mapping[str, list[Headlines]]:
    found: dict[str, list[Headlines]] = defaultdict(list)
    for check, headlines in needed:
        found[check].append(headlines)
    return found


def _is_wanted(place: tuple[str, ...], by_check: Mapping[str, list[Headlines]]) -> bool:
    check, feature, *where = place
    read = (*by_check.get(check, ()), *by_check.get(ANY_CHECK, ()))
    return any(headlines[feature] == tuple(where) for headlines in read)


def _numbered_places(table: pd.DataFrame) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """The number of each row's place, and the places by number."""
    columns = [pd.factorize(table[name], use_na_sentinel=False) for name in PLACE_COLUMNS]
    shape = [max(len(values), 1) for _, values in columns]
    number, found = pd.factorize(np.ravel_multi_index([codes for codes, _ in columns], shape))
    ends = zip(columns, np.unravel_index(found, shape), strict=True)
    return number, list(zip(*(values[codes] for (_, values), codes in ends), strict=True))


def metrics_of(needed: Iterable[Measured]) -> set[str]:
    """Metrics that are needed on any domain."""
    return {metric for each in needed for _, metric in each.headlines.values()}
