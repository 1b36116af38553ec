"""Simulated EEG: what was planted, and what remains visible of it in the noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from eegxai.figures.style import BLUE, DIVERGING, GREY, VERMILION
from eegxai.rounding import decibels
from eegxai.simulation import SimulatedEEG
from eegxai.simulation.waveforms import Epoch

NOISELESS: Mapping[str, Any] = {"color": VERMILION, "lw": 1.6}
NOISY: Mapping[str, Any] = {"color": BLUE, "lw": 0.9}
SPECTRUM_FLOOR = 1e-3  # of the weakest noisy power: what is shown below it
HIGHEST_HZ = 60.0  # of the spectra: above every band of the study's features
SPECTRUM_ABOVE_BAND = 1.2  # how far, as a factor, spectra reach beyond the highest band there is
PHASE_LOCKED_SHARE = 0.5  # of the signal's power: below it, averages are not informative

Array = np.ndarray


def simulation(eeg: SimulatedEEG) -> Figure:
    """Simulated EEG, one row per class: over trials, on the scalp, as a spectrum, in one trial.

    The curves are those of the class's strongest channel, noiseless and noisy, µV. Where
    averages keep most of the noiseless power, the first two columns show averages; where bursts
    of random phase, or peaks of either sign, cancel, they show the root mean square (RMS) over
    trials. The topography is the noiseless signal at the dotted line, the peak of the noiseless
    curve. The trial is the one whose noiseless power is the median of its class.

    Parameters
    ----------
    eeg : SimulatedEEG
    """
    summary = _choose_summary(eeg)
    classes = [_view(eeg, label, summary) for label in range(eeg.n_classes)]
    layout = ConstrainedLayoutEngine(w_pad=0.08)
    figure = Figure(figsize=(13.5, 1 + 2.1 * len(classes)), layout=layout)
    made = "planted" if eeg.spec.background else "simulated"
    figure.suptitle(
        f"{eeg.spec.feature} at {decibels(eeg.spec.snr_db)} dB, seed {eeg.spec.seed}: "
        f"{len(eeg.y)} {made} trials of {len(eeg.info.ch_names)} channels"
    )
    axes = figure.subplots(len(classes), len(PANELS), squeeze=False, width_ratios=(4, 3, 4, 4))
    for row, view in zip(axes, classes, strict=True):
        for ax, panel in zip(row, PANELS, strict=True):
            panel(ax, view)
    _share_scales(axes)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


@dataclass(frozen=True)
class _Summary:
    """How trials become one curve or one map, and the colours of the map."""

    name: str
    over_trials: Callable[[Array], Array]
    colours: str
    lowest: float  # of the colour scale, in units of the highest


AVERAGE_SUMMARY = _Summary("average", lambda trials: trials.mean(0), DIVERGING, -1.0)
ROOT_MEAN_SQUARE = _Summary(
    "RMS", lambda trials: np.sqrt(np.square(trials).mean(0)), "viridis", 0.0
)


@dataclass(frozen=True, eq=False)
class _ClassView:
    """What the panels of a class show; ``noiseless`` and ``noisy`` are (trials, times), µV."""

    name: str
    summary: _Summary
    epoch: Epoch
    info: mne.Info
    channel: str
    noiseless: Array
    noisy: Array
    topography: Array
    peak: int  # sample of the topography
    highest_hz: float  # of the spectrum


def _choose_summary(eeg: SimulatedEEG) -> _Summary:
    """Averages if every class with a signal is phase-locked, otherwise root mean squares."""
    shares = []
    for label in range(eeg.n_classes):
        trials = eeg.ground_truth[eeg.y == label]
        if trials.any():
            power = np.square(trials).sum(axis=(1, 2)).mean()
            shares.append(np.square(trials.mean(0)).sum() / power)
    return AVERAGE_SUMMARY if min(shares) >= PHASE_LOCKED_SHARE else ROOT_MEAN_SQUARE


def _view(eeg: SimulatedEEG, label: int, summary: _Summary) -> _ClassView:
    trials = np.flatnonzero(eeg.y == label)
    truth = eeg.ground_truth[trials]
    signal = truth if truth.any() else eeg.ground_truth  # shown where other classes have theirs
    strongest = int(np.square(signal).mean(axis=(0, 2)).argmax())
    peak = int(np.abs(summary.over_trials(signal[:, strongest])).argmax())
    return _ClassView(
        name=eeg.class_names[label],
        summary=summary,
        epoch=eeg.spec.epoch,
        info=eeg.info,
        channel=eeg.info.ch_names[strongest],
        noiseless=truth[:, strongest],
        noisy=eeg.x[trials, strongest],
        topography=summary.over_trials(truth[:, :, peak]),
        peak=peak,
        highest_hz=_highest_hz(eeg),
    )


def _highest_hz(eeg: SimulatedEEG) -> float:
    """Where spectra end: beyond every signal's frequencies."""
    fastest = eeg.trials[["high_hz", "frequency_hz"]].max().max()
    return HIGHEST_HZ if np.isnan(fastest) else max(HIGHEST_HZ, SPECTRUM_ABOVE_BAND * fastest)


def _draw_over_trials(ax: Axes, view: _ClassView) -> None:
    over_trials, times_ms = view.summary.over_trials, view.epoch.times_ms
    ax.axvline(times_ms[view.peak], color=GREY, lw=1, ls=":")
    ax.plot(times_ms, over_trials(view.noisy), **NOISY, label="noisy")
    ax.plot(times_ms, over_trials(view.noiseless), **NOISELESS, label="noiseless")
    ax.set(title=f"{view.summary.name} of {len(view.noisy)} trials, {view.channel}")
    ax.set(xlabel="time (ms)", ylabel=f"{view.name}\n\nµV")


def _on_the_scalp(ax: Axes, view: _ClassView) -> None:
    summary, highest = view.summary, np.abs(view.topography).max() or 1.0
    image, _ = mne.viz.plot_topomap(
        view.topography,
        view.info,
        axes=ax,
        show=False,
        cmap=summary.colours,
        vlim=(summary.lowest * highest, highest),
        contours=0,
    )
    ax.set_title(f"{summary.name} at {view.epoch.times_ms[view.peak]:.0f} ms")
    ax.figure.colorbar(image, ax=ax, shrink=0.75).ax.set_title("µV", fontsize="medium")


def _spectrum(ax: Axes, view: _ClassView) -> None:
    noisy, noiseless = (
        _power_spectrum(trials, view.epoch) for trials in (view.noisy, view.noiseless)
    )
    frequency = scipy.fft.rfftfreq(view.epoch.n_times, 1 / view.epoch.sfreq)
    shown = (frequency > 0) & (frequency <= view.highest_hz)
    ax.semilogy(frequency[shown], noisy[shown], **NOISY)
    ax.semilogy(frequency[shown], noiseless[shown], **NOISELESS)
    ax.set_ylim(bottom=SPECTRUM_FLOOR * noisy[shown].min())
    ax.set(title=f"spectrum, {view.channel}", xlabel="frequency (Hz)", ylabel="µV²/Hz")


def _power_spectrum(trials: Array, epoch: Epoch) -> Array:
    """Mean power spectral density of trials (trials, times): (frequencies,), µV²/Hz.

    No window: it would hide the peaks near the borders of the epoch, where signals are zero.
    """
    return scipy.signal.periodogram(trials, epoch.sfreq, detrend=False)[1].mean(axis=0)


def _one_trial(ax: Axes, view: _ClassView) -> None:
    power = np.square(view.noiseless).sum(axis=1)
    median = np.argsort(power)[len(power) // 2]
    ax.plot(view.epoch.times_ms, view.noisy[median], **NOISY)
    ax.plot(view.epoch.times_ms, view.noiseless[median], **NOISELESS)
    ax.set(title=f"one trial, {view.channel}", xlabel="time (ms)", ylabel="µV")


PANELS = (_draw_over_trials, _on_the_scalp, _spectrum, _one_trial)


def _share_scales(axes: Array) -> None:
    """Give the curves of a column the same scale, so that classes can be compared."""
    for column in axes.T[[panel is not _on_the_scalp for panel in PANELS]]:
        limits = np.array([ax.get_ylim() for ax in column])
        for ax in column:
            ax.set_ylim(limits.min(), limits.max())
