"""Class signals planted in recordings: a known truth in anyone's own EEG."""

from typing import Literal

import numpy as np

from eegxai.head import HeadSpec, with_montage
from eegxai.seeding import generator
from eegxai.simulation.background import (
    BackgroundSpec,
    as_recorded,
    background_recording,
    channels_of,
    covariance,
    reference_of,
    span,
)
from eegxai.simulation.blocks import blocks
from eegxai.simulation.dataset import SimulatedEEG, simulate_spec
from eegxai.simulation.feature_spec import FeatureSpec
from eegxai.simulation.mixing import parts_of
from eegxai.simulation.noise import recorded_stretches
from eegxai.simulation.spec import DataSpec
from eegxai.simulation.support import power_spectrum
from eegxai.simulation.trials import draw_trials

LDA_FOLDS, N_PERMUTATIONS = 5, 99  # of the classifier of the background
TINY = 1e-12  # µV², far below any noise
LDA_RIDGE = (
    0.1  # of the mean variance, added to its covariance: it has more numbers than trials at worst
)
DRIFTING_SHARE = 0.5  # of the recordings' power that is noted; pink noise has 0.16
NOTED_SHARE = 0.05  # of the planted power outside of the pass-band of the recordings

Array = np.ndarray


def implant(
    feature: str | FeatureSpec,
    background: str | BackgroundSpec,
    snr_db: float,
    seed: int = 0,
    n_trials: int | None = None,
    head: str | HeadSpec = "sphere",
    *,
    tmin: float | None = None,
    tmax: float | None = None,
    channels: tuple[str, ...] | None = None,
    montage: str | None = None,
    reference: tuple[str, ...] | Literal["average"] | None = None,
) -> SimulatedEEG:
    """Plant the signals of a feature type in recordings, which stay as they are.

    Parameters
    ----------
    feature : str or FeatureSpec
        What the classes are, as for :func:`eegxai.simulate`.
    background : str or BackgroundSpec
        File of recordings or epochs that MNE reads: .fif, .edf, .bdf, .set or .vhdr.
    snr_db : float
        20 log10 of the root mean square of the planted signal over that of the recordings, each
        channel about its mean, both over all trials.
    seed : int
        Of the signals, and of which stretch of the recordings each trial has.
    n_trials : int, optional
        By default as many as the recordings hold.
    head : str or HeadSpec
        Head model that brings the signals to the electrodes of the recordings.
    tmin, tmax : float, optional
        Start and end of the trials, s after time zero: by default those of the file's epochs, and
        0 to 1 s in a continuous recording.
    channels : tuple of str, optional
        Channels to take, by default all EEG channels that are not marked as bad.
    montage : str, optional
        A standard montage of MNE with the positions of the channels, by default those of the file,
        or of the 10-05 template where it has none.
    reference : tuple of str or "average", optional
        What the channels are referenced to, where the data do not tell it.

    Raises
    ------
    ValueError
        One sentence, as of :func:`eegxai.simulate`, or on the recordings: where they cannot be
        read, hold too few stretches, or lack a position.
    """
    own = feature if isinstance(feature, FeatureSpec) else None
    if not isinstance(background, BackgroundSpec):
        background = BackgroundSpec(file=str(background), channels=channels, reference=reference)
    given = {"tmin": tmin, "tmax": tmax, "n_trials": n_trials}
    given = {name: value for name, value in given.items() if value is not None}
    data = DataSpec(
        feature=own.name if own else str(feature),
        definition=own,
        snr_db=snr_db,
        seed=seed,
        head=with_montage(HeadSpec(model=head) if isinstance(head, str) else head, montage),
        background=background,
        **as_recorded(background, given),
    )
    return simulate_spec(data)


def background_notes(data: DataSpec) -> tuple[str, ...]:
    """What was decided about the recordings of a data set, one sentence each; none without any."""
    if data.background is None:
        return ()
    recorded = background_recording(data.background)
    told = (
        *recorded.notes,
        *_channels_told(data),
        _reference_told(data),
        recorded.left_out(data.epoch.n_times),
        _span_told(data),
        _drift_told(data),
        _passband_told(data),
    )
    return tuple(one for one in told if one)


def _channels_told(data: DataSpec) -> list[str]:
    assert data.background
    recorded, channels = background_recording(data.background), channels_of(data.background)
    without = [name for name in recorded.bads if name not in channels]
    dropped = [f"channels marked as bad are left out: {', '.join(without)}"] if without else []
    if data.head.model != "sphere":
        return [f"positions are those of {data.head.file}", *dropped]
    _, told = recorded.places_m(channels, data.head.montage)
    return [*(told or ["positions are those of the recordings"]), *dropped]


def _reference_told(data: DataSpec) -> str:
    assert data.background
    reference = reference_of(data.background)
    if reference.electrodes:
        return reference.told
    return (
        f"{reference.told}, so the planted signal has the average of the channels as its reference "
        "(background.reference sets another EEG reference)"
    )


def _span_told(data: DataSpec) -> str:
    assert data.background
    channels = channels_of(data.background)
    n_directions = span(data.background, data.epoch).shape[1]
    reference = reference_of(data.background).electrodes
    of_reference = bool(reference) and set(reference) <= set(channels)  # their mean is zero
    if len(channels) - n_directions <= of_reference:
        return ""
    return (
        f"the {len(channels)} channels hold only {n_directions} independent ones (others were "
        "interpolated or components removed), and the planted signal is confined to those"
    )


def _drift_told(data: DataSpec) -> str:
    """Says where the level is one of drifts rather than of EEG."""
    assert data.background
    means = recorded_stretches(data).mean(axis=2, dtype=np.float64)
    share = means.var(axis=0).sum() / np.trace(covariance(data.background, data.epoch))
    if share < DRIFTING_SHARE:
        return ""
    return (
        f"{share:.0%} of the power of the recordings is slower than a trial and counts as noise in "
        "the SNR; high-pass filter them first, as for a decoder"
    )


def _passband_told(data: DataSpec) -> str:
    """Says where a decoder could find signals beside the recordings' noise."""
    assert data.background
    low, high = background_recording(data.background).passband_hz
    signal = parts_of(data, draw_trials(data)).signal(blocks(data.n_trials)[0])
    frequencies, power = power_spectrum(signal, data.sfreq)
    outside = (frequencies < low) | (frequencies > high)
    share = power[:, outside].sum() / power.sum() if power.any() else 0.0
    if share < NOTED_SHARE:
        return ""
    return (
        f"{share:.0%} of the planted power lies outside the {low:g} to {high:g} Hz that the "
        "recordings were filtered to, where there is little noise to mask it"
    )


def told_by_background(eeg: SimulatedEEG) -> tuple[float, float]:
    """Accuracy of a linear classifier of the background alone, and its p value by permutation.

    The accuracy must be that of chance: linear discriminant analysis of each channel's mean and
    log variance, by cross-validation. The p value is the share of permuted labels, the true ones
    included, that are told as well. Both are NaN where a class has fewer trials than the
    cross-validation has folds.

    Parameters
    ----------
    eeg : SimulatedEEG
        With signals in recordings, or in simulated noise.
    """
    if np.bincount(eeg.y, minlength=len(eeg.class_names)).min() < LDA_FOLDS:
        return np.nan, np.nan
    background = eeg.x - eeg.ground_truth
    variance = background.var(axis=2, dtype=np.float64)
    values = np.concatenate([background.mean(axis=2), np.log(variance + TINY)], axis=1)
    values = (values - values.mean(axis=0)) / (values.std(axis=0) + TINY)
    rng = generator(eeg.spec.seed, "probe")
    permuted = (rng.permutation(eeg.y) for _ in range(N_PERMUTATIONS))
    found, *others = (_lda_accuracy(values, y, rng) for y in (eeg.y, *permuted))
    return found, (1 + np.count_nonzero(np.array(others) >= found)) / (1 + N_PERMUTATIONS)


def _lda_accuracy(values: Array, y: Array, rng: np.random.Generator) -> float:
    """Accuracy of linear discriminant analysis by cross-validation."""
    fold = _random_folds(y, rng)
    right = 0
    for held in range(LDA_FOLDS):
        known = fold != held
        found = _classified(values[known], y[known], values[~known])
        right += int(np.count_nonzero(found == y[~known]))
    return right / len(y)


def _random_folds(y: Array, rng: np.random.Generator) -> Array:
    """Fold of each trial, at random; each class is spread evenly over them."""
    order = rng.permutation(len(y))
    fold = np.empty(len(y), int)
    fold[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % LDA_FOLDS
    return fold


def _classified(known: Array, y: Array, values: Array) -> Array:
    """Classes (trials,) of ``values`` by linear discriminant analysis of known trials."""
    classes, of = np.unique(y, return_inverse=True)
    means = np.stack([known[of == label].mean(axis=0) for label in range(len(classes))])
    within = known - means[of]
    covariance = within.T @ within / len(known)
    covariance += LDA_RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    weights = np.linalg.solve(covariance, means.T)
    prior = np.log(np.bincount(of) / len(of))
    return classes[(values @ weights - np.sum(means.T * weights, axis=0) / 2 + prior).argmax(1)]
