"""Whether classes are in another order than the decoder's outputs, by what it mistakes for what."""

from collections.abc import Sequence

import numpy as np
import scipy

from eegxai.decoders.chance import CHANCE_ALPHA, confusion_matrix
from eegxai.explaining.balanced import (
    above_guessing,
    balanced_accuracy,
    p_of_shuffled,
    recalls,
)

Array = np.ndarray


def likely_order(y: Array, predicted: Array, n_classes: int) -> tuple[int, ...] | None:
    """Classes in the order of the outputs, where that is plainly another one; None where not.

    It is another one where the decoder is no better than chance in the order given, and better in
    the best of all orders than permuted labels are in theirs: by the recalls of the classes.

    Examples
    --------
    >>> y = np.arange(40) % 2
    >>> likely_order(y, 1 - y, 2), likely_order(y, y, 2)
    ((1, 0), None)
    """
    confusion = confusion_matrix(y, predicted, n_classes)
    if above_guessing(confusion) or p_of_shuffled(confusion, _in_best_order) >= CHANCE_ALPHA:
        return None
    classes, outputs = scipy.optimize.linear_sum_assignment(recalls(confusion), maximize=True)
    return tuple(int(k) for k in classes[np.argsort(outputs)])


def _in_best_order(confusions: Array) -> Array:
    """Sum of the recalls of each of many confusions, with the outputs in the best order."""
    shares = recalls(confusions)
    return np.array(
        [each[scipy.optimize.linear_sum_assignment(each, maximize=True)].sum() for each in shares]
    )


def order_note(y: Array, predicted: Array, class_names: Sequence[str]) -> str:
    """The sentence that says so; empty where there is nothing to say."""
    order = likely_order(y, predicted, len(class_names))
    if order is None:
        return ""
    confusion = confusion_matrix(y, np.array(order)[predicted], len(class_names))
    share = np.trace(confusion) / len(y)
    names = ", ".join(class_names[k] for k in order)
    return (
        f"the classes seem to be in another order than the decoder's outputs: with {names} in this "
        f"order its accuracy would be {share:.2f}, balanced {balanced_accuracy(confusion):.2f} "
        "(class_names sets the order)"
    )
