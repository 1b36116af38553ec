"""Evaluation of explanations: metrics, topographies, randomizations, scores."""

from eegxai.evaluation.calibrated import CALIBRATED
from eegxai.evaluation.chance import baseline_maps, normalised, same_spectrum
from eegxai.evaluation.metrics import METRICS, paper_zero_rows
from eegxai.evaluation.physical import Truth, physical_scores, truth_of
from eegxai.evaluation.randomization import cascade, swap_targets, variants
from eegxai.evaluation.scoring import (
    HEADLINE,
    EvaluationSpec,
    evaluate,
    ground_truth_reference,
    score,
)
from eegxai.evaluation.topography import topography

__all__ = [
    "CALIBRATED",
    "HEADLINE",
    "METRICS",
    "EvaluationSpec",
    "Truth",
    "baseline_maps",
    "cascade",
    "evaluate",
    "ground_truth_reference",
    "normalised",
    "paper_zero_rows",
    "physical_scores",
    "same_spectrum",
    "score",
    "swap_targets",
    "topography",
    "truth_of",
    "variants",
]
