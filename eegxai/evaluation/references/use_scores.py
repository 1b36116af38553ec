"""Scores of explanations against what the decoder used, and the levels to read them against."""

import mne
import numpy as np
import pandas as pd
from torch import Tensor

from eegxai.attribution.engine.frequency import relevance_of_product
from eegxai.evaluation.maps.explanation import Explanation
from eegxai.evaluation.metrics.agreement import use_agreement
from eegxai.evaluation.references.pieces import FAMILIES
from eegxai.evaluation.references.use import DecoderUse
from eegxai.seeding import generator

USED = "used"  # the group of metrics
PLANTED_SIGNAL = "planted_signal"  # its magnitude as a map: a decoder need not use all of it
SPLIT_HALF = "split_half"  # one half of the estimate against the other: the ceiling
PERMUTED_PIECES = "permuted_pieces"  # the method's sums at other pieces: chance
USE_CHECKS = (PLANTED_SIGNAL, SPLIT_HALF, PERMUTED_PIECES)

SumsByFamily = dict[str, np.ndarray]  # (trials, pieces), by family of pieces
Agreements = dict[str, pd.DataFrame]  # one row per trial, by family of pieces


def piece_sums(said: Explanation, info: mne.Info) -> SumsByFamily:
    """Sums of an explanation over each family's pieces, where it has such sums."""
    made = {name: make(info, said.maps.shape[2]).sums(said) for name, make in FAMILIES.items()}
    return {name: sums.cpu().numpy() for name, sums in made.items() if sums is not None}


def use_scores(sums: SumsByFamily, use: DecoderUse) -> Agreements:
    """Agreement of sums over pieces with what the decoder used of them.

    Columns are ``used_pearson`` and ``used_spearman``; NaN where the use or the sums are constant.
    """
    return {
        name: _with_use_prefix(use_agreement(s, use.families[name].use)) for name, s in sums.items()
    }


def split_half(use: DecoderUse) -> Agreements:
    """Agreement of the two halves of the estimate: what the estimate itself can be trusted with."""
    return {
        name: _with_use_prefix(use_agreement(*pieces.halves))
        for name, pieces in use.families.items()
    }


def permuted(sums: SumsByFamily) -> SumsByFamily:
    """Each trial's sums in an order of its own, the same for all methods."""
    return {
        name: generator(0, "permuted pieces").permuted(values, axis=1)
        for name, values in sums.items()
    }


def planted_signal(signal: Tensor) -> Explanation:
    """Magnitude of the planted signal (trials, channels, times) in µV, and its power spectrum."""
    return Explanation(signal.abs(), relevance_of_product(signal, signal))


def _with_use_prefix(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.add_prefix(f"{USED}_")
