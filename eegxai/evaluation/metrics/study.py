"""The sixteen metrics of the study, over many trials at once.

Sujatha Ravindran & Contreras-Vidal, Scientific Reports 13:17709 (2023); which versions of a map
each metric compares is taken from the authors' public research code. NaN means undefined: a
degenerate map makes its version NaN, and with it every metric of that version.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from eegxai.evaluation.maps.reductions import windowed_ssim
from eegxai.evaluation.maps.stacks import Maps, Version
from eegxai.evaluation.maps.window import WINDOW
from eegxai.registry import Registry

K1, K2 = 0.01, 0.03  # Wang et al., IEEE Trans. Image Process. 13:600, 2004

VersionMeasure = Callable[[Version, Version], Tensor]
Metric = Callable[[Maps, Maps], Tensor]
STUDY_METRICS: dict[str, Metric] = Registry("metric of the study")


def metric(name: str) -> Callable[[Metric], Metric]:
    """Register the decorated function ``(attribution, reference) -> (trials,)`` as a metric."""

    def register(function: Metric) -> Metric:
        STUDY_METRICS[name] = function
        return function

    return register


def ssim(explanation: Version, reference: Version) -> Tensor:
    """Structural similarity, (trials,) in -1 .. 1; the data range is the explanation's.

    Uniform window of 7 x 7, sample covariance, averaged over the full windows whose centre is
    valid: the defaults of scikit-image (Wang et al., IEEE Trans. Image Process. 13:600, 2004).
    NaN where the explanation is constant or the maps are smaller than the window.
    """
    if min(explanation.image.shape[1:]) < WINDOW:
        return torch.full_like(explanation.data_range, torch.nan)
    constants = torch.stack([(k * explanation.data_range).square() for k in (K1, K2)])
    versions = explanation.image, explanation.form, reference.image, reference.form
    return windowed_ssim(*versions, explanation.mean, constants, explanation.windows)


def cosine(explanation: Version, reference: Version) -> Tensor:
    """Cosine of the angle between the maps, (trials,) in -1 .. 1."""
    return explanation.overlap(reference).inner / (explanation.norm * reference.norm)


def pearson(explanation: Version, reference: Version) -> Tensor:
    """Pearson correlation over the pixels of maps within 0 .. 1, (trials,) in -1 .. 1."""
    means = explanation.n_pixels * explanation.mean * reference.mean
    return (explanation.overlap(reference).inner - means) / (explanation.spread * reference.spread)


def mass(explanation: Version, reference: Version) -> Tensor:
    """Share of the relevance that lies where the reference is not zero, (trials,).

    Relevance mass accuracy (Arras et al., Information Fusion 81:14, 2022). As in the study, the
    numerator uses magnitudes and the denominator does not, so a top-5 % version with negative
    values can be outside 0 .. 1.
    """
    total = explanation.moments.total
    return explanation.overlap(reference).mass / total.masked_fill(total == 0, torch.nan)


COMPARISONS: dict[str, tuple[VersionMeasure, str, str]] = {
    # metric: (measure, version of the explanation, version of the reference)
    "ssim_top5": (ssim, "top5", "minmax_top5"),
    "ssim_clipped": (ssim, "clipped", "minmax"),
    "ssim_minmax": (ssim, "minmax", "minmax"),
    "ssim_raw": (ssim, "raw", "minmax"),
    "cosine_top5": (cosine, "top5", "minmax_top5"),
    "cosine_clipped": (cosine, "clipped", "minmax"),
    "cosine_minmax": (cosine, "minmax", "minmax"),
    "cosine_raw": (cosine, "raw", "minmax"),
    "mass_top5": (mass, "top5", "minmax_top5"),
    "mass_clipped": (mass, "clipped", "minmax"),
    "mass_minmax": (mass, "minmax", "minmax"),
    "pearson_clipped": (pearson, "clipped", "minmax"),
    "pearson_minmax": (pearson, "minmax", "minmax"),
    "pearson_raw": (pearson, "minmax", "minmax"),  # a correlation does not depend on the scale
}


def _compare(
    measure: VersionMeasure, version: str, against: str, attribution: Maps, reference: Maps
) -> Tensor:
    return measure(getattr(attribution, version), getattr(reference, against))


for _name, _comparison in COMPARISONS.items():
    metric(_name)(partial(_compare, *_comparison))


@metric("pearson_topk")
def pearson_topk(attribution: Maps, reference: Maps) -> Tensor:
    """Correlation of the K largest clipped values with the reference's top 5 %, (trials,)."""
    return pearson(attribution.top_k(reference), reference.minmax_top5)


@metric("rank")
def rank(attribution: Maps, reference: Maps) -> Tensor:
    """Share of the K largest clipped values that lie on the reference's support, (trials,).

    Relevance rank accuracy (Arras et al., Information Fusion 81:14, 2022), over the number of
    values that are kept (see ``Maps.top_k``) and not over K, as in the study.
    """
    top = attribution.top_k(reference)
    return top.overlap(reference.minmax_top5).hits / top.moments.n_positive


def paper_zero_rows(scores: pd.DataFrame) -> pd.Series:
    """Mean of each metric as in the study's code, where degenerate trials count as zeros.

    The code skips a trial, whatever the metric, if the map or the reference is constant or has no
    positive value, and leaves a row of zeros in the mean.

    Parameters
    ----------
    scores : DataFrame
        One row per trial, one column per metric of the paper mode; NaN where undefined.
    """
    skipped = scores[["pearson_clipped", "rank"]].isna().any(axis=1)
    return scores.mask(skipped, 0.0).mean()
