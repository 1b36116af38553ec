"""Whether classes are in another order than the decoder's outputs, by what it mistakes for what."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

from eegxai.decoders.chance import ALPHA, at_chance, confusion_matrix

Array = np.ndarray


def likely_order(y: Array, predicted: Array, n_classes: int) -> tuple[int, ...] | None:
    """Classes in the order of the outputs, where that is plainly another one; None where not.

    It is another one where the decoder is no better than chance in the order given, and better in
    the best of all orders, by a binomial test that allows for how many there are.

    Examples
    --------
    >>> y = np.arange(40) % 2
    >>> likely_order(y, 1 - y, 2), likely_order(y, y, 2)
    ((1, 0), None)
    """
    confusion = confusion_matrix(y, predicted, n_classes)
    if not at_chance(confusion):
        return None
    classes, outputs = linear_sum_assignment(confusion, maximize=True)
    right, n_trials = int(confusion[classes, outputs].sum()), len(y)
    chance = float(confusion.sum(axis=1).max()) / n_trials
    p = binomtest(right, n_trials, chance, alternative="greater").pvalue
    if p * math.factorial(n_classes) >= ALPHA:
        return None
    return tuple(int(k) for k in classes[np.argsort(outputs)])


def order_note(y: Array, predicted: Array, class_names: Sequence[str]) -> str:
    """The sentence that says so; empty where there is nothing to say."""
    order = likely_order(y, predicted, len(class_names))
    if order is None:
        return ""
    share = float((np.array(order)[predicted] == y).mean())
    names = ", ".join(class_names[k] for k in order)
    return (
        f"the classes seem to be in another order than the decoder's outputs: with {names} in this "
        f"order its accuracy would be {share:.2f} (class_names says the order)"
    )
