"""The table of references: levels and efficiency by hand, on each feature type's own domain."""

import numpy as np
import pandas as pd
import pytest

from sweeps.analysis.references import REFERENCE_SCORES, references
from sweeps.scores.table import AXES
from tests.tidy_tables import as_tidy

LEVELS = {"planted": 0.1, "ideal": 0.2, "used": 0.0}


def decoder(feature, seed, planted, ceiling=0.9, method="DeepLift"):
    """Scores of a method on one decoder against each reference, with their levels."""
    axes = dict(zip(AXES, (feature, -3.5, seed, 0, "deepnet", method), strict=True))
    values = {"planted": (planted, ceiling), "ideal": (0.6, np.nan), "used": (0.7, 0.95)}
    rows = []
    for name, (own, highest) in values.items():
        score = REFERENCE_SCORES[name]
        domain, metric = score.headlines[feature]
        for check, mean in (
            ("ground_truth", own), (score.chance, LEVELS[name]), (score.ceiling, highest),
        ):  # fmt: skip
            if check:
                rows.append((check, domain, metric, 0, mean))
    table = pd.DataFrame(rows, columns=["check", "domain", "metric", "step", "mean"])
    return table.assign(half_width=0.04, **axes)


@pytest.mark.parametrize("feature", ["temporal", "spectral", "spatial", "p300"])
def test_levels_and_efficiency_are_those_of_each_decoder(feature):
    cells = [decoder(feature, 0, 0.5), decoder(feature, 1, 0.7, ceiling=0.7)]
    (row,) = references(as_tidy(cells)).to_dict("records")
    assert row["n_decoders"] == 2
    assert row["planted"] == pytest.approx(0.6)
    assert row["planted_chance"] == pytest.approx(0.1)
    assert row["planted_ceiling"] == pytest.approx(0.8)
    assert row["efficiency"] == pytest.approx((0.5 + 1.0) / 2)
    assert row["ideal"] == pytest.approx(0.6)
    assert row["used"] == pytest.approx(0.7)
    assert row["used_ceiling"] == pytest.approx(0.95)
    assert "ideal_ceiling" not in row


def test_of_one_decoder_the_interval_is_over_trials():
    (row,) = references(as_tidy([decoder("temporal", 0, 0.5)])).to_dict("records")
    assert row["planted_high"] - row["planted"] == pytest.approx(0.04, rel=0.01)
    assert row["efficiency_high"] - row["efficiency"] == pytest.approx(0.04 / 0.8)


def test_there_is_no_efficiency_where_the_ideal_is_no_better_than_chance():
    (row,) = references(as_tidy([decoder("temporal", 0, 0.5, ceiling=0.1)])).to_dict("records")
    assert np.isnan(row["efficiency"])
    assert row["planted"] == 0.5


def test_a_method_that_says_nothing_of_frequency_has_no_planted_score_of_a_band():
    mute = decoder("spectral", 0, 0.5)
    mute = mute[(mute["check"] != "ground_truth") | (mute["metric"] != "band_mass")]
    (row,) = references(as_tidy([mute])).to_dict("records")
    assert np.isnan(row["planted"])
    assert row["used"] == pytest.approx(0.7)
