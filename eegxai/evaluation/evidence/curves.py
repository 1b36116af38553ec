"""Deletion and insertion: what becomes of a decision as the trial is replaced, piece by piece.

The pieces of a trial are windows of a channel. A map puts them in an order, by its sums over them.
Deletion replaces those that speak most for the class first, insertion brings them back first into
a trial that is replaced altogether (Petsiuk et al., RISE, 2018; Samek et al., IEEE TNNLS 28:2660,
2017). A map that names what the decoder goes by makes the decision fall and rise earlier than a
random order does. Which samples stand in the place of the missing ones decides what is measured
(see ``FILLINGS``, and docs/evaluation.md#evidence-without-ground-truth).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mne
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.decoders.training import predict
from eegxai.evaluation.evidence.fillings import FILLINGS, channel_covariance, filled
from eegxai.evaluation.references.pieces import WINDOW_S
from eegxai.evaluation.references.use import contrast
from eegxai.registry import lookup
from eegxai.seeding import trial_generators
from eegxai.statistics import student_interval

FILLING = "donor"
MOST_PIECES = 320  # of a trial, which bounds the passes: windows are longer where channels are many
# Of the pieces that are replaced. A share q of deletion is 1 - q of insertion, so both go through
# the same shares, and a random order has one curve for the two.
SHARES = (0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.94, 0.97, 0.99, 1.0)
RANDOM_ORDER = "random order"  # of its own, against the mean of the others: chance
MEASURED_ORDER = "measured order"  # by what the decision loses without each piece: the ceiling
LEVELS = (RANDOM_ORDER, MEASURED_ORDER)
CURVES = ("deletion", "insertion")
BOTH = "both"  # the mean of their areas

Order = Tensor  # (orders, pieces): the pieces from the first that is replaced to the last


def deletion_curves(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    maps: Mapping[str, Tensor | npt.ArrayLike],
    info: mne.Info,
    *,
    pool: Tensor | None = None,
    filling: str = FILLING,
    n_donors: int = 2,
    n_orders: int = 8,
) -> pd.DataFrame:
    """Decisions as trials are replaced and restored in the order of each method's map.

    Parameters
    ----------
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes); see ``eegxai.attribution.adapted``.
    x : Tensor (trials, channels, times)
        Trials in µV, on the decoder's device, which the decoder classifies correctly.
    target : Tensor (trials,)
        The classes explained.
    maps : mapping of str to Tensor or array (trials, channels, times)
        Signed maps of these trials, by method.
    info : mne.Info
        The channels and the sampling rate.
    pool : Tensor (trials, channels, times), optional
        Trials that take the place of what is missing, at best many and of all classes; by default
        ``x``.
    filling : str
        A name in ``FILLINGS``.
    n_donors : int
        Trials of the pool that a trial is replaced by, one after the other; decisions are means.
    n_orders : int
        Random orders that a method's is compared with, 2 or more.

    Returns
    -------
    DataFrame
        One row per method, trial, curve (``"deletion"`` or ``"insertion"``) and share of the
        pieces: ``decision``, the contrast of the class with so many pieces replaced or brought
        back, and ``random``, the mean decision with random orders. The methods of ``LEVELS`` are
        added: one random order, and the order by what the decision loses without each piece alone.
        NaN where a map has the same sum over all pieces. A trial has the same numbers whatever
        methods stand beside.

        Takes 28 passes a method, trial and donor, and 13 a random order, 310 for the measured one
        with 62 channels.

    Raises
    ------
    ValueError
        When the filling is unknown, maps are of another shape than the trials, or the pool has too
        few trials to replace one.

    Examples
    --------
    >>> import eegxai, torch
    >>> eeg = eegxai.simulate("temporal", snr_db=-3.5, seed=0, n_trials=4)
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(eeg.x[0].size, 4))
    >>> x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    >>> curves = deletion_curves(linear, x, y, {"input": x}, eeg.info)
    >>> list(curves.columns)
    ['method', 'trial', 'curve', 'share', 'decision', 'random']
    """
