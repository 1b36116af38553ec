"""Relevance over frequency: the curves, bands and heads that are drawn are those of the maps."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from eegxai.evaluation import Explanation, choose_examples
from eegxai.evaluation.maps.domains import topography_operator
from eegxai.figures import relevance_over_frequency, save, share_above, shown_hz
from eegxai.figures.scalp import relative
from eegxai.figures.style import BLUE, DOUBLE
from eegxai.head import montage_info
from eegxai.simulation import DataSpec

NAMES = ("theta", "alpha", "beta", "gamma")
N_TRIALS, N_TIMES = 8, 250


@pytest.fixture(scope="module")
def examples():
    """Relevance of random channels and frequencies, more of it in theta's band."""
    random = torch.Generator().manual_seed(0)
    maps, truth = (torch.randn(N_TRIALS, 62, N_TIMES, generator=random) for _ in range(2))
    frequency = torch.rand(N_TRIALS, 62, N_TIMES // 2 + 1, generator=random) - 0.4
    frequency[:, :, 3:9] += 5
    data = DataSpec(feature="spectral", snr_db=0, n_trials=100, seed=0)
    target, trials = torch.arange(N_TRIALS) % 4, np.arange(N_TRIALS)
    said = Explanation(maps, frequency)
    return choose_examples(said, truth, target, trials, montage_info(250.0), data, 0.05)


def curves(figure):
    """Drawn profiles with their axes, class after class."""
    axes = [ax for ax in figure.axes if not ax.images]
    return [(ax, line) for ax in axes for line in ax.lines if line.get_color() == BLUE]


def texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def test_curves_bands_and_heads_are_those_of_the_classes(examples, tmp_path):
    figure = relevance_over_frequency({"one": examples, "small": scaled(examples, 1e-3)}, NAMES)
    drawn = curves(figure)
    assert len(drawn) == 2 * len(NAMES)
    for place, (ax, line) in enumerate(drawn[::2]):
        profile = examples.class_frequency[place].sum(0)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(126))
        np.testing.assert_allclose(line.get_ydata(), profile)
        left, right = ax.patches[0].get_x(), ax.patches[0].get_x() + ax.patches[0].get_width()
        assert [left, right] == examples.class_bands_hz[place].tolist()
        assert ax.get_xlim() == (0, 72.5)
    heads = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(heads) == 3 * len(NAMES)
    matrix, disc = topography_operator(examples.info)
    in_theta = relative(examples.class_frequency[0, :, 3:9].sum(1))
    expected = (matrix.numpy() @ in_theta).reshape(disc.shape)
    for head in heads[1:3]:  # each relative to its own peak
        shown = ~np.ma.getmaskarray(head)
        np.testing.assert_allclose(head[shown], expected.clip(0, 1)[shown], atol=1e-5)
    assert {*NAMES, "planted signal", "one", "small", "3 to 8 Hz", "Hz"} <= {*texts(figure)}
    save(figure, tmp_path / "frequency.png", "png", 60)


def scaled(examples, factor):
    return replace(examples, class_frequency=factor * examples.class_frequency)


def test_a_method_has_one_scale_of_its_own(examples):
    figure = relevance_over_frequency({"one": examples, "small": scaled(examples, 1e-3)}, NAMES)
    limits = np.array([ax.get_ylim() for ax, _ in curves(figure)]).reshape(4, 2, 2)
    assert (limits == limits[:1]).all()
    np.testing.assert_allclose(limits[:, 1], 1e-3 * limits[:, 0], rtol=1e-5)
    top = examples.class_frequency.sum(1)[:, :73].max()
    assert top < limits[0, 0, 1] < 1.2 * top


def test_classes_without_trials_or_band_and_zeros_are_told(examples):
    frequency, bands = examples.class_frequency.copy(), examples.class_bands_hz.copy()
    frequency[1], bands[2] = np.nan, np.nan
    gaps = replace(examples, class_frequency=frequency, class_bands_hz=bands)
    figure = relevance_over_frequency({"gaps": gaps, "zero": scaled(gaps, 0)}, NAMES)
    assert texts(figure).count("no trials") == 2
    assert "no single band" in texts(figure)
    n_heads = sum(bool(ax.images) for ax in figure.axes)
    assert n_heads == 4 + 2 + 2  # planted; theta and gamma of both methods
    figure.draw_without_rendering()


def test_what_is_not_shown_can_be_said(examples):
    assert shown_hz(examples) == 72.5  # a quarter above gamma
    low = replace(examples, class_bands_hz=np.array([[3.0, 8.0]] * 4))
    assert shown_hz(low) == 60
    assert shown_hz(replace(low, sfreq=100.0)) == 50
    profiles = np.abs(examples.class_frequency.sum(1))
    expected = (profiles[:, 61:].sum(1) / profiles.sum(1)).max()
    assert share_above(examples, 60) == pytest.approx(expected)
    assert share_above(scaled(examples, 0), 60) == 0


def test_it_fits_a_page_and_its_letters_are_legible(examples):
    figure = relevance_over_frequency({"IntegratedGradients": examples}, NAMES)
    assert figure.get_figwidth() == DOUBLE
    drawn = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
    assert min(text.get_fontsize() for text in drawn) >= 6
    (name,) = [text for text in drawn if text.get_text() == "IntegratedGradients"]
    assert name.get_window_extent(FigureCanvasAgg(figure).get_renderer()).x0 > 0


def test_no_method_or_one_without_frequencies_is_refused(examples):
    with pytest.raises(ValueError, match="at least one method"):
        relevance_over_frequency({}, NAMES)
    with pytest.raises(ValueError, match=r"maps\['GradCAM'\] has no class_frequency"):
        relevance_over_frequency({"GradCAM": replace(examples, class_frequency=None)}, NAMES)
