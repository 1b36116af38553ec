"""How similar two explanations of one trial are.

An explanation passes a randomization check if its map has changed. Each similarity is in -1 .. 1,
with 1 for equal maps of any scale. It is computed from the signed maps and from their magnitudes:
a map whose signs change but not its positions is still similar in magnitude. It is NaN where it
is undefined, as for constant maps.
"""

from torch import Tensor

from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.study import STUDY_METRICS, Metric
from eegxai.registry import Registry


def spearman(one: Maps, other: Maps) -> Tensor:
    """Rank correlation over the pixels, (trials,)."""
    return (one.standard_ranks * other.standard_ranks).sum(1)


def _of_magnitudes(similarity: Metric) -> Metric:
    return lambda one, other: similarity(one.magnitude, other.magnitude)


# By mode and metric. The paper's are two of its sixteen; SSIM is that of maps scaled to 0 .. 1.
SIMILARITIES: dict[str, dict[str, Metric]] = Registry(
    "group of similarities",
    {
        "paper": Registry(
            "similarity", {name: STUDY_METRICS[name] for name in ("pearson_raw", "ssim_minmax")}
        ),
        "calibrated": Registry(
            "similarity",
            {
                "pearson_magnitude": _of_magnitudes(STUDY_METRICS["pearson_raw"]),
                "spearman_raw": spearman,
                "spearman_magnitude": _of_magnitudes(spearman),
                "ssim_magnitude": _of_magnitudes(STUDY_METRICS["ssim_minmax"]),
            },
        ),
    },
)
