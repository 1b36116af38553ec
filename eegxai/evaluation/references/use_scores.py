"""Scores of maps by what the decoder used, and the scores of what maps are measured by."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import mne
import numpy as np
import pandas as pd
from torch import Tensor

from eegxai.evaluation.metrics.agreement import agreement
from eegxai.evaluation.references.pieces import FAMILIES
from eegxai.evaluation.references.use import DecoderUse
from eegxai.seeding import generator

USED = "used"  # the group of metrics
PLANTED_SIGNAL = "planted_signal"  # its magnitude as a map: a decoder need not use all of it
SPLIT_HALF = "split_half"  # one half of the estimate against the other: the ceiling
PERMUTED_PIECES = "permuted_pieces"  # the method's sums at other pieces: chance
USE_CHECKS = (PLANTED_SIGNAL, SPLIT_HALF, PERMUTED_PIECES)


class UseScores(NamedTuple):
    """Agreement with the use: of which check's map, over which pieces, one row per trial."""

    check: str
    domain: str
    scores: pd.DataFrame


def use_scores(
    maps: Mapping[str, Tensor], method: str, truth: Tensor, use: DecoderUse, info: mne.Info
) -> Iterator[UseScores]:
    """Agreement of maps with what the decoder used, over channels and over windows of time.

    Parameters
    ----------
    maps : mapping of str to Tensor (trials, channels, times)
        Signed maps by check.
    method : str
        The check whose sums are also permuted.
    truth : Tensor (trials, channels, times)
        Noiseless signal in µV of the same trials.
    use : DecoderUse
        Of the same trials.
    info : mne.Info
        The channels and the sampling rate.

    Yields
    ------
    UseScores
        Of each map and of each of ``USE_CHECKS``; NaN where the use or the sums are constant.
    """
    compared = {**maps, PLANTED_SIGNAL: truth.abs()}
    for domain, make in FAMILIES.items():
        family, pieces = make(info, truth.shape[2]), use.families[domain]
        if family.sums is None:
            continue
        sums = {
            check: family.sums(m.detach().double()).cpu().numpy() for check, m in compared.items()
        }
        sums[PERMUTED_PIECES] = _permuted(sums[method])
        for check, values in sums.items():
            yield UseScores(check, domain, agreement(values, pieces.use))
        yield UseScores(SPLIT_HALF, domain, agreement(*pieces.halves))


def _sums(sums: Callable[[Tensor], Tensor], maps: Tensor) -> np.ndarray:
    return sums(maps.detach().double()).cpu().numpy()


def _permuted(sums: np.ndarray) -> np.ndarray:
    """Each trial's sums in an order of its own, the same for all methods."""
    return generator(0, "permuted pieces").permuted(sums, axis=1)
