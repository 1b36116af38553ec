"""Moved to :mod:`sweeps.scores.cache`; goes with the next minor version."""

from eegxai.renamed import keep_old_names

keep_old_names(
    __name__,
    {
        "tidy_from_store": "sweeps.scores.cache:tidy_from_store",
    },
)
