"""The evaluation of explanations of one decoder: ground truth and robustness checks, tidy."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import mne
import numpy as np
import pandas as pd
from torch import Tensor, nn

from eegxai.decoders.compiled import original_module
from eegxai.decoders.training import predict
from eegxai.evaluation.controls.null_maps import (
    CHANCE,
    NULL_MAPS,
    SURROGATE,
    UNTRAINED,
    Explain,
    chance_corrected,
    input_controls,
    method_controls,
    noise_maps,
    phase_randomized,
)
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials, variants
from eegxai.evaluation.evaluation_spec import EvaluationSpec
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.physical import ERRORS, SourceTruth, physical_scores
from eegxai.evaluation.modes import Comparison, Metrics, Score
from eegxai.evaluation.references.use import DecoderUse, decoder_use
from eegxai.evaluation.references.use_scores import USE_CHECKS, USED, use_scores
from eegxai.evaluation.modes import (
    ONLY_METRICS,
    SPLIT_DOMAINS,
    SPLIT_METRICS,
    Comparison,
    Metrics,
    Score,
)
from eegxai.evaluation.scoring import chunks, reference_maps
from eegxai.seeding import generator

SCORE_COLUMNS = [
    "check", "step", "layer", "layers_randomized", "domain", "mode", "metric",
    "mean", "std", "n_trials", "n_valid", "n_zero_rows", "draws_std", "above_chance",
]  # fmt: skip

MapsByDomain = Mapping[str, list[Maps]]  # maps by domain, a few trials at a time


class CheckStep(NamedTuple):
    """The check and the step of it that scores belong to."""

    check: str
    step: int = 0
    layer: str = ""
    layers_randomized: int = 0


GROUND_TRUTH = CheckStep("ground_truth")
AGAINST_TRUTH = (GROUND_TRUTH.check, *NULL_MAPS, *USE_CHECKS)
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
        What else is known of the trials, for errors in ms and mm and the spectral precision.
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
        which zeros enter the mean; 0 in the corrected mode), draws_std (spread of the mean between
        draws of random weights, where there are several), and above_chance, the mean where
        chance is 0 and the best value 1 (see ``chance_corrected``); chance is the mean of
        ``same_spectrum``, for a similarity the mean of ``surrogate``. The check ``ground_truth``
        compares the map with the planted signal, by the metrics of ``MODES`` and
        ``physical_scores``; ``same_spectrum``, ``input_magnitude`` and ``untrained`` compare maps
        with it that know less (see ``null_maps``). In the group ``used`` they are compared with
        what the decoder used (see ``use_scores``). Every other check compares a map with the
        original one, by those of ``SIMILARITIES``: ``surrogate`` a random map as smooth as the
        original (see ``phase_randomized``), ``noise`` and ``noise_magnitude`` white noise and its
        magnitude (on some of the trials), the others the map of a randomized decoder or another
        class. In the mode ``"study"`` all metrics are the sixteen of ``STUDY_METRICS``.
        ``physical_scores``; the checks of ``NULL_MAPS`` compare maps with it that know less (see
        ``null_maps``). Where ``known`` tells evoked from oscillatory trials, ``SPLIT_METRICS`` on
        topographies have rows for either, such as ``topography_evoked``. Every other check
        compares a map with the original one, by those of ``SIMILARITIES``: ``surrogate`` a random
        map as smooth as the original (see ``phase_randomized``), ``noise`` and
        ``noise_magnitude`` white noise and its magnitude (on some of the trials), the others the
        map of a randomized decoder or another class. In the mode ``"study"`` all
        metrics are the sixteen of ``STUDY_METRICS``.

    Raises
    ------
    ValueError
        When the decoder classifies no trial correctly, or a check lacks what it needs.
    """
    explained = choose_explained(
        decoder,
        x,
        target,
        n_classes,
        seed,
        spec.n_trials,
        permuted_labels_decoder,
        ground_truth,
        spec.weight_draws,
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
    weight_draws: int = 1,
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
        decoder,
        x[chosen],
        target[chosen],
        n_classes,
        seed,
        permuted_labels_decoder,
        chosen,
        weight_draws,
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
    use: DecoderUse | None = None,
    of_input: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Score an explanation method on what :func:`choose_explained` has chosen.

    ``ground_truth`` and ``known`` are of all trials that were chosen from, ``original`` are the
    method's maps of those chosen and ``use`` what :func:`use_of` finds for them, for callers who
    have them already. The other parameters and what is returned are those of :func:`evaluate`.
    method's maps of those chosen, and ``of_input`` is what :func:`score_input_controls` returns,
    for callers who have them already. The other parameters and
    what is returned are those of :func:`evaluate`.
    """
    truth, facts = _planted(explained, ground_truth, known, spec)
    if of_input is None:
        of_input = score_input_controls(explained, ground_truth, info, spec, known)
    if original is None:
        original = explain(explained.decoder, explained.x, explained.target)
    controls = method_controls(explain, original, explained, spec.comparison.controls)
    maps = {GROUND_TRUTH.check: original, **controls}
    domains = spec.comparison.domains
    twice = {check: _shown(maps[check], info, domains) for check in (GROUND_TRUTH.check, UNTRAINED)}
    parts = [
        *_against_truth(maps, twice, truth, facts, info, spec),
        of_input,
        *_against_noise(original, explained.seed, info, spec.comparison),
        *_against_original(explain, explained, twice, info, spec, method),
    ]
    if spec.comparison.used:
        use = use or use_of(explained, ground_truth, info, spec)
        scored = use_scores(maps, GROUND_TRUTH.check, truth, use, info)
        parts += [_rows(CheckStep(check), domain, USED, rows) for check, domain, rows in scored]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(above_chance=_above_chance(table)).reindex(columns=SCORE_COLUMNS)


def use_of(
    explained: ExplainedTrials, ground_truth: Tensor, info: mne.Info, spec: EvaluationSpec
) -> DecoderUse:
    """What the decoder used of the trials that are explained; the same for all methods on it.

    ``ground_truth`` is of all trials that were chosen from.
    """
    truth = ground_truth[explained.chosen.to(ground_truth.device)]
    return decoder_use(
        explained.decoder, explained.x, explained.target, truth, info, spec.use_permutations
    )


def score_input_controls(
    explained: ExplainedTrials,
    ground_truth: Tensor,
    info: mne.Info,
    spec: EvaluationSpec,
    known: SourceTruth | None = None,
) -> pd.DataFrame:
    """Scores of the maps of ``INPUT_CONTROLS``: the same for all methods on a decoder.

    Parameters are those of :func:`evaluate_explained`.
    """
    truth, facts = _planted(explained, ground_truth, known, spec)
    maps = input_controls(explained.x, info, spec.comparison.controls)
    return pd.concat(_against_truth(maps, {}, truth, facts, info, spec), ignore_index=True)


def _planted(
    explained: ExplainedTrials,
    ground_truth: Tensor,
    known: SourceTruth | None,
    spec: EvaluationSpec,
) -> tuple[Tensor, SourceTruth | None]:
    """The planted signal of the trials explained, and what else is known of them."""
    chosen = explained.chosen
    truth = ground_truth[chosen.to(ground_truth.device)].to(explained.x.device)
    return truth, known.of(chosen.cpu().numpy()) if known and spec.comparison.physical else None


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
        for domain in spec.comparison.domains
    }
    how = spec.comparison
    kinds = _kinds(known)
    for check, values in maps.items():
        maps_by_domain = shown.get(check) or _shown(values, info, how.domains)
        pair = maps_by_domain, truth
        groups = how.against_truth, how.score_truth
        yield from _compared(CheckStep(check), *pair, *groups, kinds=kinds)
        if known:
            errors = physical_scores(values.cpu().numpy(), known)
            yield _rows(CheckStep(check), "channel_time", "calibrated", errors)


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
            changed = explain(change.decoder, explained.x, change.target)
            maps = _shown(changed, info, how.domains)
        turned = how.original_first.get((variant.check, method), ())
        draws = []
        for decoder in (change.decoder, *change.redrawn):
            if explained.is_untrained(replace(change, decoder=decoder)):
                maps = shown[UNTRAINED]
            else:
                maps = _shown(explain(decoder, explained.x, change.target), info)
            compared = _compared(check_step, maps, reference, *metrics, turned)
            draws.append(pd.concat(compared, ignore_index=True))
        yield _over_draws(draws)


def _over_draws(draws: list[pd.DataFrame]) -> pd.DataFrame:
    """Means over draws of random weights, and in the column ``draws_std`` their spread.

    The standard deviation is the root mean square of those of the draws: that over the trials.
    """
    first, *others = draws
    if not others:
        return first
    means, deviations = (
        np.stack([table[name].to_numpy(float) for table in draws]) for name in ("mean", "std")
    )
    return first.assign(
        mean=means.mean(0),
        std=np.sqrt(np.square(deviations).mean(0)),
        n_valid=np.min([table["n_valid"] for table in draws], axis=0),
        draws_std=means.std(0, ddof=1),
    )


def _against_noise(
    original: Tensor, seed: int, info: mne.Info, how: Comparison
) -> Iterator[pd.DataFrame]:
    """Similarities of white noise to some of the original maps, evenly spaced among all."""
    some = original[:: math.ceil(len(original) / N_NOISE_TRIALS)]
    reference = _shown(some, info, how.domains)
    for check, noise in noise_maps(some, seed).items():
        pair = _shown(noise, info, how.domains), reference
        yield from _compared(CheckStep(check), *pair, how.against_original, how.score_original)


def _shown(maps: Tensor, info: mne.Info, domains: Collection[str]) -> MapsByDomain:
    return {domain: list(chunks(maps, domain, info)) for domain in domains}


def _kinds(known: SourceTruth | None) -> dict[str, np.ndarray]:
    """Which trials are evoked and which oscillatory; nothing where all are of one kind."""
    if known is None:
        return {}
    evoked = np.isnan(known.low_hz)
    return {"evoked": evoked, "oscillatory": ~evoked} if 0 < evoked.sum() < len(evoked) else {}


def _compared(
    check_step: CheckStep,
    shown: MapsByDomain,
    reference: MapsByDomain,
    groups: Metrics,
    score: Score,
    turned: Collection[str] = (),
    kinds: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> Iterator[pd.DataFrame]:
    """Scores of maps with a reference, or on the domains ``turned`` the other way round.

    On topographies, ``kinds`` of trials have rows of their own too, such as
    ``topography_evoked``.
    """
    for domain, maps in shown.items():
        pair = (reference[domain], maps) if domain in turned else (maps, reference[domain])
        for group, metrics in groups.items():
            only = ONLY_METRICS.get(domain, metrics)
            scores = score(*pair, {name: f for name, f in metrics.items() if name in only})
            yield _rows(check_step, domain, group, scores)
            for kind, trials in kinds.items() if domain in SPLIT_DOMAINS else ():
                rows = _rows(check_step, f"{domain}_{kind}", group, scores[trials])
                yield rows[rows["metric"].isin(SPLIT_METRICS)]


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
