"""Maps of trials summed up by class: over the scalp and over time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

Array = np.ndarray


def of_same_size(maps: Array) -> Array:
    """Magnitudes of maps (trials, channels, times), each divided by its mean magnitude.

    So every trial counts the same, whatever the scale of its map. A map of zeros stays.
    """
    magnitudes = np.abs(maps).astype(float)
    sizes = magnitudes.mean((1, 2), keepdims=True)
    return magnitudes / np.where(sizes > 0, sizes, 1)


def class_means(values: Array, target: Array, class_names: Sequence[str]) -> dict[str, Array]:
    """Mean over the trials of each class that has some, by its name."""
    return {class_names[k]: values[target == k].mean(0) for k in np.unique(target)}


def over_scalp(
    maps: Array, target: Array, class_names: Sequence[str], ch_names: Sequence[str]
) -> pd.DataFrame:
    """Mean magnitude of each class's maps at each channel (classes, channels)."""
    means = class_means(of_same_size(maps).mean(2), target, class_names)
    return pd.DataFrame(means, index=pd.Index(ch_names, name="channel")).T.rename_axis("class")


def over_time(maps: Array, target: Array, class_names: Sequence[str], times: Array) -> pd.DataFrame:
    """Mean magnitude of each class's maps at each time (times, classes)."""
    means = class_means(of_same_size(maps).mean(1), target, class_names)
    return pd.DataFrame(means, index=pd.Index(times, name="time")).rename_axis(columns="class")
