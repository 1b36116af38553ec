"""Correlations of maps with a reference over parts of the trial, one row per method."""

from collections.abc import Mapping

import mne
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from eegxai.evaluation.maps.explanation import Explanation
from eegxai.evaluation.metrics.agreement import piece_pearson
from eegxai.evaluation.references.use_scores import SumsByFamily, piece_sums
from eegxai.statistics import Bounds, student_interval

Array = np.ndarray
MapsByMethod = Mapping[str, Tensor | npt.ArrayLike]  # (trials, channels, times), by method
CHANCE_AGREEMENT = 0.0  # of a correlation: what sums in random order have
CORRELATION_BOUNDS = Bounds(-1.0, 1.0)


def map_sums(maps: MapsByMethod, info: mne.Info) -> Mapping[str, SumsByFamily]:
    """Sums of each method's maps over channels and over windows, (trials, pieces) by domain."""
    return {
        name: piece_sums(Explanation(torch.as_tensor(each)), info) for name, each in maps.items()
    }


def reference_agreement_table(
    sums: Mapping[str, SumsByFamily], reference: SumsByFamily, halves: Mapping[str, Array]
) -> pd.DataFrame:
    """Mean over trials of the correlation of each method's sums with a reference's.

    Parameters
    ----------
    sums : mapping
        By method and domain.
    reference : mapping of str to array (trials, pieces)
    halves : mapping of str to array (2, trials, pieces)
        The reference from one half of the evidence and from the other, for the ceiling.

    Returns
    -------
    DataFrame
        method, domain, value, low, high, n_valid, chance, ceiling.
    """
    ceilings = {
        domain: student_interval(piece_pearson(*pair)).mean for domain, pair in halves.items()
    }
    rows = []
    for method, by_domain in sums.items():
        for domain, values in by_domain.items():
            value, low, high, n_valid = student_interval(
                piece_pearson(values, reference[domain]), CORRELATION_BOUNDS
            )
            rows.append(
                {
                    "method": method, "domain": domain, "value": value, "low": low, "high": high,
                    "n_valid": n_valid, "chance": CHANCE_AGREEMENT, "ceiling": ceilings[domain],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
