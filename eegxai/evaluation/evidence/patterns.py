"""Activation patterns of a decoder's outputs: what in the trials goes along with them.

The weights of a linear model, and so explanations of it, say how to get an output from the data,
which includes how to cancel noise. The activation pattern says what changes in the data with the
output: with the trials x and outputs s, A = Cov(x, s) Cov(s)^-1 (Haufe et al., NeuroImage
87:96, 2014). For a network that is the linear part of this relation, over trials.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import mne
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.attribution.engine.contrast import contrasts
from eegxai.decoders.training import predict
from eegxai.evaluation.evidence.agreements import MapsByMethod, map_sums, reference_agreement_table
from eegxai.evaluation.evidence.linear_model import discriminant_outputs
from eegxai.evaluation.maps.explanation import Explanation
from eegxai.evaluation.metrics.agreement import piece_pearson
from eegxai.evaluation.references.use_scores import SumsByFamily, piece_sums

Array = np.ndarray
RANK_SHARE = 1e-9  # of the outputs' largest variance: what is below is rounding, as of contrasts


@dataclass(frozen=True, eq=False)
class OutputPatterns:
    """Activation patterns of the outputs of one model.

    Attributes
    ----------
    patterns : array, shape (classes, channels, times)
        Change of the trial in µV with each unit of the class's output.
    halves : array, shape (2, classes, channels, times)
        Patterns of one half of the trials decided for each class, and of the others.
    accuracy : float
        Share of the trials that the outputs classify as labelled; NaN without labels.
    n_trials : int
        From which the patterns are.
    """

    patterns: Array = field(repr=False)
    halves: Array = field(repr=False)
    accuracy: float
    n_trials: int

    @property
    def reliability(self) -> Array:
        """Correlation of the patterns of the two halves, (classes,): near 0, they are noise.

        Oscillations of random phase have no pattern, however large they are.
        """
        return _correlations(*self.halves)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns of a decoder's contrasts, and of a linear model's as a reference.

    Attributes
    ----------
    decoder : OutputPatterns
    linear : OutputPatterns or None
        Of a shrunk linear discriminant's outputs for trials that it has not seen; None without
        labels.
    """

    decoder: OutputPatterns
    linear: OutputPatterns | None

    @property
    def agreement(self) -> Array:
        """Correlation of the two patterns of each class, (classes,); NaN without a linear model."""
        if self.linear is None:
            return np.full(len(self.decoder.patterns), np.nan)
        return _correlations(self.decoder.patterns, self.linear.patterns)


def patterns(decoder: nn.Module, x: Tensor, y: Tensor | None = None) -> Patterns:
    """Activation patterns of a decoder's contrasts and of a linear discriminant's (Haufe et al.).

    A pattern shows where the classes differ, in the eyes of a model; not what the model needs. It
    is near the planted signal where the decoder is good, whichever electrodes the decoder uses
    (docs/evaluation.md#evidence-without-ground-truth).

    Parameters
    ----------
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes); see ``eegxai.attribution.adapted``.
    x : Tensor (trials, channels, times)
        Trials in µV, at best not those of the training; on the decoder's device.
    y : Tensor (trials,), optional
        Their classes, for the linear discriminant and the accuracies.

    Raises
    ------
    ValueError
        When there are fewer than four trials, or a class has fewer than two.

    Examples
    --------
    >>> import torch
    >>> decoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2 * 8, 3))
    >>> x, y = torch.randn(12, 2, 8), torch.arange(12) % 3
    >>> patterns(decoder, x, y).decoder.patterns.shape
    (3, 2, 8)
    """
    outputs = contrasts(predict(decoder, x).double()).cpu().numpy()
    trials = x.detach().double().cpu().numpy()
    if y is None:
        return Patterns(output_patterns(trials, outputs), None)
    labels = y.cpu().numpy()
    linear = discriminant_outputs(trials.reshape(len(trials), -1), labels)
    centred = contrasts(torch.from_numpy(linear)).numpy()
    return Patterns(
        output_patterns(trials, outputs, labels), output_patterns(trials, centred, labels)
    )


def pattern_table(
    found: Patterns, info: mne.Info, class_names: Sequence[str] = (), tmin: float = 0.0
) -> pd.DataFrame:
    """Where each pattern is largest, and how far it can be trusted: one row per model and class.

    Parameters
    ----------
    found : Patterns
    info : mne.Info
        The channels and the sampling rate.
    class_names : sequence of str
        By default, their numbers.
    tmin : float
        Time of the first sample, s.

    Returns
    -------
    DataFrame
        model (``"decoder"``, ``"linear"``), class, peak_channel, peak_s and peak, the largest
        value in µV per unit of the output, reliability, agreement (with the other model's pattern),
        accuracy and n_trials.
    """
    models = {"decoder": found.decoder} | ({"linear": found.linear} if found.linear else {})
    names = list(class_names) or [str(number) for number in range(len(found.agreement))]
    rows = []
    for model, each in models.items():
        columns = zip(names, each.patterns, each.reliability, found.agreement, strict=True)
        for name, pattern, reliability, agreement in columns:
            channel, sample = np.unravel_index(np.abs(pattern).argmax(), pattern.shape)
            rows.append(
                {
                    "model": model, "class": name, "peak_channel": info.ch_names[int(channel)],
                    "peak_s": tmin + float(sample) / info["sfreq"],
                    "peak": pattern[channel, sample], "reliability": reliability,
                    "agreement": agreement, "accuracy": each.accuracy, "n_trials": each.n_trials,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def pattern_agreement(
    maps: MapsByMethod, target: Tensor, found: OutputPatterns, info: mne.Info
) -> pd.DataFrame:
    """Correlation of each method's sums over channels and windows with the pattern's magnitude.

    High where a map is where the classes differ, which no explanation has to be.

    Parameters
    ----------
    maps : mapping of str to Tensor or array (trials, channels, times)
        Signed maps, by method.
    target : Tensor (trials,)
        Their classes.
    found : OutputPatterns
        Such as ``patterns(...).decoder``.
    info : mne.Info
        The channels.

    Returns
    -------
    DataFrame
        That of ``replacement_agreement``; the ceiling is the correlation of two halves of the
        trials that the pattern is from.
    """
    whole = _magnitudes(found.patterns, target, info)
    parts = [_magnitudes(half, target, info) for half in found.halves]
    halves = {domain: np.stack([part[domain] for part in parts]) for domain in whole}
    return reference_agreement_table(map_sums(maps, info), whole, halves)


def _magnitudes(found: Array, target: Tensor, info: mne.Info) -> SumsByFamily:
    """Sums of the magnitude of each trial's pattern over channels and windows."""
    of_trials = torch.from_numpy(found)[target.cpu().long()]
    return piece_sums(Explanation(of_trials.abs()), info)


def output_patterns(x: Array, outputs: Array, y: Array | None = None) -> OutputPatterns:
    """Activation patterns of any model's outputs.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
    outputs : array, shape (trials, classes)
    y : array, shape (trials,), optional
        Classes, for the accuracy.
    """
    if len(x) < 4:
        raise ValueError(f"{len(x)} trials: patterns and their reliability need four or more")
    decided = _predicted_class(outputs)
    by_class = decided.argsort(kind="stable")  # each half has half of the trials of each class
    halves = np.stack(
        [activation_patterns(x[i], outputs[i]) for i in (by_class[::2], by_class[1::2])]
    )
    accuracy = np.nan if y is None else float((decided == y).mean())
    found = activation_patterns(x, outputs)
    return OutputPatterns(found, halves, accuracy, len(x))


def activation_patterns(x: Array, outputs: Array) -> Array:
    """Cov(x, s) Cov(s)^-1 of trials x and outputs s, (classes, channels, times).

    Where outputs depend on each other, as contrasts do, whose sum is 0, the inverse is the
    pseudo-inverse.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
    outputs : array, shape (trials, classes)
    """
    deviations = outputs - outputs.mean(0)
    inverse = np.linalg.pinv(deviations.T @ deviations, rcond=RANK_SHARE, hermitian=True)
    return np.einsum("ns,nct->sct", deviations @ inverse, x - x.mean(0), optimize=True)


def _predicted_class(outputs: Array) -> Array:
    return outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(int)


def _correlations(one: Array, other: Array) -> Array:
    """Of patterns (classes, channels, times), class by class; NaN where one is constant."""
    return piece_pearson(one.reshape(len(one), -1), other.reshape(len(other), -1))
