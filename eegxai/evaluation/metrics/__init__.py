"""Metrics that compare maps: the study's, calibrated, in physical units, similarities."""
