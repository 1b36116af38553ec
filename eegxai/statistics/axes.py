"""Effects of SNR and architecture on the methods, by permutations and by analysis of variance."""

import math
from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from eegxai.seeding import generator
from eegxai.statistics.intervals import CONFIDENCE
from eegxai.statistics.pairs import DECIMALS
from eegxai.statistics.ranks import complete_blocks

PERMUTATIONS = 999


class AxisEffect(NamedTuple):
    """The effect of an axis on the differences between methods.

    Attributes
    ----------
    share : float
        Share of the variance of the profiles that the axis explains, 0 .. 1.
    p : float
        P value of the permutation test.
    lowest_p : float
        Lowest p value that the permutations allow: above a level, no effect can be shown at it.
    n_decoders : int
        Number of decoders in the comparison.
    """

    share: float
    p: float
    lowest_p: float
    n_decoders: int


def axis_effect(scores: pd.DataFrame, axis: str, seed: int = 0) -> AxisEffect:
    """Whether the differences between methods depend on an axis, such as the SNR.

    A decoder's profile is its scores minus their mean, so that only differences between methods
    count. The values of the axis are permuted among the decoders that agree on all other axes;
    neither normality nor equal variances are assumed (Anderson, Austral Ecol. 26:32, 2001).

    Parameters
    ----------
    scores : DataFrame (decoders, methods)
        Its index levels are the axes.
    axis : str
        Level of the index.
    """
    complete = complete_blocks(scores).scores
    others = [name for name in complete.index.names if name != axis]
    profiles = complete.sub(complete.mean(axis=1), axis=0)
    strata = profiles.groupby(others, dropna=False)
    left = (profiles - strata.transform("mean")).to_numpy()
    levels = pd.get_dummies(complete.index.get_level_values(axis)).to_numpy(dtype=float)
    sums = (levels / np.sqrt(levels.sum(axis=0))).T  # squares of these sums add up to the share
    total = (left**2).sum()
    lowest_p = _lowest_p(complete.index, axis, others)
    if total < 10.0**-DECIMALS:
        return AxisEffect(0.0, 1.0, lowest_p, len(complete))
    found = ((sums @ left) ** 2).sum()
    orders = _orders_within(strata.ngroup().to_numpy(), generator(seed, "axis effect"))
    as_large = sum(((sums @ left[order]) ** 2).sum() >= found * (1 - 1e-9) for order in orders)
    p = (1 + as_large) / (1 + PERMUTATIONS)
    return AxisEffect(float(found / total), float(p), lowest_p, len(complete))


def _lowest_p(decoders: pd.Index, axis: str, others: list[Hashable]) -> float:
    """One over the number of different orders of the axis within the strata.

    The share does not change when the axis's values change names. Where every stratum has each
    value as often, that many orders are alike.
    """
    rows = decoders.to_frame(index=False)
    counts = rows.groupby([*others, axis], dropna=False).size().unstack(fill_value=0)
    gammaln = scipy.special.gammaln
    different = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)
    alike = gammaln(counts.shape[1] + 1) if (counts.nunique() == 1).all() else 0.0
    return float(min(1.0, np.exp(alike - different.sum())))


def _orders_within(strata: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Random orders (permutations, rows) that keep every row in its stratum."""
    orders = np.empty((PERMUTATIONS, len(strata)), dtype=int)
    shuffled = strata + random.random(orders.shape)
    orders[:, np.argsort(strata, kind="stable")] = np.argsort(shuffled, axis=1)
    return orders


def repeated_measures(scores: pd.DataFrame) -> pd.DataFrame:
    """Analysis of variance within decoders: methods, and effects of SNR and architecture on them.

    A decoder's profile (its scores minus their mean) is regressed on SNR and architecture. On
    complete tables the F values are those of the linear mixed model score ~ method * (snr_db +
    architecture) + (1 | decoder) for every term with the method, with exact degrees of freedom
    and no fit that has to converge; they are corrected for unequal variances and correlations
    between methods (Greenhouse & Geisser, Psychometrika 24:95, 1959).

    Parameters
    ----------
    scores : DataFrame (decoders, methods)
        Its index has the levels ``snr_db`` and ``architecture``; an axis with one value is dropped.

    Returns
    -------
    DataFrame
        The index holds the terms (method, method:snr_db, method:architecture); the columns are
        share (partial eta squared), F, df, df_error and p. NaN if there are too few decoders.
    """
    complete = complete_blocks(scores).scores
    profiles = complete.sub(complete.mean(axis=1), axis=0).to_numpy()
    design = _design(complete.index)
    residual = _residual(list(design.values()), profiles)
    freedom = len(profiles) - sum(columns.shape[1] for columns in design.values())
    error = (residual**2).sum() if freedom > 0 else math.nan
    epsilon = _sphericity(residual) * (profiles.shape[1] - 1)
    rows = {}
    for term, columns in design.items():
        without = _residual([other for name, other in design.items() if name != term], profiles)
        gain, df = (without**2).sum() - error, columns.shape[1]
        ratio = _quotient(gain / df, error / max(freedom, 1))
        rows[term] = (_quotient(gain, gain + error), ratio, df * epsilon, freedom * epsilon)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["share", "F", "df", "df_error"])
    return table.assign(p=scipy.stats.f.sf(table["F"], table["df"], table["df_error"]))


def _design(decoders: pd.Index) -> dict[str, np.ndarray]:
    """Columns of each term, centred: the method's own is its mean over the axes."""
    axes = decoders.to_frame(index=False)
    columns = {
        "method:snr_db": axes[["snr_db"]],
        "method:architecture": pd.get_dummies(axes["architecture"]).iloc[:, 1:],
    }
    centred = {name: (part - part.mean()).to_numpy(float) for name, part in columns.items()}
    varied = {name: part for name, part in centred.items() if part.any()}
    return {"method": np.ones((len(axes), 1)), **varied}


def _residual(terms: list[np.ndarray], profiles: np.ndarray) -> np.ndarray:
    """Residual of a regression on the columns of the terms."""
    if not terms:
        return profiles
    design = np.column_stack(terms)
    return profiles - design @ np.linalg.lstsq(design, profiles)[0]


def _sphericity(residual: np.ndarray) -> float:
    """Greenhouse and Geisser's epsilon of profiles (decoders, methods): 1 / (methods - 1) .. 1."""
    covariance = residual.T @ residual
    share = _quotient(np.trace(covariance) ** 2, (covariance**2).sum())
    return share / (residual.shape[1] - 1)


def _quotient(a: float, b: float) -> float:
    return float(a / b) if b else math.nan


def leads_per_db(scores: pd.DataFrame) -> pd.DataFrame:
    """How much each method's lead over the decoder's mean score changes per dB of SNR.

    Parameters
    ----------
    scores : DataFrame (decoders, methods)
        Its index has the level ``snr_db``.

    Returns
    -------
    DataFrame
        One row per method; columns slope (score per dB), low and high (95 %), from a line fitted
        over decoders for each method separately.

    Raises
    ------
    ValueError
        When there are fewer than two SNRs.
    """
    complete = complete_blocks(scores).scores
    leads = complete.sub(complete.mean(axis=1), axis=0)
    snr_db = complete.index.get_level_values("snr_db").to_numpy(float)
    if len(np.unique(snr_db)) < 2:
        raise ValueError("a slope over the SNR needs at least two values of snr_db")
    lines = [scipy.stats.linregress(snr_db, leads[name]) for name in leads]
    quantile = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(leads) - 2)
    table = pd.DataFrame({"slope": [line.slope for line in lines]}, index=leads.columns)
    half = quantile * np.array([line.stderr for line in lines])
    return table.assign(low=table["slope"] - half, high=table["slope"] + half)
