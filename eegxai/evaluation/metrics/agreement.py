"""How well a map's sums over pieces agree with what the decoder used of these pieces."""

import numpy as np
import pandas as pd

Array = np.ndarray
NEGLIGIBLE_SPREAD = 1e-9  # a smaller one, as a share of the largest value, is rounding


def piece_pearson(one: Array, other: Array) -> Array:
    """Correlation over the pieces, (trials,); NaN where one of the two is constant.

    Parameters
    ----------
    one, other : array, shape (trials, pieces)
    """
    centred = [values - values.mean(1, keepdims=True) for values in (one, other)]
    lengths = [np.linalg.norm(values, axis=1) for values in centred]
    largest = [np.abs(values).max(1) for values in (one, other)]
    pairs = zip(lengths, largest, strict=True)
    varies = np.all([length > NEGLIGIBLE_SPREAD * peak for length, peak in pairs], axis=0)
    scale = np.where(varies, lengths[0] * lengths[1], 1)
    return np.where(varies, (centred[0] * centred[1]).sum(1) / scale, np.nan)


def piece_spearman(one: Array, other: Array) -> Array:
    """Correlation of the ranks, the mean rank for ties; otherwise as :func:`piece_pearson`.

    Values that differ by less than 1e-5 of the largest are ties: what a piece without effect gets
    is rounding, whose order is not meaningful.
    """
    ranked = [_ranks(_rounded(values)) for values in (one, other)]
    return np.where(np.isnan(piece_pearson(one, other)), np.nan, piece_pearson(*ranked))


def _ranks(values: Array) -> Array:
    """Rank of each value in its trial, as pandas has it: scipy's needs all of ``scipy.stats``."""
    return np.ascontiguousarray(pd.DataFrame(values).rank(axis=1))


def _rounded(values: Array) -> Array:
    """Values in units of the largest, to five decimals."""
    peak = np.abs(values).max(1, keepdims=True)
    return np.round(values / np.where(peak > 0, peak, 1), 5)


AGREEMENTS = {"pearson": piece_pearson, "spearman": piece_spearman}


def use_agreement(sums: Array, use: Array) -> pd.DataFrame:
    """Each of ``AGREEMENTS`` of a map's sums with the use: one row per trial.

    Parameters
    ----------
    sums, use : array, shape (trials, pieces)
    """
    values = np.asarray(sums, float), np.asarray(use, float)
    return pd.DataFrame({name: measure(*values) for name, measure in AGREEMENTS.items()})
