"""What a decoder's decision owes to each piece of the planted signal.

A trial is its background and the planted signal, x = b + s, and the signal the sum of its pieces.
The decision is the contrast logit f: the logit of the class less the mean of the others, which
does not change when the same function of x is added to all logits. The use of a piece is its
Shapley value in the game v(Q) = f(b + the pieces in Q), so that the uses sum to f(x) - f(b). All
inputs are background with part of a signal that was planted, as the decoder knows them.

Shapley, A value for n-person games, 1953; permutation sampling: Castro et al., Computers &
Operations Research 36:1726 (2009).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import mne
import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.engine.contrast import contrasts
from eegxai.decoders.training import predict
from eegxai.evaluation.references.pieces import FAMILIES, Family
from eegxai.seeding import trial_generators

Value = Callable[[Tensor], Tensor]  # inputs (inputs, channels, times) to decisions (inputs,)


@dataclass(frozen=True, eq=False)
class PieceUse:
    """Use of the pieces of one family.

    Attributes
    ----------
    names : tuple of str
        Of the pieces.
    use : array, shape (trials, pieces)
        In units of the logit.
    halves : array, shape (2, trials, pieces)
        Two estimates of it: the first and the last marginal, or each half of the permutations.
    error : array, shape (trials, pieces)
        Standard error of ``use`` over the draws, which are the two marginals or the permutations.
    """

    names: tuple[str, ...]
    use: np.ndarray
    halves: np.ndarray
    error: np.ndarray


@dataclass(frozen=True, eq=False)
class DecoderUse:
    """What the decision on each trial owes to the planted signal.

    Attributes
    ----------
    total : array, shape (trials,)
        f(x) - f(b): what it owes to the signal as a whole.
    families : mapping of str to PieceUse
        By the names of ``FAMILIES``: ``"channel"``, ``"window"``, ``"band"``.
    """

    total: np.ndarray
    families: Mapping[str, PieceUse]

    def gap(self, family: str) -> np.ndarray:
        """Sum of the uses less the total, (trials,): 0 for exact values and for permutations."""
        return self.families[family].use.sum(1) - self.total


def contrast(logits: Tensor, target: Tensor) -> Tensor:
    """Logit of the class less the mean of the others, (trials,), in double precision.

    Parameters
    ----------
    logits : Tensor (trials, classes)
        A lone logit is its own contrast.
    target : Tensor (trials,)
    """
    return contrasts(logits.double()).gather(1, target[:, None])[:, 0]


def decoder_use(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    ground_truth: Tensor,
    info: mne.Info,
    n_permutations: int = 0,
) -> DecoderUse:
    """What a decoder's decisions owe to each planted channel, window of time and band.

    Parameters
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor (trials, channels, times)
        Trials in µV, on the decoder's device.
    target : Tensor (trials,)
        Their classes.
    ground_truth : Tensor (trials, channels, times)
        Their noiseless sensor signal in µV.
    info : mne.Info
        The channels and the sampling rate.
    n_permutations : int
        Orders in which the pieces of a trial are put in, 2 or more; 0 for the mean of the first
        and the last marginal: what a piece adds to the background, and what the trial loses
        without it. The marginals take two passes a piece, a permutation one.

    Returns
    -------
    DecoderUse
        A trial's values do not depend on the trials beside it; 0 where nothing is planted.

    Examples
    --------
    >>> import eegxai, torch
    >>> from eegxai.evaluation.references.use import decoder_use
    >>> eeg = eegxai.simulate("temporal", snr_db=-3.5, seed=0, n_trials=4)
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(eeg.x[0].size, 4))
    >>> x, y, s = (torch.from_numpy(a) for a in (eeg.x, eeg.y, eeg.ground_truth))
    >>> decoder_use(linear, x, y, s, eeg.info).families["window"].use.shape
    (4, 10)
    """
    families = {name: make(info, x.shape[2]) for name, make in FAMILIES.items()}
    draws: dict[str, list[Tensor]] = {name: [] for name in families}
    total = []
    for trial, signal, label in zip(x, ground_truth.to(x), target.to(x.device), strict=True):
        value = partial(_decision, decoder, label)
        ends = torch.stack([trial - signal, trial])
        low, high = value(ends)
        total.append(high - low)
        for name, family in families.items():
            draws[name].append(_draws(value, ends, signal, family, name, n_permutations))
    uses = {
        name: _use_of_draws(families[name], torch.stack(each, 1)) for name, each in draws.items()
    }
    return DecoderUse(torch.stack(total).cpu().numpy(), uses)


def _decision(decoder: nn.Module, label: Tensor, inputs: Tensor) -> Tensor:
    return contrast(predict(decoder, inputs), label.expand(len(inputs)))


def _draws(
    value: Value, ends: Tensor, signal: Tensor, family: Family, name: str, n_permutations: int
) -> Tensor:
    """Estimates (draws, pieces) of the use of each piece in one trial."""
    if not signal.any():
        return torch.zeros(max(2, n_permutations), len(family.names), dtype=torch.float64)
    pieces = family.split(signal)
    if not n_permutations:
        return _marginals(value, ends, pieces).cpu()
    (random,) = trial_generators(ends[1:], f"use by {name}")
    orders = [random.permutation(len(pieces)) for _ in range(n_permutations)]
    return torch.stack([_permuted(value, ends, pieces, torch.from_numpy(o)) for o in orders]).cpu()


def _marginals(value: Value, ends: Tensor, pieces: Tensor) -> Tensor:
    """What each piece adds to the background, and what the trial loses without it."""
    background, trial = ends
    decisions = value(torch.cat([ends, background + pieces, trial - pieces]))
    first, last = decisions[2:].chunk(2)
    return torch.stack([first - decisions[0], decisions[1] - last])


def _permuted(value: Value, ends: Tensor, pieces: Tensor, order: Tensor) -> Tensor:
    """What each piece adds to the background and the pieces before it in an order."""
    some = ends[0] + pieces[order[:-1].to(pieces.device)].cumsum(0)
    decisions = value(torch.cat([ends[:1], some, ends[1:]]))
    gained = torch.empty_like(decisions[1:])
    gained[order.to(gained.device)] = decisions.diff()
    return gained


def _use_of_draws(family: Family, draws: Tensor) -> PieceUse:
    """Mean, halves and standard error of draws (draws, trials, pieces)."""
    values = draws.numpy()
    middle = len(values) // 2
    return PieceUse(
        family.names,
        values.mean(0),
        np.stack([values[:middle].mean(0), values[middle:].mean(0)]),
        values.std(0, ddof=1) / np.sqrt(len(values)),
    )
