"""The store: artefacts by key, who works on what, where results come from, how far a sweep is."""

from eegxai.renamed import keep_old_names

keep_old_names(
    __name__,
    {
        "Store": "sweeps.store.artefacts:Store",
        "store_of": "sweeps.store.artefacts:store_of",
    },
)
