"""What a score is worth: maps that know nothing of the signal, and the scale from chance."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.baselines import seeded_by_trial
from eegxai.evaluation.randomization import cascade

Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


def normalised(score: Tensor, chance: Tensor, best: float = 1.0) -> Tensor:
    """Score where chance is 0 and the best value 1: (score - chance) / (best - chance).

    Parameters
    ----------
    score, chance : Tensor
        Of shapes that fit each other. NaN where the chance level is the best value.
    best : float
        The metric's best value: 1, or 0 for an error in ms or mm.
    """
    room = best - chance
    return (score - chance) / room.masked_fill(room == 0, torch.nan)


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
    streams = seeded_by_trial(maps, f"same spectrum {draw}")
    trials = zip(maps.detach().double().cpu().numpy(), streams, strict=True)
    return torch.from_numpy(np.stack([_surrogate(*trial) for trial in trials])).to(maps)


def _surrogate(trial: np.ndarray, random: np.random.Generator) -> np.ndarray:
    n_channels, n_times = trial.shape
    phases = random.uniform(0, 2 * np.pi, n_times // 2 + 1)
    real = [0, -1] if n_times % 2 == 0 else [0]  # zero and Nyquist frequency have only a sign
    phases[real] = np.pi * random.integers(2, size=len(real))
    spectrum = np.fft.rfft(trial) * np.exp(1j * phases)
    return np.fft.irfft(spectrum, n_times)[random.permutation(n_channels)]


def baseline_maps(
    explain: Explain, decoder: nn.Module, x: Tensor, target: Tensor, seed: int
) -> dict[str, Tensor]:
    """Maps to score beside a method's own: what it should beat to have told anything.

    Parameters
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape.
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor (trials, channels, times)
        Trials in µV.
    target : Tensor (trials,)
        Classes to explain.
    seed : int
        Seed of the untrained decoder's weights.

    Returns
    -------
    dict of str to Tensor
        ``same_spectrum``: random maps with the spectra of the method's; ``input_magnitude``:
        the magnitude of x; ``untrained``: the method on the decoder with all weights drawn anew.
    """
    *_, (_, untrained) = cascade(decoder, x, seed)
    return {
        "same_spectrum": same_spectrum(explain(decoder, x, target)),
        "input_magnitude": x.abs(),
        "untrained": explain(untrained, x, target),
    }
