"""The one way to explain someone's own decoder on their own trials."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from eegxai.attribution import DecoderWarning, Output, asked_methods, options_of
from eegxai.attribution.core.faults import first_line
from eegxai.attribution.core.groups import Names
from eegxai.attribution.given import unit_decided
from eegxai.explaining.arguments import require_types
from eegxai.explaining.choosing import Decoded, choose
from eegxai.explaining.cross_checks import decoder_patterns, patterns_table, replacement_table
from eegxai.explaining.decoder import open_decoder
from eegxai.explaining.decoding_accuracy import accuracy_table, confusion_counts
from eegxai.explaining.evidence import (
    MethodEvidence,
    SharedEvidence,
    add_checks,
    mapped,
    possible_checks,
    require_check,
)
from eegxai.explaining.findings import VALIDITY_COLUMNS
from eegxai.explaining.matching import NAMES_OF_UNITS
from eegxai.explaining.method_tables import (
    checks_table,
    frequency_table,
    map_agreements,
    seconds_by_part,
)
from eegxai.explaining.opening import decode, open_trials
from eegxai.explaining.progress import OnProgress, Progress
from eegxai.explaining.result import DecoderExplanation
from eegxai.registry import lookup

# What people know, and the study's methods as their papers define them; without those that take
# hundreds of passes a trial, such as IntegratedGradients and CentredScoreCAM.
DEFAULT_METHODS = (
    "Saliency", "InputXGradient", "DeepLift", "LRP", "Gradient", "CentredGradCAM",
    "CentredGuidedGradCAM", "CentredGradCAM++", "CentredLayerCAM", "CompleteFullGrad",
)  # fmt: skip
DEFAULT_CHECKS = ("target_swap", "cascade", "independent")
N_EXPLAINED = 64
WITHOUT_TRUTH = (
    "finds the signal: scores against a known signal, above chance and above the untrained decoder",
    "efficient: the share of the ideal observer's score",
    "faithful: the correlation with what the decoder used of the known signal",
    "errors in ms, mm and Hz, and the share of the relevance in the true band",
)

OnAccuracy = Callable[[pd.DataFrame, pd.DataFrame], None]


def explain(
    decoder: nn.Module | str | Any,
    data: Any,
    y: Any = None,
    *,
    methods: Names | None = None,
    weights: str | Path | None = None,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    unit: str | None = None,
    n_trials: int = N_EXPLAINED,
    target: int | str | None = None,
    output: Output = "contrast",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    checks: Sequence[str] = DEFAULT_CHECKS,
    seed: int = 0,
    device: str | torch.device | None = None,
    on_accuracy: OnAccuracy | None = None,
    on_progress: OnProgress | None = None,
) -> DecoderExplanation:
    """Which explanations of a decoder to trust, and what they say, on anyone's own trials.

    Parameters
    ----------
    decoder : nn.Module, EEGClassifier or str
        A trained network, a fitted classifier of skorch or braindecode, or a string:
        ``"module:factory"``, a network or a function that returns one (with those of the arguments
        n_chans, n_outputs, n_times, sfreq, chs_info, ch_names that it has), of a module that can
        be imported or lies in the current folder; or ``"braindecode:NAME"``.
    data : Epochs, dataset, array, LabelledTrials or path
        MNE Epochs, a braindecode dataset, an array (trials, channels, times), or a file that
        ``eegxai.recordings.read_trials`` reads.
    y : array (trials,), optional
        Classes, where the data do not hold them. Without any the predictions are explained.
    methods : str, sequence of str or mapping, optional
        Names of methods and groups, ``"study"`` or ``["study", "Gradient"]``, or their options by
        name; ``DEFAULT_METHODS`` by default.
    weights : path, optional
        Weights for a copy of the decoder: ``.safetensors``, or what
        ``torch.load(weights_only=True)`` reads.
    sfreq, ch_names, class_names
        Sampling rate in Hz, names of channels and of classes in the order of the outputs, where
        the data do not hold them; of arrays the first two are those that the decoder names.
    unit : str, optional
        What the decoder gets: ``"uV"``, ``"V"`` or, ``"as_given"``, the numbers as they are. By
        default its balanced accuracy on the labels decides, which ``notes`` state. Numbers whose
        unit is unknown from origin and size are taken to be in the requested one.
    n_trials : int
        Most trials to explain, of those that the decoder classifies correctly.
    target : int or str, optional
        A class (its name or number) or output to explain in all trials; by default each trial's
        own class.
    output : str
        ``"contrast"``, ``"logit"`` or ``"value"``, see ``eegxai.attribute``.
    cam_layer, arguments
        As for ``eegxai.attribute``.
    checks : sequence of str
        Randomizations, names in ``eegxai.evaluation.CHECKS``; ``"all_weights"``, the untrained
        decoder, is always made.
    seed : int
        Seed of the choice of trials, the wrong classes and the random weights.
    device : str, optional
        Where to compute, such as ``"cuda"``; by default where the decoder is.
    on_accuracy : callable, optional
        Called with the tables of accuracy and confusion before anything is explained.
    on_progress : callable, optional
        Called with what is done next and the share that is done, 0 to 1: of the time, as far as it
        can be reported (:class:`eegxai.explaining.progress.Progress`).

    Returns
    -------
    DecoderExplanation

    Raises
    ------
    ValueError
        In one sentence, when data, decoder or an argument cannot be used.

    Examples
    --------
    >>> import numpy as np, torch, eegxai
    >>> x, y = np.random.default_rng(0).normal(size=(20, 3, 50)), np.arange(20) % 2
    >>> x[y == 1, 0] += 3
    >>> decoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(150, 2))
    >>> _ = torch.nn.init.constant_(decoder[1].weight, 0)
    >>> with torch.no_grad(): decoder[1].weight[1, :50] = 1; decoder[1].bias[1] = -75
    >>> result = eegxai.explain(decoder, x, y, sfreq=50, ch_names=["C3", "Cz", "C4"], unit="uV",
    ...                         methods=["InputXGradient"])
    >>> result.accuracy["accuracy"].item()
    1.0
    """
    require_types(
        methods=methods, weights=weights, sfreq=sfreq, target=target, output=output,
        cam_layer=cam_layer, arguments=arguments, on_accuracy=on_accuracy, on_progress=on_progress,
    )  # fmt: skip
    asked = _asked_options(methods)
    check_arguments(unit, n_trials, checks, seed, device)
    report = Progress(on_progress)
    seconds: dict[str, float] = {}
    with _default_type_kept(), unit_decided(), _warnings_as_notes() as said:
        with report.timed("open", seconds):
            trials = open_trials(data, y, decoder, sfreq, ch_names, class_names, unit)
            opened = open_decoder(decoder, weights, trials, trials.n_classes or None)
        with report.timed("decode", seconds):
            decoded = decode(opened, trials, unit, output, cam_layer, arguments, device)
        if on_accuracy:  # before anything that may be refused: it says why
            on_accuracy(*_accuracy_tables(decoded))
        _check_option_sizes(asked, decoded.x)
        explained, choice = choose(decoded, target, n_trials, seed)
        with report.timed("randomize", seconds):
            made, left_out = possible_checks(explained, checks)
        study = SharedEvidence(explained, decoded.trials, output, asked, made)
        found = _mapped(study, report)
        maps = _maps_by_method(found)
        with report.timed("patterns", seconds):
            model_patterns = decoder_patterns(decoded, left_out)
        with report.timed("curves", seconds):
            curves = replacement_table(explained, decoded, maps, left_out)
        _run_checks(study, found, report)
    report.end()
    notes = (*opened.notes, *decoded.trials.notes, *choice, *said, *left_out, *_notes_on(found))
    return replace(
        _result(study, decoded, found, maps),
        decoder_name=opened.name,
        notes=tuple(dict.fromkeys(notes)),
        seconds=seconds_by_part(seconds, found),
        output_patterns=model_patterns,
        patterns=patterns_table(model_patterns, decoded),
        curves=curves,
    )


def _mapped(study: SharedEvidence, report: Progress) -> dict[str, MethodEvidence]:
    """What is known of each method before the checks."""
    found = {}
    for place, name in enumerate(study.methods, start=1):
        report.say(f"{name}: maps ({place} of {len(study.methods)} methods)")
        found[name] = mapped(name, study)
    return found


def _run_checks(
    study: SharedEvidence, found: Mapping[str, MethodEvidence], report: Progress
) -> None:
    """Make the checks of each method, the fastest first: they tell how long the others take."""
    n_changes = study.n_changes
    expected = {
        name: n_changes * each.seconds["maps"]
        for name, each in found.items()
        if each.said is not None
    }
    report.expect(expected)
    for name in sorted(expected, key=lambda name: expected[name]):
        with report.checking(name):
            add_checks(name, study, found[name])


def _accuracy_tables(decoded: Decoded) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How well the decoder decodes, and its confusions."""
    return (
        accuracy_table(decoded.y, decoded.predicted),
        confusion_counts(decoded.y, decoded.predicted, decoded.trials.class_names),
    )


# ------------------------------------------------------------------ arguments


def _asked_options(methods: Names | None) -> dict[str, Mapping[str, Any]]:
    """Options of each method by name, checked before any work."""
    asked = asked_methods(DEFAULT_METHODS if methods is None else methods)
    for name, options in asked.items():
        options_of(name, options)
    return asked


def _check_option_sizes(asked: Mapping[str, Mapping[str, Any]], x: torch.Tensor) -> None:
    """Refuse options that do not fit the trials."""
    for name, options in asked.items():
        options_of(name, options, (x.shape[1], x.shape[2]))


def check_arguments(
    unit: str | None = None,
    n_trials: int = N_EXPLAINED,
    checks: Sequence[str] = (),
    seed: int = 0,
    device: str | torch.device | None = None,
) -> None:
    """Refuse values that :func:`explain` does not take, before any work.

    Raises
    ------
    ValueError
        In one sentence.
    """
    require_types(unit=unit, n_trials=n_trials, checks=checks, seed=seed, device=device)
    if unit is not None:
        lookup(NAMES_OF_UNITS, unit, "unit")
    if n_trials < 1:
        raise ValueError(f"n_trials={n_trials} explains nothing; at least 1 is needed")
    if seed < 0:
        raise ValueError(f"seed={seed} is negative; 0 and above are allowed")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used: {first_line(error)}") from error
    for check in checks:
        require_check(check)


# ------------------------------------------------------------------ progress, notes, result


@contextmanager
def _default_type_kept() -> Iterator[None]:
    """Undo what a decoder may do to torch's default type."""
    before = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _warnings_as_notes() -> Iterator[list[str]]:
    """Collect how the decoder is understood; other warnings pass on at the end."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DecoderWarning)
        yield said
    for each in caught:
        if issubclass(each.category, DecoderWarning):
            said.append(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def _notes_on(found: Mapping[str, MethodEvidence]) -> Iterator[str]:
    for each in found.values():
        yield from each.notes


def _maps_by_method(found: Mapping[str, MethodEvidence]) -> dict[str, np.ndarray]:
    said = {method: each.said for method, each in found.items() if each.said is not None}
    return {method: each.maps.float().cpu().numpy() for method, each in said.items()}


def _result(
    study: SharedEvidence,
    decoded: Decoded,
    found: Mapping[str, MethodEvidence],
    maps: dict[str, np.ndarray],
) -> DecoderExplanation:
    """All that follows from the maps and the evidence on each method."""
    trials, explained = study.trials, study.explained
    said = {method: each.said for method, each in found.items() if each.said is not None}
    heard = {m: e.frequency.cpu().numpy() for m, e in said.items() if e.frequency is not None}
    target, names = explained.target.cpu().numpy(), trials.class_names
    accuracy, confusion = _accuracy_tables(decoded)
    rows = [each.validity_row(method) for method, each in found.items()]
    return DecoderExplanation(
        trials=trials,
        decoder_name=type(decoded.decoder).__name__,
        accuracy=accuracy,
        confusion=confusion,
        explained=explained.chosen.cpu().numpy(),
        target=target,
        maps=maps,
        validity=pd.DataFrame(rows, columns=VALIDITY_COLUMNS),
        checks=checks_table(found),
        agreement=map_agreements(maps),
        frequency=frequency_table(heard, target, names, trials.x.shape[2], trials.sfreq),
        output=study.output,
        without_truth=WITHOUT_TRUTH,
    )
