"""Moved to :mod:`sweeps.analysis.compare`; goes with the next minor version."""

from eegxai.renamed import keep_old_names

keep_old_names(
    __name__,
    {
        "Quantity": "sweeps.analysis.compare:Quantity",
        "scores_of": "sweeps.analysis.compare:scores_of",
    },
)
