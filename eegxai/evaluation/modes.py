"""What a mode of evaluation compares, and how: data that the protocol follows."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from eegxai.attribution import Output
from eegxai.evaluation.controls.null_maps import NULL_MAPS
from eegxai.evaluation.maps.domains import DOMAINS
from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.metrics.study import STUDY_METRICS, Metric
from eegxai.evaluation.scoring import (
    MODES,
    score_against_truth,
    score_as_the_study,
    score_pairs,
)

Metrics = Mapping[str, Mapping[str, Metric]]  # by group, the column ``mode``, and name
Score = Callable[..., pd.DataFrame]
EvaluationMode = Literal["corrected", "study"]
IDEAL = "ideal"  # group of metrics, and what they compare with
# The calibrated ones with the ideal observer's contributions as reference, by other names.
IDEAL_METRICS = {f"{IDEAL}_{name}": metric for name, metric in CALIBRATED_METRICS.items()}


@dataclass(frozen=True)
class MapComparison:
    """How maps are compared in a mode of evaluation.

    Attributes
    ----------
    truth_threshold : float
        Default of ``EvaluationSpec.truth_threshold``.
    against_truth, against_original : mapping
        The metrics, by group and name.
    score_truth, score_original : callable
        ``(maps, references, metrics) -> DataFrame`` of one row per trial.
    output : str
        What maps explain: the class's ``"contrast"`` or its ``"logit"``, an argument of
        ``attribute``.
    physical : bool
        Whether errors in ms, mm and Hz are computed.
    used : bool
        Whether maps are compared with what the decoder used.
    domains, controls : collection of str
        Those of ``DOMAINS`` and of ``NULL_MAPS`` that are scored.
    against_ideal : mapping
        The metrics with the ideal observer's contributions, by group and name.
    original_first : mapping
        Of (check, method) the domains on which the original map is the first argument of a
        metric and the changed one the second; elsewhere it is the other way round.
    """

    truth_threshold: float
    against_truth: Metrics
    against_original: Metrics
    score_truth: Score
    score_original: Score
    output: Output
    physical: bool
    used: bool
    domains: Collection[str]
    controls: Collection[str]
    against_ideal: Metrics = field(default_factory=dict)
    original_first: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)


# In the study these come from another library than the others, and its scripts for temporal and
# spectral features, which score channels x times, have their arguments the other way round.
METHODS_ORIGINAL_FIRST = ("GradCAM++", "ScoreCAM", "FullGrad", "LayerCAM")

# Where a domain is not scored by all metrics: those that mean something there. A magnitude has no
# sign, so that the signed metrics would say the same again.
ONLY_METRICS: dict[str, Collection[str]] = {
    "topography_magnitude": (
        "cosine_clipped", "auprc_magnitude", "auroc_magnitude", "mass_magnitude", "rank_magnitude",
        "ideal_auprc_magnitude", "pearson_raw", "spearman_magnitude", "ssim_minmax",
    ),
}  # fmt: skip

# Metrics whose means are told for evoked and oscillatory trials apart too, on topographies.
SPLIT_METRICS = ("cosine_clipped", "auprc_magnitude")
SPLIT_DOMAINS = ("topography", "topography_magnitude")

EVALUATION_MODES: dict[EvaluationMode, MapComparison] = {
    "corrected": MapComparison(
        truth_threshold=0.05,
        against_truth=MODES,
        against_original=SIMILARITIES,
        score_truth=score_against_truth,
        score_original=score_pairs,
        output="contrast",
        physical=True,
        used=True,
        domains=tuple(DOMAINS),
        controls=NULL_MAPS,
        against_ideal={IDEAL: IDEAL_METRICS},
    ),
    "study": MapComparison(
        truth_threshold=0.0,
        against_truth={"paper": STUDY_METRICS},
        against_original={"paper": STUDY_METRICS},
        score_truth=score_as_the_study,
        score_original=score_as_the_study,
        output="logit",
        physical=False,
        used=False,
        domains=("channel_time", "topography"),
        controls=("same_spectrum", "input_magnitude", "untrained"),
        original_first={("cascade", name): ("channel_time",) for name in METHODS_ORIGINAL_FIRST},
    ),
}
