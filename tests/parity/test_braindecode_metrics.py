"""The paper mode against braindecode's metrics, which the study's first author helped to write."""

import numpy as np
import pandas as pd
import pytest
import torch

from eegxai.evaluation import METRICS
from eegxai.evaluation.maps import Maps
from eegxai.evaluation.metrics import paper_zero_rows
from eegxai.evaluation.topography import topography
from eegxai.head import montage_info

visualization = pytest.importorskip("braindecode.visualization")
TWELVE = [
    *("cosine_top5", "cosine_clipped", "cosine_minmax", "cosine_raw"),
    *("mass_top5", "rank", "mass_minmax", "mass_clipped"),
    *("pearson_topk", "pearson_clipped", "pearson_minmax", "pearson_raw"),
]
SSIM = ["ssim_top5", "ssim_clipped", "ssim_minmax", "ssim_raw"]


def theirs(attribution, reference):
    pair = attribution.numpy(), reference.numpy()
    twelve, _ = visualization.compute_metrics(*pair, abs_reference=False)
    ssim, _ = visualization.compute_ssim_metrics(*pair, abs_reference=False)
    return dict(zip([*TWELVE, *SSIM], np.hstack([twelve, ssim]).T, strict=True))


def ours(attribution, reference):
    pair = Maps(attribution), Maps(reference)
    return {name: metric(*pair).numpy() for name, metric in METRICS.items()}


def trials(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, 62, 250, dtype=torch.float64, generator=generator)


def burst(maps):
    """Magnitudes of maps that are zero but for a few channels and samples, as a ground truth."""
    window = torch.zeros_like(maps)
    window[:, 20:32, 90:140] = 1
    return (maps * window).abs()


@pytest.mark.parametrize(
    ("attribution", "reference"),
    [
        (trials(0), burst(trials(1))),
        (burst(trials(0)) + trials(1), burst(trials(0))),
        (trials(0) - 1, trials(1)),
        (trials(0).cumsum(2), trials(0).cumsum(2) + trials(1)),
        (trials(0).round(), burst(trials(1)).round()),
    ],
    ids=["truth", "near truth", "signed reference", "smooth", "ties"],
)
def test_all_sixteen_agree_in_channels_and_times(attribution, reference):
    found, expected = ours(attribution, reference), theirs(attribution, reference)
    for name in METRICS:
        np.testing.assert_allclose(found[name], expected[name], 1e-10, 1e-10, err_msg=name)


def test_all_sixteen_agree_on_square_pictures():
    """Their topographies take every pixel of the square, so the head is left out here."""
    info = montage_info(250.0)
    attribution, reference = topography(trials(0), info), topography(trials(1), info).abs()
    found, expected = ours(attribution, reference), theirs(attribution, reference)
    for name in METRICS:
        np.testing.assert_allclose(found[name], expected[name], 1e-10, 1e-10, err_msg=name)


@pytest.mark.parametrize(
    "attribution", [torch.zeros(6, 62, 250).double(), -trials(0).abs()], ids=["zero", "negative"]
)
def test_nothing_is_scored_where_clipping_leaves_nothing(attribution):
    scores = ours(attribution, burst(trials(1)))
    for name in ("mass_clipped", "cosine_clipped", "ssim_clipped", "pearson_clipped", "rank"):
        assert np.isnan(scores[name]).all()


def test_the_mean_counts_degenerate_trials_as_zeros():
    attribution, reference = trials(0), burst(trials(1))
    attribution[0], attribution[1], attribution[2] = 0, 0.3, -attribution[2].abs()
    reference[3] = 0
    found = paper_zero_rows(pd.DataFrame(ours(attribution, reference)))
    for name, column in theirs(attribution[4:], reference[4:]).items():
        mean = column.sum() / len(attribution)
        assert found[name] == pytest.approx(mean, rel=1e-10), name
