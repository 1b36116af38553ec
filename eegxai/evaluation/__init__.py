"""Evaluation of explanations: metrics, topographies, randomizations, scores."""

from eegxai.evaluation.metrics import METRICS
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
    "HEADLINE",
    "METRICS",
    "EvaluationSpec",
    "cascade",
    "evaluate",
    "ground_truth_reference",
    "score",
    "swap_targets",
    "topography",
    "variants",
]
