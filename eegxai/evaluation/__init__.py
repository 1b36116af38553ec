"""Evaluation of explanations: metrics, topographies, randomizations, scores."""

from eegxai.evaluation.calibrated import CALIBRATED
from eegxai.evaluation.chance import CHANCE, baseline_maps, normalised, same_spectrum
from eegxai.evaluation.evaluating import EvaluationSpec, evaluate, evaluate_subject, subject_of
from eegxai.evaluation.examples import KINDS, Examples, examples
from eegxai.evaluation.metrics import METRICS, paper_zero_rows
from eegxai.evaluation.physical import Truth, physical_scores, truth_of
from eegxai.evaluation.randomization import (
    CHECKS,
    Change,
    Subject,
    bottom_up,
    cascade,
    check,
    independent,
    swap_targets,
    variants,
)
from eegxai.evaluation.scoring import (
    CALIBRATED_HEADLINE,
    HEADLINE,
    ground_truth_reference,
    score,
    similarity,
)
from eegxai.evaluation.similarity import SIMILARITIES
from eegxai.evaluation.topography import topography

__all__ = [
    "CALIBRATED",
    "CALIBRATED_HEADLINE",
    "CHANCE",
    "CHECKS",
    "HEADLINE",
    "KINDS",
    "METRICS",
    "SIMILARITIES",
    "Change",
    "EvaluationSpec",
    "Examples",
    "Subject",
    "Truth",
    "baseline_maps",
    "bottom_up",
    "cascade",
    "check",
    "evaluate",
    "evaluate_subject",
    "examples",
    "ground_truth_reference",
    "independent",
    "normalised",
    "paper_zero_rows",
    "physical_scores",
    "same_spectrum",
    "score",
    "similarity",
    "subject_of",
    "swap_targets",
    "topography",
    "truth_of",
    "variants",
]
