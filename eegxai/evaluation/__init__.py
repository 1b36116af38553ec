"""Evaluation of explanations: metrics, topographies, randomizations, scores."""

from eegxai.evaluation.controls.null_maps import (
    CHANCE,
    NULL_MAPS,
    SIMILARITY_NULLS,
    chance_corrected,
    null_maps,
    same_spectrum,
)
from eegxai.evaluation.controls.randomized_weights import bottom_up, cascade, each_layer_alone
from eegxai.evaluation.controls.sanity_checks import (
    CHECKS,
    Change,
    ExplainedTrials,
    check,
    swap_targets,
    variants,
)
from eegxai.evaluation.evaluation_spec import EvaluationSpec
from eegxai.evaluation.evidence.curves import curve_areas, deletion_curves
from eegxai.evaluation.evidence.fillings import FILLINGS
from eegxai.evaluation.evidence.patterns import (
    OutputPatterns,
    Patterns,
    pattern_agreement,
    pattern_table,
    patterns,
)
from eegxai.evaluation.evidence.replacement import replacement_agreement, replacement_use
from eegxai.evaluation.example_maps import KINDS, ExampleMaps, choose_examples, planted_bands
from eegxai.evaluation.map_references import MapReferences
from eegxai.evaluation.maps.domains import topography
from eegxai.evaluation.maps.explanation import Explanation, explanation
from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS
from eegxai.evaluation.metrics.frequency import frequency_profile, frequency_scores
from eegxai.evaluation.metrics.physical import SourceTruth, physical_scores, source_truth
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.metrics.study import STUDY_METRICS, paper_zero_rows
from eegxai.evaluation.protocol import choose_explained, evaluate, evaluate_explained
from eegxai.evaluation.references.ideal import IdealObserver, ideal_observer
from eegxai.evaluation.references.use import DecoderUse, decoder_use
from eegxai.evaluation.robustness import evaluate_robustness
from eegxai.evaluation.scoring import (
    CALIBRATED_HEADLINE,
    HEADLINE,
    Headlines,
    ground_truth_reference,
    score,
    similarity,
)
from eegxai.renamed import keep_old_names

__all__ = [
    "CALIBRATED_HEADLINE",
    "CALIBRATED_METRICS",
    "CHANCE",
    "CHECKS",
    "FILLINGS",
    "HEADLINE",
    "KINDS",
    "NULL_MAPS",
    "SIMILARITIES",
    "SIMILARITY_NULLS",
    "STUDY_METRICS",
    "Change",
    "DecoderUse",
    "EvaluationSpec",
    "ExampleMaps",
    "ExplainedTrials",
    "Explanation",
    "Headlines",
    "IdealObserver",
    "MapReferences",
    "OutputPatterns",
    "Patterns",
    "SourceTruth",
    "bottom_up",
    "cascade",
    "chance_corrected",
    "check",
    "choose_examples",
    "choose_explained",
    "curve_areas",
    "decoder_use",
    "deletion_curves",
    "each_layer_alone",
    "evaluate",
    "evaluate_explained",
    "evaluate_robustness",
    "explanation",
    "frequency_profile",
    "frequency_scores",
    "ground_truth_reference",
    "ideal_observer",
    "null_maps",
    "paper_zero_rows",
    "pattern_agreement",
    "pattern_table",
    "patterns",
    "physical_scores",
    "planted_bands",
    "replacement_agreement",
    "replacement_use",
    "same_spectrum",
    "score",
    "similarity",
    "source_truth",
    "swap_targets",
    "topography",
    "variants",
]

keep_old_names(
    __name__,
    {
        "CALIBRATED": "eegxai.evaluation:CALIBRATED_METRICS",
        "METRICS": "eegxai.evaluation:STUDY_METRICS",
        "Examples": "eegxai.evaluation:ExampleMaps",
        "Subject": "eegxai.evaluation:ExplainedTrials",
        "Truth": "eegxai.evaluation:SourceTruth",
        "baseline_maps": "eegxai.evaluation:null_maps",
        "evaluate_subject": "eegxai.evaluation:evaluate_explained",
        "examples": "eegxai.evaluation:choose_examples",
        "independent": "eegxai.evaluation:each_layer_alone",
        "normalised": "eegxai.evaluation:chance_corrected",
        "subject_of": "eegxai.evaluation:choose_explained",
        "truth_of": "eegxai.evaluation:source_truth",
    },
)
