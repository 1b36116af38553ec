"""Trials and a decoder brought together: channels, sizes, classes and the unit, none assumed.

What the decoder says of itself is compared with the trials; what it does not say is stated. The
unit is decided by what the decoder was trained on: its balanced accuracy in either.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.core.faults import FAULTS_OF_THE_MACHINE, first_line
from eegxai.decoders.chance import CHANCE_ALPHA, confusion_matrix
from eegxai.decoders.training import CHUNKS, PREDICTION_CHUNK, predict
from eegxai.explaining.balanced import above_guessing, balanced_accuracy, p_of_difference
from eegxai.explaining.class_order import order_note
from eegxai.explaining.declared import Declared
from eegxai.recordings import LabelledTrials
from eegxai.recordings.channels import require_distinct
from eegxai.recordings.labels import numbering

MICROVOLTS, VOLTS, AS_GIVEN = "uV", "V", "as_given"
UNITS: Mapping[str, float] = {MICROVOLTS: 1.0, VOLTS: 1e-6}  # factor from µV
NAMES_OF_UNITS = {MICROVOLTS: "µV", VOLTS: "volts", AS_GIVEN: "the numbers as they were given"}

Array = np.ndarray


# ------------------------------------------------------------------ channels, times, rate


def with_channels(trials: LabelledTrials, wanted: Declared) -> LabelledTrials:
    """Trials with the decoder's channels in its order, where it names them.

    Raises
    ------
    ValueError
        When the decoder names channels that the trials lack, or wants another number of them.
    """
    if wanted.ch_names is None:
        return _by_number(trials, wanted)
    own = {name.lower(): name for name in trials.ch_names}
    own |= {name: name for name in trials.ch_names}  # of those that differ in case alone
    known = {name: own.get(name, own.get(name.lower())) for name in wanted.ch_names}
    if missing := [name for name, found in known.items() if found is None]:
        raise ValueError(
            f"the decoder expects {', '.join(missing)}, which the trials do not "
            f"have; theirs are {', '.join(trials.ch_names)}: rename them to those of the training, "
            "or interpolate what was not recorded"
        )
    order = [found for found in known.values() if found is not None]
    require_distinct(order, "the decoder's ch_names")
    if tuple(order) == trials.ch_names:
        return noted(trials, "the channels and their order are those that the decoder names")
    dropped = [name for name in trials.ch_names if name not in order]
    sentence = "the channels were brought into the order that the decoder names"
    if dropped:
        sentence += f", and {', '.join(dropped)} left out, which it does not name"
    return noted(trials.pick(order), sentence)


def _by_number(trials: LabelledTrials, wanted: Declared) -> LabelledTrials:
    n_chans = len(trials.ch_names)
    if wanted.n_chans not in (None, n_chans):
        raise ValueError(
            f"the decoder expects {wanted.n_chans} channels, the trials have {n_chans}: "
            f"{', '.join(trials.ch_names)}"
        )
    return noted(
        trials,
        "the decoder does not name its channels: those of the trials, "
        f"{trials.ch_names[0]} to {trials.ch_names[-1]}, are taken to be in the order of its "
        "training",
    )


def with_sizes(trials: LabelledTrials, wanted: Declared) -> LabelledTrials:
    """Trials of the sampling rate and length that the decoder names, and a note if it names none.

    Raises
    ------
    ValueError
        With what to do about it.
    """
    if wanted.sfreq is not None and not np.isclose(wanted.sfreq, trials.sfreq, rtol=1e-3):
        raise ValueError(
            f"the decoder expects sfreq={wanted.sfreq:g} Hz, the trials have {trials.sfreq:g} Hz: "
            f"resample them, in MNE by epochs.resample({wanted.sfreq:g})"
        )
    n_times = trials.x.shape[2]
    if wanted.n_times not in (None, n_times):
        rate = trials.sfreq
        raise ValueError(
            f"the decoder expects trials of {wanted.n_times} samples "
            f"({wanted.n_times / rate:g} s), these have {n_times} ({n_times / rate:g} s): "
            f"{'crop' if wanted.sfreq else 'resample them to the rate of its training, or crop'} "
            "them, in MNE by epochs.crop(tmin, tmax, include_tmax=False)"
        )
    if wanted.sfreq is not None:
        return trials
    return noted(
        trials,
        f"the decoder states no sampling rate: {trials.sfreq:g} Hz, that of the trials, is taken "
        "to be that of its training",
    )


# ------------------------------------------------------------------ classes


def with_classes(trials: LabelledTrials, n_outputs: int) -> LabelledTrials:
    """Trials whose classes are the decoder's outputs.

    Where there are more outputs than classes, labels that are numbers of outputs stay so.

    Raises
    ------
    ValueError
        When there are more classes than outputs.
    """
    n_classes = trials.n_classes
    if n_classes > n_outputs:
        raise ValueError(
            f"the trials have {n_classes} classes ({', '.join(trials.class_names)}), the decoder "
            f"has {n_outputs} outputs: take the trials of its classes alone"
        )
    if n_classes == n_outputs:
        pairs = ", ".join(f"{number} is {name!r}" for number, name in enumerate(trials.class_names))
        return noted(trials, f"the decoder's outputs are taken to be the classes: {pairs}")
    if _are_outputs(trials, n_outputs):
        return _by_output(trials, n_outputs)
    names = (*trials.class_names, *(f"output {k}" for k in range(n_classes, n_outputs)))
    known = f"the classes {', '.join(trials.class_names)}" if n_classes else "no class"
    sentence = (
        f"the decoder has {n_outputs} outputs and the trials name {known}: these are taken as its "
        "first outputs, in this order (class_names names all)"
        if n_classes
        else f"the trials name no class: the decoder's {n_outputs} outputs are called by number"
    )
    return noted(replace(trials, class_names=names), sentence)


def _are_outputs(trials: LabelledTrials, n_outputs: int) -> bool:
    """Whether labels were given as integers, each of which is the number of an output."""
    of_classes = tuple(map(str, trials.codes)) == trials.class_names  # not if renamed since
    in_range = all(0 <= code < n_outputs for code in trials.codes)
    return bool(trials.codes) and of_classes and in_range


def _by_output(trials: LabelledTrials, n_outputs: int) -> LabelledTrials:
    """Trials whose labels are the integers that were given for them."""
    assert trials.y is not None
    notes = tuple(note for note in trials.notes if note != numbering(trials.codes))
    names = tuple(str(k) if k in trials.codes else f"output {k}" for k in range(n_outputs))
    return replace(
        trials,
        y=np.array(trials.codes)[trials.y],
        class_names=names,
        notes=(
            *notes,
            f"the decoder has {n_outputs} outputs: labels are taken as their numbers, "
            f"{', '.join(map(str, trials.codes))} (class_names names all)",
        ),
        codes=(),
    )


# ------------------------------------------------------------------ unit


def with_unit(trials: LabelledTrials, decoder: nn.Module, unit: str | None) -> LabelledTrials:
    """Trials in the unit that the decoder was trained on.

    Parameters
    ----------
    trials : LabelledTrials
        In µV, or as given.
    decoder : nn.Module
        From (trials, channels, times) to (trials, classes).
    unit : str, optional
        ``"uV"``, ``"V"`` or ``"as_given"``; by default the balanced accuracy on the
        labels decides.

    Raises
    ------
    ValueError
        When nothing decides.
    """
    if unit == AS_GIVEN or (unit is None and trials.unit == AS_GIVEN):
        return noted(trials, f"the decoder gets {NAMES_OF_UNITS[AS_GIVEN]}")
    if trials.unit == AS_GIVEN:
        raise ValueError(
            f"unit={unit!r} was requested, but the unit of the trials is unknown: state it in "
            "eegxai.recordings.as_labelled(unit=...), or give unit='as_given'"
        )
    if unit is not None:
        return noted(_in(trials, unit), f"the decoder gets {NAMES_OF_UNITS[unit]}, as requested")
    if trials.y is None:
        raise ValueError(
            "unit is missing: without labels it cannot be determined whether the decoder was "
            "trained on µV or volts; give unit='uV' or unit='V'"
        )
    chosen, sentence = _unit_by_accuracy(trials, decoder)
    return noted(_in(trials, chosen), sentence)


def _in(trials: LabelledTrials, unit: str) -> LabelledTrials:
    if unit == MICROVOLTS:
        return trials
    return replace(trials, x=trials.x * np.float32(UNITS[unit]), unit="as_given")


def _unit_by_accuracy(trials: LabelledTrials, decoder: nn.Module) -> tuple[str, str]:
    """The unit in which the decoder separates the classes better, and a sentence about it.

    By the balanced accuracy, so that always naming the largest class is worth nothing, among the
    units in which that is above chance (:mod:`eegxai.explaining.balanced` has the tests).
    """
    assert trials.y is not None
    predicted = {unit: predicted_classes(decoder, _in(trials, unit).x) for unit in UNITS}
    n_classes = len(trials.class_names)
    confusions = {
        unit: confusion_matrix(trials.y, classes, n_classes) for unit, classes in predicted.items()
    }
    shares = {unit: balanced_accuracy(confusion) for unit, confusion in confusions.items()}
    told = ", ".join(f"{shares[unit]:.2f} with {NAMES_OF_UNITS[unit]}" for unit in UNITS)
    told = f"unit: the balanced accuracy is {told}"
    able = [unit for unit in UNITS if above_guessing(confusions[unit])]
    if not able:
        return _undecided(trials, predicted, told)
    better = max(able, key=lambda unit: shares[unit])  # µV where they are equal
    gets = f"so the decoder gets {NAMES_OF_UNITS[better]}"
    if (predicted[MICROVOLTS] == predicted[VOLTS]).all():
        return better, f"unit: the decoder predicts the same classes from µV and volts, {gets}"
    if p_of_difference(trials.y, predicted[MICROVOLTS], predicted[VOLTS]) < CHANCE_ALPHA:
        return better, f"{told}, {gets}"
    if len(able) == 1:
        return better, f"{told}, above chance with {NAMES_OF_UNITS[better]} alone, {gets}"
    return better, f"{told}, which is no significant difference, {gets} (unit= chooses another)"


def _undecided(
    trials: LabelledTrials, predicted: Mapping[str, Array], told: str
) -> tuple[str, str]:
    """The unit to take where the decoder is above chance in neither, and a sentence about it."""
    assert trials.y is not None
    for unit, classes in predicted.items():
        if order_note(trials.y, classes, trials.class_names):
            return unit, (
                f"{told}, but with {NAMES_OF_UNITS[unit]} the decoder separates the classes, in "
                f"another order, so it gets {NAMES_OF_UNITS[unit]}"
            )
    return MICROVOLTS, (
        f"{told}, neither above chance, so the unit is undecided and the decoder gets µV: if it "
        "was trained on volts, give unit='V' or --unit V; it may also expect other trials, "
        "such as standardised ones (unit='as_given'), or other classes"
    )


def predicted_classes(decoder: nn.Module, x: Array) -> Array:
    """Class of the largest output for each trial."""
    return outputs_of(decoder, x).argmax(1).cpu().numpy()


def outputs_of(decoder: nn.Module, x: Array) -> Tensor:
    """Outputs (trials, outputs) for an array of trials.

    Raises
    ------
    ValueError
        When the decoder fails on some, with the first of them, or has not a row for each.
    """
    try:
        outputs = predict(decoder, as_input(decoder, x))
    except FAULTS_OF_THE_MACHINE:
        raise
    except Exception as error:
        where = _where_it_fails(decoder, as_input(decoder, x))
        raise ValueError(f"the decoder fails on {where}: {first_line(error)}") from error
    if len(outputs) != len(x):
        _require_rows(decoder, as_input(decoder, x))
    return outputs


def _where_it_fails(decoder: nn.Module, x: Tensor) -> str:
    """The first trial on which a decoder fails, or the first trials together."""
    size = CHUNKS.get(x.device.type, PREDICTION_CHUNK)
    for first in range(0, len(x), size):
        part = x[first : first + size]
        if not _fails(decoder, part):
            continue
        for trial in range(len(part)):
            if len(part) == 1 or _fails(decoder, part[trial : trial + 1]):
                return f"trial {first + trial}"
        return f"trials {first} to {first + len(part) - 1} together, and on none of them alone"
    _require_rows(decoder, x)
    return f"{len(x)} trials, though not when they are passed again"


def _require_rows(decoder: nn.Module, x: Tensor) -> None:
    """Refuse outputs without a row for each trial, such as those with the classes first."""
    part = x[: CHUNKS.get(x.device.type, PREDICTION_CHUNK)]
    shape = tuple(predict(decoder, part.clone()).shape)
    if shape[0] != len(part):
        raise ValueError(
            f"the decoder gives outputs of the shape {shape} for {len(part)} trials, "
            f"({len(part)}, outputs) is needed"
        )


def _fails(decoder: nn.Module, x: Tensor) -> bool:
    try:
        predict(decoder, x.clone())
    except FAULTS_OF_THE_MACHINE:
        raise
    except Exception:
        return True
    return False


def as_input(decoder: nn.Module, x: Array) -> Tensor:
    """A copy of trials, as a tensor of the decoder's type on its device."""
    tensors = (*decoder.parameters(), *decoder.buffers())
    like = next((one for one in tensors if one.is_floating_point()), torch.zeros(1))
    return torch.from_numpy(np.ascontiguousarray(x)).to(like, copy=True)


def noted(trials: LabelledTrials, *sentences: str) -> LabelledTrials:
    """The same trials with more notes."""
    return replace(trials, notes=(*trials.notes, *sentences))
