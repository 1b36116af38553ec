"""Metrics of one map against another: the study's, calibrated, in physical units, similarity."""
