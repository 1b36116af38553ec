"""Anyone's trials and decoder, opened and fitted to each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eegxai.attribution import Output, adapted
from eegxai.explaining.choosing import Decoded
from eegxai.explaining.decoder import OpenedDecoder
from eegxai.explaining.matching import (
    AS_GIVEN,
    check_sizes,
    declared,
    outputs_of,
    predicted_classes,
    with_channels,
    with_classes,
    with_unit,
)
from eegxai.recordings import LabelledTrials, as_labelled, read_trials
from eegxai.recordings.checks import as_array


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
    """Trials in the unit that their origin or size tells, or else in the one asked for."""
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
    wanted = declared(opened.module)
    trials = with_channels(trials, wanted)
    check_sizes(trials, wanted)
    kind: Output = "value" if output == "value" else "logit"
    some = trials.x[:2]
    decoder = adapted(opened.module, some, cam_layer=cam_layer, arguments=arguments, output=kind)
    if device is not None:
        decoder = decoder.to(device)
    n_outputs = outputs_of(decoder, some).shape[1]
    if output == "value":
        trials = replace(trials, y=None, class_names=tuple(map(str, range(n_outputs))))
    trials = with_unit(with_classes(trials, n_outputs), decoder, unit)
    return Decoded(decoder, trials, trials.y, predicted_classes(decoder, trials.x), n_outputs)
