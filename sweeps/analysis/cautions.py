"""What a reader of a method's score must know of its maps."""

from collections.abc import Iterator

import pandas as pd

from eegxai.rounding import counted
from sweeps.analysis.estimates import headline_scores, last_steps
from sweeps.analysis.quantity import Quantity
from sweeps.analysis.summary import UNUSABLE
from sweeps.scores.selection import DECODER_AXES


def cautions(rows: pd.DataFrame, quantity: Quantity) -> Iterator[str]:
    """Sentences on failed checks of one method's maps, and on scores of few trials.

    Parameters
    ----------
    rows : DataFrame
        Tidy scores (columns ``TIDY``) of the method.
    quantity : Quantity
        What is read of them.
    """
    cells = rows.drop_duplicates(DECODER_AXES)
    name, of = rows["method"].iloc[0], f"of {counted(len(cells), 'decoder')}"
    if n := int(cells["validity"].isin(UNUSABLE).sum()):
        yield f"{name} has no usable map on {n} {of} (eegxai validity says why)"
    for original, n in cells["duplicate_of"].replace("", None).value_counts().items():
        yield f"{name} has the same maps as {original} on {n} {of}"
    flags = cells.loc[cells["duplicate_of"].isin(["", None]), "flags"].fillna("")
    if reasons := list(flags[flags != ""]):
        yield f"a validity check of {name} failed on {len(reasons)} {of} ({reasons[0]})"
    scored = last_steps(headline_scores(rows, quantity.check, quantity.headlines))
    defined, n_trials = (int(scored[column].sum()) for column in ("n_valid", "n_trials"))
    if defined < n_trials:
        yield f"{name} has this score on {defined} of {counted(n_trials, 'trial')}"
