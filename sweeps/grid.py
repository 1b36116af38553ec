"""Moved to :mod:`sweeps.design.cells`; goes with the next minor version."""

from eegxai.renamed import keep_old_names

keep_old_names(
    __name__,
    {
        "decoder_cells": "sweeps.design.cells:decoder_cells",
        "method_cells": "sweeps.design.cells:method_cells",
    },
)
