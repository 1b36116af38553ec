"""Anyone's trials and decoder, opened and fitted to each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from eegxai.attribution import Output, adapted
from eegxai.attribution.core.faults import FAULTS_OF_THE_MACHINE
from eegxai.explaining.choosing import Decoded
from eegxai.explaining.class_order import order_note
from eegxai.explaining.declared import declared, of_its_own
from eegxai.explaining.decoder import OpenedDecoder
from eegxai.explaining.matching import (
    AS_GIVEN,
    noted,
    outputs_of,
    with_channels,
    with_classes,
    with_sizes,
    with_unit,
)
from eegxai.recordings import LabelledTrials, as_labelled, read_trials
from eegxai.recordings.checks import as_array
from eegxai.rounding import counted

Array = np.ndarray


def open_trials(
    data: Any,
    y: Any,
    decoder: Any,
    sfreq: float | None,
    ch_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
    unit: str | None,
) -> LabelledTrials:
    """Trials in µV, or as they are given; parameters are those of :func:`eegxai.explain`.

    Raises
    ------
    ValueError
        In one sentence, when they cannot be used.
    """
    if isinstance(data, LabelledTrials):
        return as_labelled(data, y, class_names=class_names)
    if isinstance(data, torch.Tensor):
        data = as_array(data, "data")
    if isinstance(data, np.ndarray):
        sfreq, ch_names = _as_the_decoder_says(decoder, sfreq, ch_names)
    known: dict[str, Any] = {"sfreq": sfreq, "ch_names": ch_names, "class_names": class_names}

    def read(kept: Any) -> LabelledTrials:
        if not isinstance(data, str | Path):
            return as_labelled(data, y, unit=kept, **known)
        trials = read_trials(data, unit=kept, **known)
        return trials if y is None else as_labelled(trials, y, class_names=class_names)

    return _in_known_unit(read, unit)


def _in_known_unit(read: Callable[[Any], LabelledTrials], unit: str | None) -> LabelledTrials:
    """Trials in the unit known from their origin or size, or else in the requested one."""
    if unit in (None, AS_GIVEN):
        return read(unit)
    try:
        trials = read(None)
    except ValueError:  # such as of numbers that cannot be volts
        return read(unit)
    return read(unit) if trials.unit == AS_GIVEN else trials


def _as_the_decoder_says(
    decoder: Any, sfreq: float | None, ch_names: Sequence[str] | None
) -> tuple[float | None, Sequence[str] | None]:
    """What an array does not hold, from the decoder where that names it."""
    wanted = declared(getattr(decoder, "module_", decoder))
    return (
        wanted.sfreq if sfreq is None else sfreq,
        wanted.ch_names if ch_names is None else ch_names,
    )


def decode(
    opened: OpenedDecoder,
    trials: LabelledTrials,
    unit: str | None,
    output: Output,
    cam_layer: str | None,
    arguments: Mapping[str, Any] | None,
    device: str | torch.device | None,
) -> Decoded:
    """A decoder and trials that fit each other, and what it makes of them.

    Parameters
    ----------
    opened : OpenedDecoder
    trials : LabelledTrials
        In µV, or as they are given.
    unit, output, cam_layer, arguments, device
        As for :func:`eegxai.explain`.

    Raises
    ------
    ValueError
        In one sentence, when channels, sizes, classes or units do not fit.
    """
    wanted = of_its_own(declared(opened.module), opened.from_trials)
    trials = with_sizes(with_channels(trials, wanted), wanted)
    kind: Output = "value" if output == "value" else "logit"
    options: dict[str, Any] = {"cam_layer": cam_layer, "arguments": arguments, "output": kind}
    decoder = _adapted(opened.module, trials.x, options)
    if device is not None:
        decoder = decoder.to(device)
    n_outputs = outputs_of(decoder, trials.x[:2]).shape[1]
    if output == "value":
        trials = replace(trials, y=None, class_names=tuple(map(str, range(n_outputs))))
    trials = with_unit(with_classes(trials, n_outputs), decoder, unit)
    outputs = outputs_of(decoder, trials.x).cpu().numpy()
    predicted = outputs.argmax(1)
    trials = noted(trials, *_not_finite(outputs), *_another_order(trials, predicted))
    return Decoded(decoder, trials, trials.y, predicted, n_outputs)


def _adapted(decoder: nn.Module, x: Array, options: Mapping[str, Any]) -> nn.Module:
    """A decoder adapted to all trials, since what a lone output is shows in all; or else to two.

    Where it fails on some trial, passing all afterwards says on which.
    """
    try:
        return adapted(decoder, x, **options)
    except FAULTS_OF_THE_MACHINE:
        raise
    except Exception:
        return adapted(decoder, x[:2], **options)


def _another_order(trials: LabelledTrials, predicted: Array) -> Iterator[str]:
    """The sentence on classes in another order than the outputs, if they seem to be."""
    if trials.y is not None and (note := order_note(trials.y, predicted, trials.class_names)):
        yield note


def _not_finite(outputs: Array) -> Iterator[str]:
    """The sentence on trials whose outputs are no numbers, if there are any."""
    if n_broken := int((~np.isfinite(outputs).all(1)).sum()):
        yield (
            f"the decoder's outputs are NaN or infinite in {counted(n_broken, 'trial')} of "
            f"{len(outputs)}: the predicted classes of these trials are meaningless, and so are "
            "accuracy and confusion matrix"
        )
