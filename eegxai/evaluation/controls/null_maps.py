"""Levels of scores: maps without any information on the signal, and the scale from chance."""

from collections.abc import Callable, Collection

import mne
import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from eegxai.attribution.engine.frequency import amplitude_gradient, relevance_of_product
from eegxai.evaluation.controls.edge_filters import (
    LAPLACE,
    SOBEL,
    filtered_over_time,
    over_channels,
)
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials
from eegxai.evaluation.maps.explanation import Explain, Explanation, explanation
from eegxai.evaluation.maps.stacks import Maps
from eegxai.seeding import torch_generator, trial_generators

CHANCE = "same_spectrum"  # whose scores count as chance
UNTRAINED = "untrained"
# Null levels of similarities to the original map: those of maps without any information on it.
SURROGATE = "surrogate"
NOISE_MAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "noise": lambda noise: noise,
    "noise_magnitude": torch.abs,  # what any map without negative values shares with another
}
SIMILARITY_NULLS = (SURROGATE, *NOISE_MAPS)


def chance_corrected(score: ArrayLike, chance: ArrayLike, best: ArrayLike = 1.0) -> np.ndarray:
    """Score where chance is 0 and the best value 1: (score - chance) / (best - chance).

    Parameters
    ----------
    score, chance : array_like
        Of shapes that fit each other. NaN where the chance level is the best value.
    best : array_like
        The metric's best value: 1, or 0 for an error in ms or mm.
    """
    score, chance = np.asarray(score, dtype=float), np.asarray(chance, dtype=float)
    room = np.asarray(best) - chance
    return (score - chance) / np.where(room == 0, np.nan, room)


def same_spectrum(maps: Tensor, draw: int = 0) -> Tensor:
    """Random maps with the amplitude spectra of given ones, at random times and channels.

    Every trial gets one random phase a frequency, the same in all channels, which keeps the
    correlations between channels (Prichard & Theiler, Phys. Rev. Lett. 73:951, 1994), and a
    random sign of the mean. Then its channels change places: spectra alone would still tell
    which channels are strong. So a topography keeps its values but not its smoothness.

    Parameters
    ----------
    maps : Tensor (trials, channels, times)
        Finite maps of any scale.
    draw : int
        Number of the draw; a trial's random values depend on it and on the trial's map alone.
    """
    streams = trial_generators(maps, f"same spectrum {draw}")
    trials = zip(maps.detach().double().cpu().numpy(), streams, strict=True)
    return torch.from_numpy(np.stack([_surrogate(*trial) for trial in trials])).to(maps)


def _surrogate(trial: np.ndarray, random: np.random.Generator) -> np.ndarray:
    n_channels, n_times = trial.shape
    phases = random.uniform(0, 2 * np.pi, n_times // 2 + 1)
    real = [0, -1] if n_times % 2 == 0 else [0]  # zero and Nyquist frequency have only a sign
    phases[real] = np.pi * random.integers(2, size=len(real))
    spectrum = np.fft.rfft(trial) * np.exp(1j * phases)
    return np.fft.irfft(spectrum, n_times)[random.permutation(n_channels)]


def class_mean(maps: Tensor, target: Tensor) -> Tensor:
    """For each trial the mean map of the other trials of its class; its own if it is the only one.

    Parameters
    ----------
    maps : Tensor (trials, channels, times)
        A method's maps.
    target : Tensor (trials,)
        Classes.
    """
    same = (target[:, None] == target).double().fill_diagonal_(0)
    alone = same.sum(1) == 0
    same[alone, alone] = 1
    weights = same / same.sum(1, keepdim=True)
    return torch.einsum("ij,jct->ict", weights, maps.double()).to(maps.dtype)


def _magnitude_maps(x: Tensor) -> Explanation:
    """The magnitude of trials, and over frequency their power."""
    return Explanation(x.abs(), relevance_of_product(x, x))


def _random(own: Explanation, explained: ExplainedTrials) -> Explanation:
    """Random maps of the method's spectra, and over frequency what random multipliers say.

    These, or random gradients where the method's maps are gradients, have the spectra of the
    trials: those of the method's own would know the band.
    """
    x = explained.x
    relevance = amplitude_gradient if own.kind == "gradient" else relevance_of_product
    heard = None if own.frequency is None else relevance(x, same_spectrum(x))
    return Explanation(same_spectrum(own.maps), heard, own.kind)


def _class_mean_maps(own: Explanation, explained: ExplainedTrials) -> Explanation:
    heard = None if own.frequency is None else class_mean(own.frequency, explained.target)
    return Explanation(class_mean(own.maps, explained.target), heard, own.kind)


# Controls that depend on the trials alone, scored once for all methods on a decoder.
INPUT_CONTROLS: dict[str, Callable[[Tensor, mne.Info], Explanation]] = {
    "input_magnitude": lambda x, info: _magnitude_maps(x),
    "sobel_time": lambda x, info: Explanation(filtered_over_time(x, SOBEL).abs()),
    "laplace_time": lambda x, info: Explanation(filtered_over_time(x, LAPLACE).abs()),
    "laplace_channels": lambda x, info: Explanation(over_channels(x, info).abs()),
}
# Controls that are made of what a method says of the trained and of the untrained decoder.
METHOD_CONTROLS: dict[str, Callable[[Explanation, Explanation, ExplainedTrials], Explanation]] = {
    CHANCE: lambda own, untrained, explained: _random(own, explained),
    UNTRAINED: lambda own, untrained, explained: untrained,
    "class_mean": lambda own, untrained, explained: _class_mean_maps(own, explained),
}
NULL_MAPS = (*METHOD_CONTROLS, *INPUT_CONTROLS)


def input_controls(
    x: Tensor, info: mne.Info, names: Collection[str] = NULL_MAPS
) -> dict[str, Explanation]:
    """The named ones of the controls that depend on the trials alone."""
    return {name: make(x, info) for name, make in INPUT_CONTROLS.items() if name in names}


def method_controls(
    own: Explanation,
    untrained: Explanation,
    explained: ExplainedTrials,
    names: Collection[str] = NULL_MAPS,
) -> dict[str, Explanation]:
    """The named ones of the controls that depend on the method."""
    chosen = {name: make for name, make in METHOD_CONTROLS.items() if name in names}
    return {name: make(own, untrained, explained) for name, make in chosen.items()}


def null_maps(
    explain: Explain, original: Tensor, explained: ExplainedTrials, info: mne.Info
) -> dict[str, Tensor]:
    """Maps to score beside a method's own, which it should beat.

    Parameters
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape.
    original : Tensor (trials, channels, times)
        The method's maps of what is explained.
    explained : ExplainedTrials
        Decoder, trials, classes; its seed is that of the untrained decoder's weights.
    info : mne.Info
        The channels with their positions.

    Returns
    -------
    dict of str to Tensor
        ``same_spectrum``: random maps with the spectra of the method's; ``untrained``: the method
        on the decoder with all weights drawn again; ``class_mean``: see :func:`class_mean`;
        ``input_magnitude``, ``sobel_time``, ``laplace_time``, ``laplace_channels``: the
        magnitudes of x and of its edges.
    """
    untrained = explanation(explain, explained.untrained_decoder, explained.x, explained.target)
    made = method_controls(Explanation(original), untrained, explained)
    return {name: each.maps for name, each in (made | input_controls(explained.x, info)).items()}


def noise_maps(maps: Tensor, seed: int) -> dict[str, Tensor]:
    """White Gaussian noise of the shape of maps, by the names of ``NOISE_MAPS``.

    Parameters
    ----------
    maps : Tensor (trials, channels, times)
        Only their shape, type and device matter: all methods on a decoder meet the same noise.
    seed : int
        Seed of the noise.
    """
    drawn = torch.randn(maps.shape, generator=torch_generator(seed, "white noise"))
    noise = drawn.to(maps)
    return {name: kind(noise) for name, kind in NOISE_MAPS.items()}


def phase_randomized(maps: Maps) -> Maps:
    """Random maps as smooth as given ones: their spectra over both axes, with random phases.

    Theiler et al., Physica D 58:77 (1992), in two dimensions. The similarity of a map to its
    random copy is what two maps of that smoothness share by chance. The mean of a map stays;
    pixels that are not valid count as the mean. Random copies are Gaussian, so that those of a
    map with a few peaks are less peaked. A trial's phases depend on its map alone.

    Parameters
    ----------
    maps : Maps (trials, height, width)
        Finite maps.
    """
    values = _filled(maps)
    spectrum = torch.fft.rfft2(values)
    phases = torch.fft.rfft2(_noise(values)).sgn()
    phases[:, 0, 0] = spectrum[:, 0, 0].sgn()
    copies = torch.fft.irfft2(spectrum.abs() * phases, s=values.shape[1:])
    return Maps(copies if maps.mask is None else copies.masked_fill(~maps.mask, 0), maps.mask)


def _filled(maps: Maps) -> Tensor:
    """Maps with the mean of their valid pixels at those that are not."""
    if maps.mask is None:
        return maps.values
    return torch.where(maps.mask, maps.values, maps.rows.mean(1)[:, None, None])


def _noise(values: Tensor) -> Tensor:
    streams = trial_generators(values, "random phases")
    draws = [stream.standard_normal(values.shape[1:]) for stream in streams]
    return torch.from_numpy(np.stack(draws)).to(values)
