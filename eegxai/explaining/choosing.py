"""Which trials are explained, and which class in each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.evaluation import choose_explained
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials
from eegxai.explaining.class_order import order_note
from eegxai.explaining.matching import as_input
from eegxai.recordings import LabelledTrials
from eegxai.registry import unknown_name
from eegxai.rounding import counted
from eegxai.seeding import generator

FEW_TRIALS = 10  # with fewer, means over trials are imprecise

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Decoded:
    """Trials and what a decoder makes of them.

    Attributes
    ----------
    decoder : nn.Module
        From (trials, channels, times) to (trials, outputs).
    trials : LabelledTrials
        As the decoder gets them.
    y : ndarray (trials,) or None
        Their classes, where they have any.
    predicted : ndarray (trials,)
        The number of the largest output.
    n_outputs : int
    """

    decoder: nn.Module
    trials: LabelledTrials
    y: Array | None
    predicted: Array
    n_outputs: int

    @property
    def x(self) -> Tensor:
        """The trials on the decoder's device."""
        return as_input(self.decoder, self.trials.x)


def choose(
    decoded: Decoded, target: int | str | None, n_trials: int, seed: int
) -> tuple[ExplainedTrials, list[str]]:
    """Trials to explain, and what is said of the choice.

    Parameters
    ----------
    decoded : Decoded
    target : int or str, optional
        A class or output to explain in any trials; by default the class of each trial that is
        classified correctly, or without labels the predicted one.
    n_trials : int
        At most so many.
    seed : int
        Seed of the choice.

    Raises
    ------
    ValueError
        When no trial is classified correctly, or there is no such class.
    """
    if target is None and decoded.y is not None:
        explained, note = _of_correct_trials(decoded, decoded.y, n_trials, seed)
    else:
        explained, note = _of_any_trials(decoded, target, n_trials, seed)
    return explained, [note, *_too_few(explained)]


def _of_correct_trials(
    decoded: Decoded, y: Array, n_trials: int, seed: int
) -> tuple[ExplainedTrials, str]:
    n_correct = int((decoded.predicted == y).sum())
    if n_correct == 0:
        raise ValueError(
            f"the decoder classifies none of {len(y)} trials correctly, so there is nothing to "
            f"explain: {_why_no_class_order(decoded, y)} (target= explains any)"
        )
    target = torch.from_numpy(y)
    explained = choose_explained(
        decoded.decoder, decoded.x, target, decoded.n_outputs, seed, n_trials
    )
    note = (
        f"classified correctly: {n_correct} of {counted(len(y), 'trial')}; explained of these: "
        f"{len(explained.x)}; wrongly classified and left out: {len(y) - n_correct}"
    )
    return explained, note


def _why_no_class_order(decoded: Decoded, y: Array) -> str:
    """The order in which classes would be right, or else what to look at."""
    names = decoded.trials.class_names
    return order_note(y, decoded.predicted, names) or (
        f"are the classes {', '.join(names)} in the order of its outputs (class_names= names all "
        "of them), and the trials in the unit (unit='uV' or 'V') and prepared as those of its "
        "training?"
    )


def _of_any_trials(
    decoded: Decoded, target: int | str | None, n_trials: int, seed: int
) -> tuple[ExplainedTrials, str]:
    if target is None:
        classes, what = decoded.predicted, "without labels the predicted class is explained"
    else:
        number = number_of(target, decoded.trials.class_names, decoded.n_outputs)
        classes = np.full(len(decoded.predicted), number)
        what = f"the output {target!r} is explained, as requested"
    x, n_all = decoded.x, len(classes)
    order = generator(seed, "explained trials").permutation(n_all)[:n_trials]
    chosen = torch.from_numpy(np.sort(order)).to(x.device)
    asked = torch.from_numpy(classes).long().to(x.device)[chosen]
    explained = ExplainedTrials(
        decoded.decoder, x[chosen], asked, decoded.n_outputs, seed, trials=chosen
    )
    return explained, f"{what}, in {len(order)} of {n_all} trials, whether or not it is correct"


def number_of(target: int | str, class_names: Sequence[str], n_outputs: int) -> int:
    """Number of the output that is called so.

    Raises
    ------
    ValueError
        When there is none.
    """
    if isinstance(target, str):
        if target not in class_names:
            raise ValueError(unknown_name("target", target, class_names))
        return list(class_names).index(target)
    if not 0 <= target < n_outputs:
        raise ValueError(f"target={target} is no output: the decoder has 0 to {n_outputs - 1}")
    return int(target)


def _too_few(explained: ExplainedTrials) -> Iterator[str]:
    if len(explained.x) < FEW_TRIALS:
        are = "is" if len(explained.x) == 1 else "are"
        few = counted(len(explained.x), "trial")
        yield f"only {few} {are} explained: means over so few are imprecise"
