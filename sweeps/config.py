"""Moved to :mod:`sweeps.design`; goes with the next minor version."""

from eegxai.renamed import keep_old_names

keep_old_names(
    __name__,
    {
        "SweepConfig": "sweeps.design.config:SweepConfig",
        "load": "sweeps.design.config_file:load",
    },
)
