"""The evaluation of explanations of one decoder: ground truth and robustness checks, tidy."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

import mne
import numpy as np
import pandas as pd
from torch import Tensor, nn

from eegxai.attribution import asked_methods, attribute
from eegxai.attribution.core.groups import Names
from eegxai.decoders.compiled import original_module
from eegxai.decoders.training import predict
from eegxai.evaluation.controls.null_maps import UNTRAINED, method_controls
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials
from eegxai.evaluation.evaluation_spec import EvaluationSpec
from eegxai.evaluation.map_references import MapReferences
from eegxai.evaluation.maps.explanation import Explain, Explanation, explanation
from eegxai.evaluation.metrics.physical import SourceTruth
from eegxai.evaluation.references.ideal import IdealObserver
from eegxai.evaluation.robustness import Robustness
from eegxai.evaluation.score_rows import (
    GROUND_TRUTH,
    maps_by_domain,
    rows_against_truth,
    with_levels,
)
from eegxai.seeding import generator


def evaluate(
    explain: Explain | Names,
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
    ideal: IdealObserver | None = None,
    permuted_labels_decoder: nn.Module | None = None,
    method: str = "",
) -> pd.DataFrame:
    """Score an explanation method on one decoder: ground truth, chance, robustness checks.

    Parameters
    ----------
    explain : callable, str, sequence of str or mapping
        ``(decoder, x, target) -> Tensor`` of x's shape; or methods and groups by name, or their
        options by name, whose maps explain what the mode of evaluation compares.
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
    ideal : IdealObserver, optional
        That of the trials, for the group ``ideal`` and the efficiency.
    permuted_labels_decoder : nn.Module, optional
        The architecture trained on permuted labels, for the check ``label_retrain``.
    method : str
        Name of the method: in the mode ``"study"``, the order of the arguments depends on it
        (``METHODS_ORIGINAL_FIRST`` in ``eegxai.evaluation.modes``).

    Returns
    -------
    DataFrame
        Of methods by name, the rows of each in turn, with the column method before the others.
        One row per check, step, domain and metric: check, step, layer, layers_randomized,
        domain, mode (the group of the metric), metric, reference (what is compared with:
        ``planted``, ``ideal``, ``used`` or ``original``), mean and std over the trials where the
        metric is defined, n_trials, n_valid, n_zero_rows (trials that the study's code skips, of
        which zeros enter the mean; 0 in the corrected mode), draws_std (spread of the mean between
        draws of random weights, where there are several), above_chance, the mean where chance is
        0 and the best value 1 (see ``chance_corrected``), and efficiency, where the ideal observer
        is 1 (NaN where that is no better than chance, and for similarities and the use), with
        efficiency_std over trials by the delta method; chance is the mean of ``same_spectrum``, for
        a similarity that of ``surrogate``. Rows of controls have difference, the method's own score
        less the control's, mean over the trials where both are defined (n_both), and
        difference_std over these. Of the method's own map, trials holds the scores in
        ``TRIALS_KEPT`` trial by trial, in the order of the trials explained, in single precision
        and NaN where undefined: twelve arrays, which add 16 kB to a cell of 256 trials; None in
        other rows.

        The check ``ground_truth`` compares the method's map with the planted signal, by the
        metrics of ``MODES``, ``physical_scores`` and, over frequency, ``frequency_scores``; in the
        group ``ideal`` with the ideal observer's contributions, and in the group ``used`` with what
        the decoder used (``use_scores``, on some of the trials). The checks of ``NULL_MAPS``
        compare maps that know less, ``ideal_observer`` the ideal observer's. Where ``known`` tells
        evoked from oscillatory trials, ``SPLIT_METRICS`` on topographies have rows for either, such
        as ``topography_evoked``.

        Every other check compares a map with the original one, by those of ``SIMILARITIES``:
        ``surrogate`` a random map as smooth as the original (see ``phase_randomized``), ``noise``
        and ``noise_magnitude`` white noise and its magnitude (on some of the trials), the others
        the map of a randomized decoder or another class. In the mode ``"study"`` all metrics are
        the sixteen of ``STUDY_METRICS``, and all references are planted or original.

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
    references = MapReferences.of_explained(explained, ground_truth, info, spec, known, ideal)
    if callable(explain):
        return evaluate_explained(explain, references, method=method)
    return pd.concat(_rows_by_method(asked_methods(explain), references), ignore_index=True)


def _rows_by_method(
    asked: Mapping[str, Mapping[str, Any]], references: MapReferences
) -> Iterator[pd.DataFrame]:
    """The rows of each method, with its name before them."""
    output = references.spec.comparison.output
    for name, options in asked.items():
        explain = partial(attribute, name, output=output, **options)
        table = evaluate_explained(explain, references, method=name)
        table.insert(0, "method", name)
        yield table


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
    references: MapReferences,
    original: Explanation | None = None,
    method: str = "",
) -> pd.DataFrame:
    """Score an explanation method on what :func:`choose_explained` has chosen.

    Parameters
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape.
    references : MapReferences
        What is explained, and what its maps are compared with.
    original : Explanation, optional
        What the method says of the trials explained, for callers who have it already (see
        ``explanation``).
    method : str
        As in :func:`evaluate`.

    Returns
    -------
    DataFrame
        That of :func:`evaluate`.
    """
    explained, info, how = references.explained, references.info, references.spec.comparison
    trials = explained.x, explained.target
    own = original or explanation(explain, explained.decoder, *trials)
    untrained = explanation(explain, explained.untrained_decoder, *trials)
    said = {GROUND_TRUTH: own, **method_controls(own, untrained, explained, how.controls)}
    twice = {
        name: maps_by_domain(said[name].maps, info, how.domains)
        for name in (GROUND_TRUTH, UNTRAINED)
    }
    scores = (references.scores(name, each, twice.get(name)) for name, each in said.items())
    robustness = Robustness(explained, info, how, references.spec.checks)
    return with_levels(
        [
            *rows_against_truth([*chain(*scores), *references.shared_scores]),
            *robustness.against_noise(own.maps),
            *robustness.against_original(explain, twice, method),
        ]
    )


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
