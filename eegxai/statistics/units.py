"""Independent units of a table of scores: the seeds, each the mean of its decoders."""

from typing import TypeVar

import pandas as pd

UNIT = "seed"  # the level of an index by which decoders belong together
Scores = TypeVar("Scores", pd.Series, pd.DataFrame)


def independent(scores: Scores) -> Scores:
    """Mean over the decoders of each seed; the scores themselves where the index has no seeds.

    Folds, SNRs and architectures of a seed share data and noise. As if they were independent,
    nominal 95 % intervals of 5 seeds with 5 folds cover 73 % where seeds differ as much as folds.

    Parameters
    ----------
    scores : Series or DataFrame
        One row per decoder. NaN is left out of a seed's mean.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([[0, 1], ["a", "b"]], names=["seed", "fold"])
    >>> independent(pd.Series([1.0, 3.0, 5.0, 5.0], index)).tolist()
    [2.0, 5.0]
    """
    if UNIT not in scores.index.names:
        return scores
    return scores.groupby(level=UNIT, sort=False).mean()
