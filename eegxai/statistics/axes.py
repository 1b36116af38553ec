"""What SNR and architecture do to the methods: a permutation test and a linear mixed model."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.formula.api import mixedlm

from eegxai.seeding import generator
from eegxai.statistics.intervals import CONFIDENCE
from eegxai.statistics.pairs import DECIMALS
from eegxai.statistics.ranks import complete_blocks

PERMUTATIONS = 999
# Of the mixed model's formula, where the axis has several values.
TERMS = {"snr_db": " * snr_db", "architecture": " + architecture"}


class AxisEffect(NamedTuple):
    """What an axis does to the differences between methods.

    Attributes
    ----------
    share : float
        Of the variance of the profiles, 0 .. 1.
    p : float
        By permutation.
    n_decoders : int
        Decoders compared on.
    """

    share: float
    p: float
    n_decoders: int


def axis_effect(scores: pd.DataFrame, axis: str, seed: int = 0) -> AxisEffect:
    """Whether the lead of methods over each other depends on an axis, such as the SNR.

    A decoder's profile is its scores minus their mean, so that only differences between methods
    count. Values of the axis are permuted among the decoders that share all other axes: no
    assumption of normality or equal variances (Anderson, Austral Ecol. 26:32, 2001).

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
    if total < 10.0**-DECIMALS:
        return AxisEffect(0.0, 1.0, len(complete))
    found = ((sums @ left) ** 2).sum()
    orders = _orders_within(strata.ngroup().to_numpy(), generator(seed, "axis effect"))
    as_large = sum(((sums @ left[order]) ** 2).sum() >= found * (1 - 1e-9) for order in orders)
    p = (1 + as_large) / (1 + PERMUTATIONS)
    return AxisEffect(float(found / total), float(p), len(complete))


def _orders_within(strata: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Random orders (permutations, rows) that leave every row in its stratum."""
    orders = np.empty((PERMUTATIONS, len(strata)), dtype=int)
    shuffled = strata + random.random(orders.shape)
    orders[:, np.argsort(strata, kind="stable")] = np.argsort(shuffled, axis=1)
    return orders


def mixed_model(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Linear mixed model across SNR and architecture, a random intercept for each decoder.

    score ~ method * snr_db + architecture + (1 | decoder), by restricted maximum likelihood; an
    axis of one value is left out.

    Parameters
    ----------
    scores : DataFrame (decoders, methods)
        Its index has the levels ``snr_db`` and ``architecture``. NaN scores are left out.

    Returns
    -------
    effects : DataFrame
        Index the terms (method, snr_db, architecture, method:snr_db); columns chi2, df, p of
        Wald's test.
    coefficients : DataFrame
        Index the terms' contrasts with the first method and architecture; columns estimate, low,
        high (95 %), p. SNRs are centred.

    Raises
    ------
    ValueError
        When the likelihood has no maximum that can be found.
    """
    long = _long(scores)
    unit = long["score"].std()  # scores near 1e-3 would end the search for the maximum early
    varied = [axis for axis in ("snr_db", "architecture") if long[axis].nunique() > 1]
    formula = "score ~ method" + "".join(TERMS[axis] for axis in varied)
    model = mixedlm(formula, long.assign(score=long["score"] / unit), groups=long["decoder"])
    fitted = model.fit()
    if not fitted.converged:
        raise ValueError("the mixed model does not converge; read axis_effect instead")
    names = list(fitted.fe_params.index)
    bounds = fitted.conf_int(1 - CONFIDENCE).loc[names].to_numpy()
    coefficients = pd.DataFrame(
        {"estimate": fitted.fe_params, "low": bounds[:, 0], "high": bounds[:, 1]}, index=names
    )
    effects = _effects(fitted.fe_params, fitted.cov_params().loc[names, names])
    return effects, (coefficients * unit).assign(p=fitted.pvalues[names])


def _long(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a score, SNRs centred."""
    axes = list(scores.index.names)
    wide = scores.reset_index().assign(decoder=range(len(scores)))
    long = wide.melt([*axes, "decoder"], var_name="method", value_name="score").dropna()
    return long.assign(snr_db=long["snr_db"] - long["snr_db"].mean())


def _effects(estimates: pd.Series, covariance: pd.DataFrame) -> pd.DataFrame:
    """Wald's test that all contrasts of a term are zero."""
    terms = estimates.index.map(lambda name: re.sub(r"\[.*?\]", "", name))
    rows = {}
    for term in terms.drop_duplicates().drop("Intercept"):
        own = estimates.index[terms == term]
        values = estimates[own].to_numpy()
        chi2 = float(values @ np.linalg.solve(covariance.loc[own, own].to_numpy(), values))
        rows[term] = {"chi2": chi2, "df": len(own), "p": stats.chi2.sf(chi2, len(own))}
    return pd.DataFrame.from_dict(rows, orient="index")
