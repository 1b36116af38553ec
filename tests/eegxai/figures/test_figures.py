"""Figures: what they show is what was given, and wrong shapes are told."""

from itertools import pairwise

import mne
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from eegxai.evaluation.maps.domains import topography_operator
from eegxai.figures import MOVED, rankings, simulation, topographies
from eegxai.figures.style import VERMILION
from eegxai.head import montage_info
from eegxai.simulation import simulate
from tests.pictures import pixels

INFO = montage_info(250.0)


def test_each_map_has_its_head_and_its_own_scale(tmp_path):
    ramp = np.linspace(-3, 1, len(INFO.ch_names))
    figure = topographies({"small": 1e-9 * ramp, "large": 1e6 * ramp, "zero": 0 * ramp}, INFO)
    heads = figure.axes[0]
    assert [text.get_text() for text in heads.texts] == ["small", "large", "zero"]
    edges = [image.get_extent()[:2] for image in heads.images]
    centres = [text.xy[0] for text in heads.texts]
    assert all(left < at < right for at, (left, right) in zip(centres, edges, strict=True))
    assert all(right < left for (_, right), (left, _) in pairwise(edges))
    small, large, zero = (image.get_array() for image in heads.images)
    np.testing.assert_allclose(small, large, atol=1e-9)
    assert np.nanmin(small) < -0.95  # the picture goes on beyond the outermost electrode
    assert not np.nan_to_num(zero).any()
    figure.savefig(tmp_path / "maps.png")
    found = pixels(tmp_path / "maps.png")
    width, height = figure.get_size_inches() * figure.dpi
    assert found.shape == (pytest.approx(height, abs=1), pytest.approx(width, abs=1), 3)
    drawn = (found < 250).any(2)
    for image in heads.images:  # in the file a head is ink from edge to edge, or from half of it
        left, right = heads.transData.transform([(edge, 0) for edge in image.get_extent()[:2]])[
            :, 0
        ].astype(int)
        assert drawn[:, left:right].any(0).mean() > 0.5


def test_the_scalp_is_the_one_that_mne_draws():
    values = np.random.default_rng(0).standard_normal(len(INFO.ch_names))
    ours = topographies({"map": values}, INFO).axes[0]
    theirs = Figure().subplots()
    mne.viz.plot_topomap(values, INFO, axes=theirs, sensors="k.", contours=0, show=False)
    (one,), (other,) = ours.images, theirs.images
    assert one.get_extent() == pytest.approx(other.get_extent())
    inside = topography_operator(INFO)[1].numpy()
    expected = np.ma.getdata(other.get_array()) / abs(values).max()
    shown = inside & ~np.ma.getmaskarray(one.get_array())
    expected = expected.clip(*(end / abs(values).max() for end in (values.min(), values.max())))
    np.testing.assert_allclose(one.get_array()[shown], expected[shown], atol=1e-6)
    assert shown.sum() > 0.85 * inside.sum()
    outlines = [
        sorted((line.get_xydata() for line in ax.lines), key=lambda points: points.tolist())
        for ax in (ours, theirs)
    ]
    for mine, line in zip(*outlines, strict=True):
        np.testing.assert_array_equal(mine, line)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_map_of_one_sign_has_no_colours_of_the_other(sign):
    peak = np.zeros(len(INFO.ch_names))
    peak[INFO.ch_names.index("Cz")] = sign
    matrix, disc = topography_operator(INFO)
    assert (matrix.numpy() @ abs(peak)).min() < -0.01  # the interpolation overshoots around it
    (image,) = topographies({"peak": peak}, INFO).axes[0].images
    drawn = sign * image.get_array()[disc.numpy()]
    assert drawn.min() == 0
    assert drawn.max() == pytest.approx(1, abs=0.02)
    both = np.where(peak == 0, -0.01 * sign, peak)
    (image,) = topographies({"both": both}, INFO).axes[0].images
    assert (sign * image.get_array()[disc.numpy()]).min() == pytest.approx(-0.01)


def test_a_map_is_shown_near_electrodes_alone_and_no_stronger_than_at_them():
    """Beyond the outermost electrodes the interpolation is stronger than at any of them."""
    central = ["FC3", "Fz", "FC4", "C3", "Cz", "C4", "CP3", "CPz", "CP4"]
    info = mne.pick_info(INFO, [INFO.ch_names.index(name) for name in central])
    values = np.arange(9.0) + 1
    matrix, disc = topography_operator(info)
    assert (matrix.numpy() @ values)[disc.numpy().ravel()].max() > 1.1 * values.max()
    (image,) = topographies({"ramp": values}, info).axes[0].images
    drawn = image.get_array()[disc.numpy()]
    assert drawn.max() == 1
    assert 0.1 < np.ma.getmaskarray(drawn).mean() < 0.8


def test_colours_are_negative_only_where_a_map_is():
    ramp = np.linspace(0, 1, len(INFO.ch_names))
    for maps, limits in (({"a": ramp}, (0, 1)), ({"a": ramp, "b": -ramp}, (-1, 1))):
        heads, bar = topographies(maps, INFO).axes
        assert {image.get_clim() for image in heads.images} == {limits}
        assert (bar.get_ylim()[0], bar.get_ylim()[1]) == limits


def test_a_map_that_is_the_same_on_all_channels_is_told_and_not_coloured():
    level = np.full(len(INFO.ch_names), 0.3)
    rounded = level * (1 + 4e-4 * np.random.default_rng(0).uniform(-1, 1, len(level)))
    figure = topographies({"level": level, "rounded": rounded, "zero": 0 * level}, INFO, "Whose")
    (heads, _bar) = figure.axes
    assert len(heads.images) == 1  # that of zeros: nothing anywhere
    texts = [text.get_text() for text in heads.texts]
    assert texts.count("channels\nnot\nresolved") == 2
    assert {"level", "rounded", "zero"} < {*texts}
    assert figure.get_suptitle() == "Whose"


def test_a_map_of_another_montage_is_refused():
    with pytest.raises(ValueError, match=r"'odd' has shape \(3,\); \(62,\) is needed"):
        topographies({"odd": np.zeros(3)}, INFO)


def panels(figure, title):
    return [ax for ax in figure.axes if title in ax.get_title()]


def curves(ax):
    """The noisy and the noiseless curve of a panel."""
    return {line.get_color(): line.get_ydata() for line in ax.lines[-2:]}.values()


def test_temporal_classes_are_averaged_at_their_strongest_channel():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=24)
    rows = panels(simulation(eeg), "average of 6 trials")
    assert len(rows) == 4
    for label, ax in enumerate(rows):
        channel = eeg.info.ch_names.index(ax.get_title().split(", ")[1])
        noisy, noiseless = curves(ax)
        mine = eeg.y == label
        np.testing.assert_allclose(noisy, eeg.x[mine, channel].mean(0), rtol=1e-5)
        np.testing.assert_allclose(noiseless, eeg.ground_truth[mine, channel].mean(0), rtol=1e-5)
        strength = np.linalg.norm(eeg.ground_truth[mine], axis=(0, 2))
        assert channel == strength.argmax()
        assert eeg.class_names[label] in ax.get_ylabel()


@pytest.mark.parametrize("feature", ["spectral", "spatial"])
def test_signals_that_cancel_in_averages_are_shown_as_root_mean_square(feature):
    eeg = simulate(feature, snr_db=-16, seed=0, n_trials=48)
    figure = simulation(eeg)
    rows = panels(figure, "RMS of")
    assert len(rows) == eeg.n_classes == len(panels(figure, "RMS at"))
    noisy, noiseless = curves(rows[0])
    channel = eeg.info.ch_names.index(rows[0].get_title().split(", ")[1])
    np.testing.assert_allclose(noisy, eeg.x[eeg.y == 0, channel].std(0, mean=0), rtol=1e-5)
    peak_ms = 4 * noiseless.argmax()
    assert panels(figure, "RMS at")[0].get_title() == f"RMS at {peak_ms} ms"


def test_spectra_have_the_power_of_the_trials():
    eeg = simulate("spectral", snr_db=-3.5, seed=0, n_trials=32)
    ax = panels(simulation(eeg), "spectrum")[1]  # alpha: all of its power is below 60 Hz
    channel = eeg.info.ch_names.index(ax.get_title().split(", ")[1])
    _, noiseless = curves(ax)  # 1 Hz apart, without the mean
    trials = eeg.ground_truth[eeg.y == 1, channel]
    assert noiseless.sum() == pytest.approx(trials.var(axis=1).mean(), rel=1e-3)
    assert 8 <= ax.lines[1].get_xdata()[noiseless.argmax()] <= 13


def test_the_single_trial_is_one_of_the_class_with_its_signal():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=24)
    ax = panels(simulation(eeg), "one trial")[2]
    noisy, noiseless = curves(ax)
    channel = eeg.info.ch_names.index(ax.get_title().split(", ")[1])
    (trial,) = np.flatnonzero((eeg.x[:, channel] == noisy).all(axis=1))
    assert eeg.y[trial] == 2
    np.testing.assert_array_equal(noiseless, eeg.ground_truth[trial, channel])


def test_classes_share_their_scales():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=24)
    for title in ("average of", "spectrum", "one trial"):
        assert len({ax.get_ylim() for ax in panels(simulation(eeg), title)}) == 1


def test_ranks_are_joined_and_those_that_move_are_in_colour():
    scores = pd.DataFrame(
        {
            "feature": "temporal",
            "method": ["A", "B", "C", "D"],
            "paper": [0.9, 0.8, 0.7, 0.6],
            "calibrated": [0.1, 0.8, 0.7, 0.6],
        }
    )
    (ax,) = rankings(scores, "paper", "calibrated").axes
    ranks = {tuple(line.get_ydata()) for line in ax.lines}
    assert ranks == {(1, 4), (2, 1), (3, 2), (4, 3)}
    coloured = [tuple(line.get_ydata()) for line in ax.lines if line.get_color() == VERMILION]
    assert coloured == [(1, 4)]
    assert MOVED == 3
    texts = {text.get_text() for text in ax.texts}
    assert {"paper", "calibrated", "A  0.90", "0.10  A"} <= texts
