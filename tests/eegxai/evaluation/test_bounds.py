"""Every metric stays within its bounds, whatever the maps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.evaluation import CALIBRATED_METRICS, STUDY_METRICS, score, similarity
from eegxai.evaluation.bounds import METRIC_BOUNDS
from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.modes import IDEAL_METRICS
from eegxai.evaluation.scoring import CALIBRATED_HEADLINE, DOMAIN_OF_METRIC, HEADLINE

ROUNDING = 1e-5


def test_every_metric_has_bounds():
    similar = {name for group in SIMILARITIES.values() for name in group}
    headlines = {name for one in (HEADLINE, CALIBRATED_HEADLINE) for _, name in one.values()}
    known = {*STUDY_METRICS, *CALIBRATED_METRICS, *IDEAL_METRICS, *ERRORS, *DOMAIN_OF_METRIC}
    assert known | similar | headlines == set(METRIC_BOUNDS)


@pytest.mark.parametrize("mode", ["paper", "calibrated"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), power=st.sampled_from([1, 5]), shift=st.sampled_from([-1, 0, 1]))
def test_scores_stay_within_the_bounds_of_their_metric(mode, seed, power, shift):
    random = torch.Generator().manual_seed(seed)
    maps, truth = (torch.randn(4, 9, 16, generator=random) ** power + shift for _ in range(2))
    tables = [score(maps, truth.abs(), mode=mode), similarity(maps, truth)]
    for name, values in (item for table in tables for item in table.items()):
        known = values.to_numpy()[~np.isnan(values)]
        lowest, highest = METRIC_BOUNDS[name]
        assert ((known >= lowest - ROUNDING) & (known <= highest + ROUNDING)).all(), name
