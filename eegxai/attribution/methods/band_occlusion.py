"""What the target's logit loses when a band of frequencies is removed from the trial."""

from collections.abc import Iterator

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from eegxai.attribution.core.registry import attribution, target_logits
from eegxai.attribution.engine.forward_only import MaxPoolWithoutIndices
from eegxai.attribution.engine.frequency import sides, tell


@attribution("BandOcclusion", frequency="effect")
def band_occlusion(
    decoder: nn.Module, x: Tensor, target: Tensor, *, width: PositiveInt = 4
) -> Tensor:
    """Loss by the removal of each band from all channels, spread over its energy.

    Occlusion (Zeiler & Fergus, arXiv:1311.2901) behind the Fourier transform: the coefficients of
    one band at a time are zero. A loss belongs to a band of all channels; the map gives each
    channel and sample its share of the energy of the band's signal, and so its relevance over
    frequency gives each channel and frequency its share. So the spread inside a band shows where
    the rhythm is, not where the decoder looks for it. Both sum to the losses' sum.

    It costs one forward pass for the trial and one for each band, 33 for 250 samples.

    Parameters
    ----------
    width : int
        Frequencies in a band, counted in those of the Fourier transform, which are as far apart
        as one over the trial's length: 4 Hz for trials of one second. The last band may be
        narrower; one wider than the spectrum is the spectrum.
    """
    spectrum, n_times = torch.fft.rfft(x), x.shape[2]
    energy = spectrum.abs().double().square() * sides(n_times).to(x.device)
    maps, relevance = torch.zeros_like(x), torch.zeros_like(energy)
    with torch.no_grad(), MaxPoolWithoutIndices():
        whole = target_logits(decoder, x, target)
        for band in _bands(spectrum, width):
            signal = torch.fft.irfft(spectrum * band, n_times)
            loss = (whole - target_logits(decoder, x - signal, target))[:, None, None]
            maps += loss * _energy_shares(signal.square())
            relevance += loss * _energy_shares(energy * band)
    tell(lambda: relevance)
    return maps


def _bands(spectrum: Tensor, width: int) -> Iterator[Tensor]:
    """Masks (frequencies,) of bands side by side."""
    frequencies = torch.arange(spectrum.shape[-1], device=spectrum.device)
    for start in range(0, len(frequencies), width):
        yield (frequencies >= start) & (frequencies < start + width)


def _energy_shares(energy: Tensor) -> Tensor:
    """Of each trial's sum; zero where there is none: a band without energy has no effect."""
    total = energy.sum((1, 2), keepdim=True)
    return torch.where(total > 0, energy / total.where(total > 0, 1), 0)
