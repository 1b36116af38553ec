"""The evaluation of explanations of one decoder: ground truth and robustness checks, tidy."""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import mne
import numpy as np
import pandas as pd
from torch import Tensor, nn

from eegxai.decoders.compiled import original_module
from eegxai.decoders.training import predict
from eegxai.evaluation.controls.frequency_nulls import FrequencyListener
from eegxai.evaluation.controls.null_maps import (
    CHANCE,
    NULL_MAPS,
    SURROGATE,
    UNTRAINED,
    Explain,
    chance_corrected,
    noise_maps,
    null_maps,
    phase_randomized,
)
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials, variants
from eegxai.evaluation.evaluation_spec import EvaluationSpec
from eegxai.evaluation.maps.domains import DOMAINS
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.frequency import frequency_scores
from eegxai.evaluation.metrics.physical import ERRORS, SourceTruth, physical_scores
from eegxai.evaluation.modes import Comparison, Metrics, Score
from eegxai.evaluation.scoring import chunks, reference_maps
from eegxai.seeding import generator

SCORE_COLUMNS = [
    "check", "step", "layer", "layers_randomized", "domain", "mode", "metric",
    "mean", "std", "n_trials", "n_valid", "n_zero_rows", "above_chance",
]  # fmt: skip

MapsByDomain = Mapping[str, list[Maps]]  # maps by domain, a few trials at a time


class CheckStep(NamedTuple):
    """The check and the step of it that scores belong to."""

    check: str
    step: int = 0
    layer: str = ""
    layers_randomized: int = 0


GROUND_TRUTH = CheckStep("ground_truth")
AGAINST_TRUTH = (GROUND_TRUTH.check, *NULL_MAPS)
N_NOISE_TRIALS = 64  # enough for the mean similarity of noise, at a quarter of the cost of 256


def evaluate(
    explain: Explain,
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    ground_truth: Tensor,
    n_classes: int,
    info: mne.Info,
    seed: int,
    spec: EvaluationSpec,
    *,
    known: SourceTruth | None = None,
    permuted_labels_decoder: nn.Module | None = None,
    method: str = "",
) -> pd.DataFrame:
    """Score an explanation method on one decoder: ground truth, chance, robustness checks.

    Parameters
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape.
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor (trials, channels, times)
        Test trials in µV, on the decoder's device.
    target : Tensor (trials,)
        Their classes.
    ground_truth : Tensor (trials, channels, times)
        Their noiseless sensor signal in µV.
    n_classes : int
        Number of classes.
    info : mne.Info
        The channels.
    seed : int
        Seed of the choice of trials and of the randomizations.
    spec : EvaluationSpec
        Number of trials, threshold of the ground truth, checks.
    known : SourceTruth, optional
        What else is known of the trials, for errors in ms and mm and the planted band.
    permuted_labels_decoder : nn.Module, optional
        The architecture trained on permuted labels, for the check ``label_retrain``.
    method : str
        Name of the method: in the mode ``"study"``, the order of the arguments depends on it
        (``METHODS_ORIGINAL_FIRST`` in ``eegxai.evaluation.modes``).

    Returns
    -------
    DataFrame
        One row per check, step, domain and metric: check, step, layer, layers_randomized,
        domain, mode (the group of the metric), metric, mean and std over the trials where the
        metric is defined, n_trials, n_valid, n_zero_rows (trials that the study's code skips, of
        which zeros enter the mean; 0 in the corrected mode), and above_chance, the mean where
        chance is 0 and the best value 1 (see ``chance_corrected``); chance is the mean of
        ``same_spectrum``, for a similarity the mean of ``surrogate``. The check ``ground_truth``
        compares the map with the planted signal, by the metrics of ``MODES`` and
        ``physical_scores``; ``same_spectrum``, ``input_magnitude`` and ``untrained`` compare maps
        with it that know less (see ``null_maps``). Every other check compares a map with the
        original one, by those of ``SIMILARITIES``: ``surrogate`` a random map as smooth as the
        original (see ``phase_randomized``), ``noise`` and ``noise_magnitude`` white noise and its
        magnitude (on some of the trials), the others the map of a randomized decoder or another
        class. In the mode ``"study"`` all metrics are the sixteen of ``STUDY_METRICS``.

    Raises
    ------
    ValueError
        When the decoder classifies no trial correctly, or a check lacks what it needs.
    """
    explained = choose_explained(
        decoder, x, target, n_classes, seed, spec.n_trials, permuted_labels_decoder, ground_truth
    )
    return evaluate_explained(explain, explained, ground_truth, info, spec, known, method=method)


def choose_explained(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    n_classes: int,
    seed: int,
    n_trials: int,
    permuted_labels_decoder: nn.Module | None = None,
    ground_truth: Tensor | None = None,
) -> ExplainedTrials:
    """At most so many of the trials that the decoder classifies correctly, to be explained.

    Where a ground truth is given, trials in which it is zero are chosen last: they have no score
    against it.
    They serve several methods, whose randomized decoders are made once. A decoder of
    torch.compile is explained as it was written. Parameters and raises are those of
    :func:`evaluate`.
    """
    decoder, target = original_module(decoder), target.to(x.device)
    planted = None if ground_truth is None else ground_truth.flatten(1).any(1).cpu().numpy()
    chosen = _chosen_trials(decoder, x, target, n_trials, seed, planted)
    return ExplainedTrials(
        decoder, x[chosen], target[chosen], n_classes, seed, permuted_labels_decoder, chosen
    )


def evaluate_explained(
    explain: Explain,
    explained: ExplainedTrials,
    ground_truth: Tensor,
    info: mne.Info,
    spec: EvaluationSpec,
    known: SourceTruth | None = None,
    original: Tensor | None = None,
    method: str = "",
) -> pd.DataFrame:
    """Score an explanation method on what :func:`choose_explained` has chosen.

    ``ground_truth`` and ``known`` are of all trials that were chosen from, ``original`` are the
    method's maps of those chosen, for callers who have them already. The other parameters and
    what is returned are those of :func:`evaluate`.
    """
    chosen = explained.chosen
    truth = ground_truth[chosen.to(ground_truth.device)].to(explained.x.device)
    facts = known.of(chosen.cpu().numpy()) if known and spec.comparison.physical else None
    explain = (
        explain if isinstance(explain, FrequencyListener) else FrequencyListener(explain, explained)
    )
    if original is None:
        original = explain(explained.decoder, explained.x, explained.target)
    maps = {GROUND_TRUTH.check: original, **null_maps(explain, original, explained)}
    twice = {check: _shown(maps[check], info) for check in (GROUND_TRUTH.check, UNTRAINED)}
    parts = [
        *_against_truth(maps, twice, truth, facts, info, spec),
        *_against_band(explain, facts),
        *_against_noise(original, explained.seed, info, spec.comparison),
        *_against_original(explain, explained, twice, info, spec, method),
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(above_chance=_above_chance(table))[SCORE_COLUMNS]


def _chosen_trials(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    n_trials: int,
    seed: int,
    planted: np.ndarray | None,
) -> Tensor:
    correct = (predict(decoder, x).argmax(1) == target).nonzero().flatten()
    if len(correct) == 0:
        raise ValueError(f"none of {len(x)} trials is classified correctly: nothing to score")
    order = generator(seed, "scored trials").permutation(len(correct))
    if planted is not None:
        order = order[np.argsort(~planted[correct.cpu().numpy()[order]], kind="stable")]
    return correct[np.sort(order[:n_trials])]


def _against_truth(
    maps: Mapping[str, Tensor],
    shown: Mapping[str, MapsByDomain],
    ground_truth: Tensor,
    known: SourceTruth | None,
    info: mne.Info,
    spec: EvaluationSpec,
) -> Iterator[pd.DataFrame]:
    """Scores against the ground truth: of the maps, and of maps that know less.

    ``shown`` are those of the maps, by domain, that are needed for other scores too.
    """
    truth = {
        domain: reference_maps(ground_truth, domain, info, spec.truth_threshold)
        for domain in DOMAINS
    }
    how = spec.comparison
    for check, values in maps.items():
        maps_by_domain = shown.get(check) or _shown(values, info)
        pair = maps_by_domain, truth
        yield from _compared(CheckStep(check), *pair, how.against_truth, how.score_truth)
        if known:
            errors = physical_scores(values.cpu().numpy(), known)
            yield _rows(CheckStep(check), "channel_time", "calibrated", errors)


def _against_band(explain: FrequencyListener, known: SourceTruth | None) -> Iterator[pd.DataFrame]:
    """Scores of relevance over frequency; none for trials without a band or a method without it."""
    if known and np.isfinite(known.low_hz).any():
        for check, relevance in explain.relevances().items():
            scores = frequency_scores(relevance.cpu().numpy(), known)
            yield _rows(CheckStep(check), "channel_frequency", "calibrated", scores)


def _against_original(
    explain: Explain,
    explained: ExplainedTrials,
    shown: Mapping[str, MapsByDomain],
    info: mne.Info,
    spec: EvaluationSpec,
    method: str,
) -> Iterator[pd.DataFrame]:
    """Similarities to the original maps: of random ones, and after each randomization."""
    how, reference = spec.comparison, shown[GROUND_TRUTH.check]
    metrics = how.against_original, how.score_original
    surrogates = {name: [phase_randomized(m) for m in maps] for name, maps in reference.items()}
    yield from _compared(CheckStep(SURROGATE), surrogates, reference, *metrics)
    for variant in variants(explained, spec.checks):
        change = variant.change
        check_step = CheckStep(variant.check, variant.step, change.layer, change.layers_randomized)
        if explained.is_untrained(change):
            maps = shown[UNTRAINED]
        else:
            maps = _shown(explain(change.decoder, explained.x, change.target), info)
        turned = how.original_first.get((variant.check, method), ())
        yield from _compared(check_step, maps, reference, *metrics, turned)


def _against_noise(
    original: Tensor, seed: int, info: mne.Info, how: Comparison
) -> Iterator[pd.DataFrame]:
    """Similarities of white noise to some of the original maps, evenly spaced among all."""
    some = original[:: math.ceil(len(original) / N_NOISE_TRIALS)]
    reference = _shown(some, info)
    for check, noise in noise_maps(some, seed).items():
        pair = _shown(noise, info), reference
        yield from _compared(CheckStep(check), *pair, how.against_original, how.score_original)


def _shown(maps: Tensor, info: mne.Info) -> MapsByDomain:
    return {domain: list(chunks(maps, domain, info)) for domain in DOMAINS}


def _compared(
    check_step: CheckStep,
    shown: MapsByDomain,
    reference: MapsByDomain,
    groups: Metrics,
    score: Score,
    turned: Collection[str] = (),
) -> Iterator[pd.DataFrame]:
    """Scores of maps with a reference, or on the domains ``turned`` the other way round."""
    for domain, maps in shown.items():
        pair = (reference[domain], maps) if domain in turned else (maps, reference[domain])
        for group, metrics in groups.items():
            yield _rows(check_step, domain, group, score(*pair, metrics))


def _above_chance(table: pd.DataFrame) -> np.ndarray:
    """Means on the scale from chance to the best value."""
    where = ["domain", "mode", "metric"]
    similar = ~table["check"].isin(AGAINST_TRUTH)
    chance = pd.Series(np.nan, index=table.index)
    for group, level in ((~similar, CHANCE), (similar, SURROGATE)):
        means = table[table["check"] == level].set_index(where)["mean"]
        chance[group] = means.reindex(pd.MultiIndex.from_frame(table.loc[group, where])).to_numpy()
    best = np.where(table["metric"].isin(ERRORS), 0.0, 1.0)
    return chance_corrected(table["mean"], chance, best)


def _rows(check_step: CheckStep, domain: str, mode: str, scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and std (ddof = 1) of each metric over the trials where it is defined.

    Only a trial that the study's code skips has a zero in every metric.
    """
    moments = {"mean": scores.mean(), "std": scores.std(), "n_valid": scores.count()}
    columns = {name: moment.to_numpy() for name, moment in moments.items()}
    where: dict[str, Any] = {**check_step._asdict(), "domain": domain, "mode": mode}
    counts = {"n_trials": len(scores), "n_zero_rows": int((scores == 0).all(axis=1).sum())}
    return pd.DataFrame({"metric": scores.columns, **columns, **counts, **where})
