"""Curves and patterns: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from eegxai.evaluation import curve_areas, deletion_curves, patterns
from eegxai.figures import pattern_topographies, replacement_curves, save
from eegxai.head import montage_info
from tests.pictures import pixels

INFO = montage_info(50.0)
N_CHANNELS, N_TIMES = len(INFO.ch_names), 10


@pytest.fixture(scope="module")
def case():
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Flatten(), nn.Linear(N_CHANNELS * N_TIMES, 2)).double().eval()
    x = torch.randn(6, N_CHANNELS, N_TIMES, dtype=torch.float64)
    return decoder, x, torch.arange(6) % 2


def test_curves_are_means_over_trials_below_the_area(case, tmp_path):
    decoder, x, target = case
    maps = {"input": x, "none": 0 * x}
    curves = deletion_curves(decoder, x, target, maps, INFO, n_orders=2, n_donors=1)
    figure = replacement_curves(curves, "a decoder")
    first, second = figure.axes[:2]
    area = curve_areas(curves).set_index(["method", "curve"]).loc[("input", "both"), "area"]
    assert first.get_title().startswith(f"input\n{area:.2f} (")
    assert second.get_title() == "none\nthe same everywhere: no order"
    own = curves[(curves["method"] == "input") & (curves["curve"] == "deletion")]
    mean = own.groupby("share")["decision"].mean()
    drawn = [line.get_ydata() for line in first.lines]
    assert any(len(y) == len(mean) and np.allclose(y, mean) for y in drawn)
    save(figure, tmp_path / "curves.png", "png", 50)
    pixels(tmp_path / "curves.png")


def test_each_class_has_a_row_and_each_model_a_column(case, tmp_path):
    decoder, x, target = case
    found = patterns(decoder, x, target)
    figure = pattern_topographies(found, INFO, ("left", "right"), start_ms=-100)
    texts = {text.get_text() for ax in figure.axes for text in ax.texts}
    assert {"left", "right"} <= texts
    course = figure.axes[2]
    assert [line.get_label() for line in course.lines] == ["decoder", "linear model"]
    strength = pd.Series(np.sqrt(np.square(found.decoder.patterns[0]).mean(0)))
    np.testing.assert_allclose(course.lines[0].get_ydata(), strength / strength.max())
    assert course.get_xlim() == (-100, 80)
    save(figure, tmp_path / "patterns.png", "png", 50)
    pixels(tmp_path / "patterns.png")
    alone = pattern_topographies(patterns(decoder, x), INFO)
    assert len(alone.axes) == len(figure.axes) - 2
