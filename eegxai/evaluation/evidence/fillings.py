"""What stands in the place of the samples that are taken away from a trial.

A decoder has never met a trial with zeros in it, and what it says of one may be about the zeros.
Samples of another trial, in the same place, are EEG but for the places where they meet the trial's
own. What the other channels suggest is smooth there, but brings back the signal that was to be
taken away, since channels share it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

COVARIANCE_RIDGE = (
    1e-3  # of the mean variance of a channel: average references make covariances singular
)


class Filling(NamedTuple):
    """A way to fill.

    Attributes
    ----------
    other : callable
        Donors (donors, channels, times) to the trials that samples are taken from.
    conditional : bool
        Whether these are moved to where the remaining channels of the same samples suggest, by
        linear regression: of zeros, the mean of the missing channels given the others.
    """

    other: Callable[[Tensor], Tensor]
    conditional: bool = False


def _donors(donors: Tensor) -> Tensor:
    return donors


FILLINGS: Mapping[str, Filling] = {
    "donor": Filling(_donors),
    "conditional_mean": Filling(torch.zeros_like, conditional=True),
    "zero": Filling(torch.zeros_like),
}


def channel_covariance(x: Tensor) -> Tensor:
    """Covariance (channels, channels) of trials over all samples, with a small ridge, float64."""
    centred = x.double() - x.double().mean((0, 2), keepdim=True)
    covariance = torch.einsum("nct,ndt->cd", centred, centred) / (len(x) * x.shape[2])
    ridge = COVARIANCE_RIDGE * covariance.diagonal().mean()
    return covariance + ridge * torch.eye(len(covariance)).to(covariance)


def filled(trial: Tensor, other: Tensor, kept: Tensor, covariance: Tensor | None = None) -> Tensor:
    """The trial with another's samples in place of those that are not kept.

    Parameters
    ----------
    trial, other : Tensor (channels, times)
    kept : Tensor of bool (masks, channels, windows)
        Windows are equal to a sample, as ``torch.tensor_split`` makes them.
    covariance : Tensor (channels, channels), optional
        Of the channels, if the samples are moved to where the kept channels suggest.

    Returns
    -------
    Tensor (masks, channels, times)
    """
    of_window = window_of_sample(trial.shape[1], kept.shape[2]).to(kept.device)
    everywhere = kept[:, :, of_window]
    if covariance is None:
        return torch.where(everywhere, trial, other)
    moved = other + _regressed(trial - other, kept, covariance).to(other)
    return torch.where(everywhere, trial, moved)


def window_of_sample(n_times: int, n_windows: int) -> Tensor:
    """Number of the window that each sample is in, (times,)."""
    parts = torch.tensor_split(torch.arange(n_times), n_windows)
    return torch.repeat_interleave(torch.arange(n_windows), torch.tensor([len(p) for p in parts]))


def _regressed(difference: Tensor, kept: Tensor, covariance: Tensor) -> Tensor:
    """What the kept channels suggest for all, (masks, channels, times), window by window.

    With K the covariance of the kept channels and the identity elsewhere, covariance K^-1 d is the
    regression of all channels on the kept ones, d being 0 at the others.
    """
    parts = torch.tensor_split(difference.double(), kept.shape[2], dim=1)
    found = []
    for part, mask in zip(parts, kept.unbind(2), strict=True):
        on = mask.double()
        system = on[:, :, None] * covariance * on[:, None] + torch.diag_embed(1 - on)
        found.append(covariance @ torch.linalg.solve(system, on[:, :, None] * part))
    return torch.cat(found, 2)
