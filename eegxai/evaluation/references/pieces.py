"""A planted signal divided into pieces: by channel, by window of time, by band."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mne
import torch
from torch import Tensor

from eegxai.evaluation.maps.explanation import Explanation

WINDOW_S = 0.1  # about as long as an evoked component, and a period of the alpha rhythm
# Equal steps, since the field's named bands are of unequal widths and too few to correlate; 40 Hz
# is where the rhythms end that EEG is usually filtered to, and the last band is all above.
BAND_STEP_HZ, BAND_STEPS = 4, 10
PIECE_ROUNDING = (
    1e-9  # of frequencies: 20 Hz may be 19.999999999999996, which is not of the band below
)


@dataclass(frozen=True)
class Family:
    """One way to divide signals of (channels, times).

    Attributes
    ----------
    names : tuple of str
        Of the pieces, such as a channel's name, ``"100-200 ms"`` (from the start of the epoch) or
        ``"8-12 Hz"``.
    split : callable
        Signal (channels, times) to its pieces (pieces, channels, times), whose sum it is.
    sums : callable
        Explanation to its sums over the pieces, (trials, pieces), in double precision; None where
        it has no such sums, as maps that say nothing about frequency have none over bands.
    """

    names: tuple[str, ...]
    split: Callable[[Tensor], Tensor]
    sums: Callable[[Explanation], Tensor | None]


def channels(info: mne.Info, n_times: int) -> Family:
    """Every channel a piece."""
    masks = torch.eye(len(info.ch_names))[:, :, None]
    return Family(
        tuple(info.ch_names),
        lambda s: s * masks.to(s),
        lambda said: said.maps.detach().double().sum(2),
    )


def windows(info: mne.Info, n_times: int) -> Family:
    """Windows of time of about 100 ms, equal to a sample."""
    sfreq = info["sfreq"]
    count = min(max(1, round(n_times / sfreq / WINDOW_S)), n_times)
    parts = torch.tensor_split(torch.arange(n_times), count)
    masks = torch.stack([torch.isin(torch.arange(n_times), part) for part in parts])
    edges = [(1000 * int(part[0]) / sfreq, 1000 * (int(part[-1]) + 1) / sfreq) for part in parts]
    return Family(
        tuple(f"{low:g}-{high:g} ms" for low, high in edges),
        lambda s: s * masks[:, None].to(s),
        lambda said: _sums_over_masks(said.maps, masks),
    )


def bands(info: mne.Info, n_times: int) -> Family:
    """Bands of 4 Hz from 0 to 40 Hz, each without its upper edge, and one of all above."""
    frequencies = torch.fft.rfftfreq(n_times, 1 / info["sfreq"], dtype=torch.float64)
    number = (frequencies / BAND_STEP_HZ + PIECE_ROUNDING).floor().clamp(max=BAND_STEPS).long()
    present = number.unique()
    masks = number == present[:, None]
    names = (
        f"{BAND_STEP_HZ * k}-{BAND_STEP_HZ * (k + 1)} Hz"
        if k < BAND_STEPS
        else f"{BAND_STEP_HZ * k} Hz and above"
        for k in present.tolist()
    )
    return Family(
        tuple(names),
        lambda s: _filtered(s, masks),
        lambda said: None if said.frequency is None else _sums_over_masks(said.frequency, masks),
    )


def _sums_over_masks(relevance: Tensor, masks: Tensor) -> Tensor:
    """Relevance (trials, channels, n) summed over channels and masks (pieces, n)."""
    return relevance.detach().double().sum(1) @ masks.T.to(relevance.device, torch.float64)


def _filtered(signal: Tensor, masks: Tensor) -> Tensor:
    """Parts of a signal in bands: exact Fourier masks, in double precision."""
    spectrum = torch.fft.rfft(signal.double()) * masks[:, None].to(signal.device)
    return torch.fft.irfft(spectrum, signal.shape[-1]).to(signal)


# By the domain of its scores.
FAMILIES: Mapping[str, Callable[[mne.Info, int], Family]] = {
    "channel": channels,
    "window": windows,
    "band": bands,
}
