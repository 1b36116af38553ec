"""The values that each metric can have, what a similarity must stay below, and what is shown."""

import math
from collections.abc import Mapping

from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS
from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.metrics.study import STUDY_METRICS
from eegxai.evaluation.modes import IDEAL_METRICS
from eegxai.statistics import UNBOUNDED, Bounds

# States of a property by the interval of a number; what is not testable is not asked.
SHOWN, REFUTED, UNDECIDED, UNTESTABLE = "shown", "refuted", "undecided", "not testable"
MOST_SIMILAR = 0.5  # a map to that of a wrong class or of random weights: the study's threshold
SHARE, CORRELATION, ERROR = Bounds(0, 1), Bounds(-1, 1), Bounds(0, math.inf)
METRIC_BOUNDS: Mapping[str, Bounds] = {
    **dict.fromkeys(STUDY_METRICS, CORRELATION),  # its correlations, cosines and SSIM, but for
    **dict.fromkeys(
        ("mass_clipped", "mass_minmax", "rank", "cosine_clipped", "cosine_minmax"), SHARE
    ),
    "mass_top5": UNBOUNDED,  # divides by a sum in which negative values may cancel
    **dict.fromkeys((*CALIBRATED_METRICS, *IDEAL_METRICS, "band_mass", "band_auprc"), SHARE),
    **dict.fromkeys(ERRORS, ERROR),
    **{name: CORRELATION for group in SIMILARITIES.values() for name in group},
    **dict.fromkeys(("used_pearson", "used_spearman"), CORRELATION),
}


def similarity_level(null: float, most: float = MOST_SIMILAR) -> float:
    """What a similarity must stay below: the threshold, or the null level where it is higher.

    A map that is as similar to the original one as noise is has changed altogether, however high
    the similarity is.

    Parameters
    ----------
    null : float
        Highest mean similarity of maps without any information; NaN where there is none.
    most : float
        The threshold.
    """
    return most if math.isnan(null) else max(most, null)
