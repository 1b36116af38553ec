"""Scores of explanations, trial by trial: against a ground truth or against another map."""

from collections.abc import Iterable, Iterator, Mapping

import mne
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from eegxai.evaluation.maps.domains import DOMAINS
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS
from eegxai.evaluation.metrics.names import COMPARED_METRICS
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.metrics.study import STUDY_METRICS, Metric
from eegxai.machine import keep_freed_memory
from eegxai.registry import lookup
from eegxai.simulation import FEATURES

MODES: dict[str, dict[str, Metric]] = {"paper": STUDY_METRICS, "calibrated": CALIBRATED_METRICS}


class Headlines(dict[str, tuple[str, str]]):
    """(domain, metric) by feature type; one that is not listed has those of ``temporal``."""

    def __missing__(self, feature: str) -> tuple[str, str]:
        return self["temporal"]

    def domains(self, features: pd.Series) -> pd.Series:
        """Domain of the headline for a column of feature types."""
        return features.map({feature: self[feature][0] for feature in features.unique()})

    def metrics(self, features: pd.Series) -> pd.Series:
        """Metric of the headline for a column of feature types."""
        return features.map({feature: self[feature][1] for feature in features.unique()})

    def with_metric(self, metric: str) -> "Headlines":
        """Another metric on the same domains."""
        return Headlines({feature: (domain, metric) for feature, (domain, _) in self.items()})


# The study's headline against ground truth by feature type: (domain, metric). Relevance mass
# accuracy, and cosine on the topography; of their versions the clipped one, with which
# braindecode's interpretability tutorial sums up a method.
HEADLINE = Headlines(
    {
        **dict.fromkeys(FEATURES, ("channel_time", "mass_clipped")),
        "spatial": ("topography", "cosine_clipped"),
    }
)

# The calibrated headline, on the same domain: average precision of the map's magnitude. Its chance
# level is known, the truth itself reaches 1, and it ignores the sign, which methods use in
# different ways. A band has no place in channels and times: it is sought over frequency.
CALIBRATED_HEADLINE = Headlines(
    {**HEADLINE.with_metric("auprc_magnitude"), "spectral": ("channel_frequency", "band_mass")}
)

# Metrics that are defined on only one domain, whatever the feature type.
DOMAIN_OF_METRIC = {
    **dict.fromkeys(("band_mass", "band_auprc", "band_error_hz", "emd_hz"), "channel_frequency"),
    **dict.fromkeys(("latency_error_ms", "dipole_error_mm", "emd_ms", "emd_mm"), "channel_time"),
    **dict.fromkeys(("used_pearson", "used_spearman"), "channel"),
}


def headlines_with(metric: str) -> Headlines:
    """A metric on the domain of each feature type's headline, or on the only one that it has."""
    domain = DOMAIN_OF_METRIC.get(metric)
    if domain is None:
        return HEADLINE.with_metric(metric)
    return Headlines(dict.fromkeys(HEADLINE, (domain, metric)))


# (domain, metric) of the scores of a method's own map that are kept trial by trial, so that two
# methods can be compared on the trials of one decoder: of each feature type both headlines and what
# papers name most, see ``COMPARED_METRICS``.
TRIALS_KEPT = frozenset(
    place
    for headlines in (HEADLINE, CALIBRATED_HEADLINE, *map(headlines_with, COMPARED_METRICS))
    for place in headlines.values()
)

# 32 MB of maps of 62 x 250; with fewer trials, threads wait for each other.
TRIALS_AT_A_TIME = 256


def score(
    attribution: Tensor | np.ndarray,
    reference: Tensor | np.ndarray,
    domain: str = "channel_time",
    mode: str = "paper",
    info: mne.Info | None = None,
) -> pd.DataFrame:
    """Score maps against reference maps, trial by trial.

    Parameters
    ----------
    attribution : Tensor or ndarray (trials, channels, times)
        Signed maps of any scale.
    reference : Tensor or ndarray (trials, channels, times)
        What they are compared with, used as it is: the magnitude of a ground truth (see
        ``ground_truth_reference``), or the original maps in a randomization check.
    domain : str
        ``"channel_time"``, ``"topography"`` for time averages interpolated to the head, or
        ``"topography_magnitude"`` for those of the magnitude.
    mode : str
        ``"paper"`` for the study's metrics, ``"calibrated"`` for metrics with a known chance level:
        not the mode of an evaluation (docs/evaluation.md#two-modes-of-an-evaluation-and-of-scores).
    info : mne.Info, optional
        The channels; needed for the topography.

    Returns
    -------
    DataFrame
        One row per trial, one column per metric; NaN where a metric is undefined.

    Raises
    ------
    ValueError
        When the shapes differ or are not (trials, channels, times), the domain or mode is
        unknown, or ``info`` is missing or has other channels.
    """
    return _compared(attribution, reference, lookup(MODES, mode, "mode"), domain, info)


def ground_truth_reference(ground_truth: Tensor, threshold: float) -> Tensor:
    """Magnitude of the ground truth, zero where it is below a share of its trial's peak.

    Parameters
    ----------
    ground_truth : Tensor (trials, channels, times) or (trials, height, width)
        Noiseless sensor signal in µV, or its topographies: ``evaluate`` takes the magnitude after
        the interpolation, as the study does. If it were taken before, the interpolation would
        fall below zero around the magnitudes and so raise their background after min-max.
    threshold : float
        Share of the largest magnitude of the trial, 0 to 1.

    Raises
    ------
    ValueError
        When the threshold is no such share.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold={threshold!r} is not allowed: a share from 0 to 1 is needed")
    magnitude = ground_truth.abs()
    peak = magnitude.amax((1, 2), keepdim=True)
    return magnitude.masked_fill(magnitude < threshold * peak, 0)


def reference_maps(
    ground_truth: Tensor, domain: str, info: mne.Info | None, threshold: float
) -> list[Maps]:
    """Ground truth (trials, channels, times) as the reference for maps of a domain."""
    shown = chunks(ground_truth, domain, info)
    return [Maps(ground_truth_reference(maps.values, threshold), maps.mask) for maps in shown]


def similarity(
    maps: Tensor | np.ndarray,
    original: Tensor | np.ndarray,
    domain: str = "channel_time",
    info: mne.Info | None = None,
) -> pd.DataFrame:
    """Similarity of maps to the original ones, trial by trial.

    Parameters, returns and raises are those of :func:`score`, without a mode: the columns are
    the metrics of all of ``SIMILARITIES``.
    """
    metrics = {name: m for group in SIMILARITIES.values() for name, m in group.items()}
    return _compared(maps, original, metrics, domain, info)


def chunks(maps: Tensor, domain: str, info: mne.Info | None) -> Iterator[Maps]:
    """Maps (trials, channels, times) as a domain shows them, a few trials at a time."""
    prepare = lookup(DOMAINS, domain, "domain")
    return (prepare(part, info) for part in maps.detach().split(TRIALS_AT_A_TIME))


def score_pairs(
    attribution: Iterable[Maps], reference: Iterable[Maps], metrics: Mapping[str, Metric]
) -> pd.DataFrame:
    """One row per trial, one column per metric; NaN where a metric is undefined."""
    keep_freed_memory()
    pairs = zip(attribution, reference, strict=True)
    rows = [torch.stack([metric(*pair) for metric in metrics.values()], dim=1) for pair in pairs]
    return pd.DataFrame(torch.cat(rows).cpu().numpy(), columns=list(metrics))


def score_against_truth(
    attribution: Iterable[Maps], truth: Iterable[Maps], metrics: Mapping[str, Metric]
) -> pd.DataFrame:
    """As :func:`score_pairs`, with NaN for trials in which nothing is planted."""
    reference = list(truth)
    planted = torch.cat([maps.values.flatten(1).any(1) for maps in reference]).cpu().numpy()
    scores = score_pairs(attribution, reference, metrics)
    scores[~planted] = np.nan
    return scores


def score_as_the_study(
    attribution: Iterable[Maps], reference: Iterable[Maps], metrics: Mapping[str, Metric]
) -> pd.DataFrame:
    """As :func:`score_pairs`, over whole pictures, with a row of zeros for each skipped trial.

    The study's code compares topographies with their zeros outside the head. It skips a trial,
    whatever the metric, if the map has no positive value or the reference is zero everywhere, and
    leaves a row of zeros in its table. NaN is left where it divides by zero.
    """
    explanations, references = ([m.whole for m in maps] for maps in (attribution, reference))
    scores = score_pairs(explanations, references, metrics)
    pairs = zip(explanations, references, strict=True)
    skipped = [(maps.highest <= 0) | other.is_zero for maps, other in pairs]
    scores[torch.cat(skipped).cpu().numpy()] = 0.0
    return scores


def _compared(
    maps: Tensor | np.ndarray,
    reference: Tensor | np.ndarray,
    metrics: Mapping[str, Metric],
    domain: str,
    info: mne.Info | None,
) -> pd.DataFrame:
    maps, reference = torch.as_tensor(maps), torch.as_tensor(reference)
    if maps.ndim != 3 or maps.shape != reference.shape:
        raise ValueError(
            f"attribution {tuple(maps.shape)} and reference {tuple(reference.shape)} "
            "must have the same shape (trials, channels, times)"
        )
    reference = reference.to(maps.device)
    return score_pairs(chunks(maps, domain, info), chunks(reference, domain, info), metrics)
