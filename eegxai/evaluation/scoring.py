"""Scores of explanations: one table a map, and the tidy table of a whole evaluation."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import mne
import numpy as np
import pandas as pd
import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from eegxai.decoders.training import predict
from eegxai.evaluation.calibrated import CALIBRATED
from eegxai.evaluation.metrics import METRICS, Maps, Metric
from eegxai.evaluation.randomization import Variant, variants
from eegxai.evaluation.topography import DOMAINS
from eegxai.registry import lookup
from eegxai.seeding import generator
from eegxai.simulation import FEATURES
from eegxai.spec import spec

MODES: dict[str, dict[str, Metric]] = {"paper": METRICS, "calibrated": CALIBRATED}

# The study's headline against ground truth by feature type: (domain, metric). Relevance mass
# accuracy, and cosine on the topography; of their versions the clipped one, by which braindecode's
# interpretability tutorial sums up a method.
HEADLINE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(FEATURES, ("channel_time", "mass_clipped")),
    "spatial": ("topography", "cosine_clipped"),
}

COLUMNS = [
    "check", "layer", "layers_randomized", "domain", "mode", "metric",
    "mean", "std", "n_trials", "n_valid",
]  # fmt: skip

CHUNK = 16  # trials at a time: a float64 map of 62 x 250 and its versions stay in the cache

Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


@spec
class EvaluationSpec:
    """How explanations are evaluated.

    Attributes
    ----------
    n_trials : int
        Most trials to score, drawn from those that the decoder classifies correctly.
    truth_threshold : float
        Share of a trial's peak below which the ground truth counts as zero. The study does
        not say which it used.
    """

    n_trials: PositiveInt = 256
    truth_threshold: float = Field(default=0.05, ge=0, lt=1)


def score(
    attribution: Tensor | np.ndarray,
    reference: Tensor | np.ndarray,
    domain: str = "channel_time",
    mode: str = "paper",
    info: mne.Info | None = None,
) -> pd.DataFrame:
    """Score maps against reference maps, trial by trial.

    Parameters
    ----------
    attribution : Tensor or ndarray (trials, channels, times)
        Signed maps of any scale.
    reference : Tensor or ndarray (trials, channels, times)
        What they are compared with, as it is: a ground truth's magnitude (see
        ``ground_truth_reference``), or the original map of a randomization check.
    domain : str
        ``"channel_time"``, or ``"topography"`` for time averages interpolated to the head.
    mode : str
        ``"paper"``: the study's metrics.
    info : mne.Info, optional
        The channels; the topography needs it.

    Returns
    -------
    DataFrame
        One row per trial, one column per metric; NaN where a metric is undefined.

    Raises
    ------
    ValueError
        When the shapes differ or are not (trials, channels, times), the domain or mode is
        unknown, or ``info`` is missing or has other channels.
    """
    attribution, reference = torch.as_tensor(attribution), torch.as_tensor(reference)
    if attribution.ndim != 3 or attribution.shape != reference.shape:
        raise ValueError(
            f"attribution {tuple(attribution.shape)} and reference {tuple(reference.shape)} "
            "must have one shape (trials, channels, times)"
        )
    metrics = lookup(MODES, mode, "mode")
    reference = reference.to(attribution.device)
    return _scores(_chunks(attribution, domain, info), _chunks(reference, domain, info), metrics)


def ground_truth_reference(ground_truth: Tensor, threshold: float) -> Tensor:
    """Magnitude of the ground truth, zero where it is below a share of its trial's peak.

    Parameters
    ----------
    ground_truth : Tensor (trials, channels, times) or (trials, height, width)
        Noiseless sensor signal in µV, or its topographies: ``evaluate`` takes the magnitude
        after the interpolation, as the study does. Before it, the interpolation of
        magnitudes falls below zero around them, and so lifts their min-max background.
    threshold : float
        Share of the largest magnitude of the trial, 0 to 1.
    """
    magnitude = ground_truth.abs()
    peak = magnitude.amax((1, 2), keepdim=True)
    return magnitude.masked_fill(magnitude < threshold * peak, 0)


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
) -> pd.DataFrame:
    """Score an explanation method on one decoder: ground truth and robustness checks.

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
        Number of trials, threshold of the ground truth.

    Returns
    -------
    DataFrame
        One row per check, step, domain and metric: check, layer, layers_randomized, domain,
        mode, metric, mean and std over the trials where the metric is defined, n_trials,
        n_valid. The check ``ground_truth`` compares the map with the planted signal; every
        other check compares a randomized map with the original one.

    Raises
    ------
    ValueError
        When the decoder classifies no trial correctly.
    """
    target, ground_truth = target.to(x.device), ground_truth.to(x.device)
    scored = _scored_trials(decoder, x, target, spec.n_trials, seed)
    x, target = x[scored], target[scored]
    original = explain(decoder, x, target)
    unchanged = Variant("ground_truth", "", 0, decoder, target)
    truth = _truth_references(ground_truth[scored], spec.truth_threshold, info)
    tables = [_table(unchanged, original, truth, info)]
    del truth  # its versions take 1.2 MB a trial of 62 x 250
    references = _references(original, info)
    for variant in variants(decoder, x, target, n_classes, seed):
        maps = explain(variant.decoder, x, variant.target)
        tables.append(_table(variant, maps, references, info))
    return pd.concat(tables, ignore_index=True)


def _scored_trials(
    decoder: nn.Module, x: Tensor, target: Tensor, n_trials: int, seed: int
) -> Tensor:
    correct = (predict(decoder, x).argmax(1) == target).nonzero().flatten()
    if len(correct) == 0:
        raise ValueError(f"none of {len(x)} trials is classified correctly: nothing to score")
    order = generator(seed, "scored trials").permutation(len(correct))
    return correct[np.sort(order[:n_trials])]


References = Mapping[str, list[Maps]]


def _references(maps: Tensor, info: mne.Info) -> References:
    """Reference maps of every domain; their versions are computed once for all variants."""
    return {domain: list(_chunks(maps, domain, info)) for domain in DOMAINS}


def _truth_references(ground_truth: Tensor, threshold: float, info: mne.Info) -> References:
    return {
        domain: [Maps(ground_truth_reference(maps.values, threshold), maps.mask) for maps in signed]
        for domain, signed in _references(ground_truth, info).items()
    }


def _chunks(maps: Tensor, domain: str, info: mne.Info | None) -> Iterator[Maps]:
    prepare = lookup(DOMAINS, domain, "domain")
    return (prepare(part, info) for part in maps.detach().split(CHUNK))


def _scores(
    attribution: Iterable[Maps], reference: Iterable[Maps], metrics: Mapping[str, Metric]
) -> pd.DataFrame:
    pairs = zip(attribution, reference, strict=True)
    rows = [torch.stack([metric(*pair) for metric in metrics.values()], dim=1) for pair in pairs]
    return pd.DataFrame(torch.cat(rows).cpu().numpy(), columns=list(metrics))


def _table(variant: Variant, maps: Tensor, references: References, info: mne.Info) -> pd.DataFrame:
    """Rows of one variant: its maps against the references, in every domain and mode."""
    tables = []
    for domain, reference in references.items():
        for mode, metrics in MODES.items():
            attribution = _chunks(maps, domain, info)
            summary = _summary(_scores(attribution, reference, metrics))
            tables.append(summary.assign(domain=domain, mode=mode))
    table = pd.concat(tables).assign(
        check=variant.check, layer=variant.layer, layers_randomized=variant.layers_randomized
    )
    return table[COLUMNS]


def _summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and std (ddof = 1) of each metric over the trials where it is defined."""
    moments = {"mean": scores.mean(), "std": scores.std(), "n_valid": scores.count()}
    summary = pd.DataFrame(moments).assign(n_trials=len(scores))
    return summary.rename_axis("metric").reset_index()
