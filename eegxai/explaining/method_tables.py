"""Tables of all methods together, from the evidence on each."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from eegxai.evaluation.metrics.agreement import piece_pearson
from eegxai.evaluation.metrics.frequency import frequency_profile
from eegxai.explaining.evidence import CHECK_COLUMNS, MethodEvidence
from eegxai.explaining.findings import (
    FREQUENCY_COLUMNS,
)

Array = np.ndarray


def map_agreements(maps: Mapping[str, Array]) -> pd.DataFrame:
    """Mean Pearson correlation of the magnitudes of two methods' maps, (methods, methods).

    Of magnitudes, since some methods have none below zero and others a sign of their own.
    """
    flat = {n: np.abs(values).reshape(len(values), -1).astype(float) for n, values in maps.items()}
    table = pd.DataFrame(np.eye(len(flat)), index=list(flat), columns=list(flat))
    for one, other in combinations(flat, 2):
        found = piece_pearson(flat[one], flat[other])
        mean = float(np.nanmean(found)) if np.isfinite(found).any() else np.nan
        table.loc[one, other] = table.loc[other, one] = mean
    return table


def frequency_table(
    relevance: Mapping[str, Array], target: Array, class_names: Sequence[str], n_times: int,
    sfreq: float,
) -> pd.DataFrame:  # fmt: skip
    """Relevance over frequency of each method that says it, mean over the trials of each class.

    Each trial's relevance, summed over channels, is divided by the sum of its magnitudes.
    """
    frequencies = np.fft.rfftfreq(n_times, 1 / sfreq)
    tables = [
        pd.DataFrame(
            {
                "method": name,
                "class": class_names[number],
                "frequency_hz": frequencies,
                "relevance": _profile_shares(frequency_profile(values[target == number])).mean(0),
            }
        )
        for name, values in relevance.items()
        for number in np.unique(target)
    ]
    return pd.concat(tables, ignore_index=True) if tables else _empty(FREQUENCY_COLUMNS)


def _profile_shares(profiles: Array) -> Array:
    sizes = np.abs(profiles).sum(1, keepdims=True)
    return profiles / np.where(sizes > 0, sizes, 1)


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


def seconds_by_part(
    shared: Mapping[str, float], found: Mapping[str, MethodEvidence]
) -> pd.DataFrame:
    """How long each part took, of all methods and of each."""
    rows = [("", part, seconds) for part, seconds in shared.items()]
    rows += [(name, *part) for name, each in found.items() for part in each.seconds.items()]
    return pd.DataFrame(rows, columns=["method", "part", "seconds"])


def checks_table(found: Mapping[str, MethodEvidence]) -> pd.DataFrame:
    """The checks of all methods, one below the other."""
    tables = [each.checks for each in found.values() if len(each.checks)]
    return pd.concat(tables, ignore_index=True) if tables else _empty(CHECK_COLUMNS)
