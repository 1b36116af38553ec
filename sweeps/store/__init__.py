"""The store: artefacts by key, who works on what, where results come from, how far a sweep is."""
