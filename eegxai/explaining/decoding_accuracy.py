"""How well a decoder decodes: its accuracy with an interval, and its confusions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from eegxai.decoders.chance import confusion_matrix
from eegxai.explaining.balanced import above_guessing, balanced_accuracy
from eegxai.explaining.findings import (
    ACCURACY_COLUMNS,
)
from eegxai.statistics.intervals import CONFIDENCE

Array = np.ndarray


def accuracy_table(y: Array | None, predicted: Array) -> pd.DataFrame:
    """Accuracy with Wilson's 95 % interval, and balanced accuracy; no row without labels."""
    if y is None:
        return pd.DataFrame(columns=ACCURACY_COLUMNS)
    n_classes = int(max(y.max(), predicted.max())) + 1
    confusion = confusion_matrix(y, predicted, n_classes)
    n_trials, correct = int(confusion.sum()), int(np.trace(confusion))
    low, high = scipy.stats.binomtest(correct, n_trials).proportion_ci(CONFIDENCE, method="wilson")
    row = {
        "n_trials": n_trials,
        "accuracy": correct / n_trials,
        "low": low,
        "high": high,
        "chance": confusion.sum(1).max() / n_trials,
        "balanced_accuracy": balanced_accuracy(confusion),
        "balanced_chance": 1 / len(np.unique(y)),
        "above_chance": above_guessing(confusion),
    }
    return pd.DataFrame([row], columns=ACCURACY_COLUMNS)


def confusion_counts(y: Array | None, predicted: Array, class_names: Sequence[str]) -> pd.DataFrame:
    """Numbers of trials by true and predicted class; empty without labels."""
    if y is None:
        return pd.DataFrame()
    counts = confusion_matrix(y, predicted, len(class_names))
    names = list(class_names)
    return pd.DataFrame(counts, names, names).rename_axis(index="true", columns="predicted")
