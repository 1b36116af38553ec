"""The few maps of a method that pictures show: chosen trials, and the classes on the scalp."""

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from eegxai.evaluation.maps.explanation import Explanation
from eegxai.evaluation.metrics.study import STUDY_METRICS
from eegxai.evaluation.scoring import HEADLINE, chunks, reference_maps, score_against_truth
from eegxai.head.montage import info_with
from eegxai.simulation import DataSpec
from eegxai.simulation.trials import NO_BAND

# Trials by their headline score; "shared" is chosen by its planted signal alone, so it is the same
# trial for all methods on a decoder.
KINDS = ("best", "median", "worst", "shared")
CHANNELS, TIMES = 1, 2  # axes of maps
# A trial whose channels cancel at all frequencies is not blown up by more than 1 / this share.
SMALLEST_PROFILE = 1e-3

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class ExampleMaps:
    """Maps of a method on a decoder beside what was planted.

    Attributes
    ----------
    trials : ndarray of int64 (4,)
        Indices of the example trials in the simulation, in the order of ``KINDS``.
    classes : ndarray of int64 (4,)
        Their classes.
    scores : ndarray (4,)
        Their headline scores; NaN where undefined.
    attribution : ndarray (4, channels, times)
        Their maps, each relative to its largest magnitude, since maps have no common unit.
    ground_truth : ndarray (4, channels, times)
        Their noiseless sensor signal, µV.
    class_attribution, class_ground_truth : ndarray (classes, channels)
        Mean magnitude over the scored trials of each class and over time: of attributions
        relative to the largest value, of the signal in µV; NaN for a class without trials.
    positions : ndarray (channels, 3)
        Electrodes in MNE's head frame, m.
    channels : tuple of str
        Their names.
    sfreq : float
        Sampling frequency, Hz.
    start_ms : float
        Time of the first sample, ms.
    class_frequency : ndarray (classes, channels, frequencies), optional
        Mean relevance over frequency of the scored trials of each class, signed; the sum over
        channels of each trial has an absolute sum of 1 over frequencies. NaN for a class without
        trials; None where the maps say nothing about frequency or no class has a planted band.
    class_bands_hz : ndarray (classes, 2), optional
        Planted bands, see :func:`planted_bands`; None where ``class_frequency`` is.
    class_courses, class_ground_truth_courses : ndarray (classes, times), optional
        As ``class_attribution`` and ``class_ground_truth``, but over channels instead of time;
        None in maps stored before they existed.
    """

    trials: Array
    classes: Array
    scores: Array
    attribution: Array
    ground_truth: Array
    class_attribution: Array
    class_ground_truth: Array
    positions: Array
    channels: tuple[str, ...]
    sfreq: float
    start_ms: float = 0.0
    class_frequency: Array | None = None
    class_bands_hz: Array | None = None
    class_courses: Array | None = None
    class_ground_truth_courses: Array | None = None

    @property
    def times_ms(self) -> Array:
        """Times (times,) of the samples, ms."""
        return self.start_ms + 1e3 * np.arange(self.ground_truth.shape[-1]) / self.sfreq

    @property
    def frequencies_hz(self) -> Array:
        """Frequencies (frequencies,) of the epoch, Hz."""
        return np.fft.rfftfreq(self.ground_truth.shape[-1], 1 / self.sfreq)

    @property
    def info(self) -> mne.Info:
        """The channels as MNE knows them."""
        placed = dict(zip(self.channels, self.positions, strict=True))
        montage = mne.channels.make_dig_montage(placed, coord_frame="head")
        return info_with(self.channels, self.sfreq, montage)


def choose_examples(
    said: Explanation,
    ground_truth: Tensor,
    target: Tensor,
    trials: Array,
    info: mne.Info,
    data: DataSpec,
    threshold: float,
) -> ExampleMaps:
    """Choose example trials of a method: its best, median and worst, and a shared one.

    Parameters
    ----------
    said : Explanation
        Attributions of any scale, and what they say about frequency.
    ground_truth : Tensor (trials, channels, times)
        Noiseless sensor signal, µV.
    target : Tensor (trials,)
        Classes.
    trials : ndarray (trials,)
        Their indices in the simulation.
    info : mne.Info
        The channels.
    data : DataSpec
        What was simulated: its feature type has the headline score that ranks the trials, and the
        bands of the classes.
    threshold : float
        Share of a trial's peak below which the ground truth counts as zero.
    """
    maps = said.maps
    ranked = scores_for_ranking(maps, ground_truth, info, data.feature, threshold)
    n_classes = len(data.feature_type.classes)
    chosen = [*_by_rank(ranked), _typical(ground_truth)]
    shown = maps[chosen].float().cpu().numpy()
    return ExampleMaps(
        trials=np.asarray(trials)[chosen],
        classes=target[chosen].cpu().numpy(),
        scores=ranked.to_numpy()[chosen],
        attribution=_relative_to_peak(shown),
        ground_truth=ground_truth[chosen].float().cpu().numpy(),
        class_attribution=_relative_to_peak(_mean_magnitudes(maps, target, n_classes, over=TIMES)),
        class_ground_truth=_mean_magnitudes(ground_truth, target, n_classes, over=TIMES),
        class_courses=_relative_to_peak(_mean_magnitudes(maps, target, n_classes, over=CHANNELS)),
        class_ground_truth_courses=_mean_magnitudes(ground_truth, target, n_classes, over=CHANNELS),
        positions=np.stack([channel["loc"][:3] for channel in info["chs"]]),
        channels=tuple(info.ch_names),
        sfreq=float(info["sfreq"]),
        start_ms=data.epoch.start_ms,
        **_over_frequency(said.frequency, target, data),
    )


def planted_bands(data: DataSpec) -> Array:
    """Band of each class's signals in Hz, (classes, 2): its low and high edge.

    NaN for a class whose signals have no band, or not all the same one.
    """
    bands = [{signal.band_hz for signal in drawn.signals} for drawn in data.feature_type.classes]
    edges = [next(iter(band)) if len(band) == 1 else None for band in bands]
    return np.array([edge or NO_BAND for edge in edges])


def scores_for_ranking(
    maps: Tensor, ground_truth: Tensor, info: mne.Info, feature: str, threshold: float
) -> pd.Series:
    """The study's headline score of a feature type for each trial (see ``HEADLINE``)."""
    domain, metric = HEADLINE[feature]
    truth = reference_maps(ground_truth, domain, info, threshold)
    wanted = {metric: STUDY_METRICS[metric]}
    return score_against_truth(chunks(maps, domain, info), truth, wanted)[metric]


def _by_rank(ranked: pd.Series) -> list[int]:
    """Indices of the best, the median and the worst score; undefined ones have no rank."""
    defined = ranked.dropna() if ranked.notna().any() else ranked
    order = defined.sort_values(ascending=False, kind="stable").index
    return [int(order[i]) for i in (0, len(order) // 2, -1)]


def _typical(ground_truth: Tensor) -> int:
    """Index of the trial whose signal has the median power, of those with a signal if any has."""
    power = ground_truth.double().square().sum((1, 2))
    n_silent = int((power == 0).sum()) % len(power)
    return int(power.argsort(stable=True)[n_silent:][(len(power) - n_silent) // 2])


def _mean_magnitudes(maps: Tensor, target: Tensor, n_classes: int, over: int) -> Array:
    """Mean magnitude over the trials of each class and over an axis, (classes, other axis)."""
    magnitude = maps.double().abs().mean(over)
    means = torch.stack([magnitude[target == label].mean(0) for label in range(n_classes)])
    return means.float().cpu().numpy()


def _over_frequency(frequency: Tensor | None, target: Tensor, data: DataSpec) -> dict[str, Array]:
    """Class means of relevance over frequency, and the bands; nothing where there is no band."""
    bands = planted_bands(data)
    if frequency is None or np.isnan(bands).all():
        return {}
    scaled = _unit_profiles(frequency.double())
    means = [scaled[(target == label).to(scaled.device)].mean(0) for label in range(len(bands))]
    return {
        "class_frequency": torch.stack(means).float().cpu().numpy(),
        "class_bands_hz": bands,
    }


def _unit_profiles(frequency: Tensor) -> Tensor:
    """Relevance whose sum over channels has the absolute sum 1 in each trial; zero stays zero."""
    of_profile = frequency.sum(1).abs().sum(1)
    of_all = frequency.abs().sum((1, 2))
    scale = torch.maximum(of_profile, SMALLEST_PROFILE * of_all)[:, None, None]
    return frequency / torch.where(scale > 0, scale, 1)


def _relative_to_peak(maps: Array) -> Array:
    """Each map relative to its largest magnitude; an all-zero map stays zero."""
    peak = np.abs(maps).max(axis=tuple(range(1, maps.ndim)), keepdims=True)
    return maps / np.where(peak > 0, peak, 1)
