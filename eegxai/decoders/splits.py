"""Splits of trials into training, validation and test parts, stratified by class."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eegxai.seeding import generator

# Takes the shuffled trials of a class; returns those to train on and those to hold out.
Divide = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Split:
    """Indices of the trials of one fold: three disjoint sorted arrays."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_trials(y: np.ndarray, fold: int, n_folds: int, seed: int) -> Split:
    """Split trials as the study does, stratified by class.

    Parameters
    ----------
    y : ndarray (trials,)
        Class of each trial.
    fold, n_folds : int
        The fold to hold out, half of it for validation and half for testing, and the number of
        folds.
    seed : int
        Seed of the shuffle.

    Raises
    ------
    ValueError
        When the fold does not exist or a class has fewer than two trials per fold.
    """
    if not 0 <= fold < n_folds:
        raise ValueError(f"fold={fold} does not exist; allowed are 0 to {n_folds - 1}")
    smallest = _smallest_class(y)
    if smallest < 2 * n_folds:
        raise ValueError(
            f"n_trials={len(y)} leaves {smallest} trials in a class; "
            f"{n_folds} folds need at least {2 * n_folds}"
        )

    def divide(trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = np.array_split(trials, n_folds)
        held = parts.pop(fold)
        return np.concatenate(parts), held

    return _stratified(y, divide, seed)


def hold_out(y: np.ndarray, share: float, seed: int) -> Split:
    """Split trials once, stratified by class.

    Parameters
    ----------
    y : ndarray (trials,)
        Class of each trial.
    share : float
        Share of the trials held out, between 0 and 1: half for validation, half for test.
    seed : int
        Seed of the shuffle.

    Raises
    ------
    ValueError
        When a class has too few trials for all three parts.
    """
    if not 0 < share < 1:
        raise ValueError(f"holdout={share} is not allowed; it must lie between 0 and 1")
    smallest = _smallest_class(y)
    if not 2 <= round(share * smallest) < smallest:
        raise ValueError(
            f"n_trials={len(y)} leaves {smallest} trials in a class, too few for "
            f"holdout={share}, which needs at least two to hold out and one to train on"
        )

    def divide(trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        held, train = np.split(trials, [round(share * len(trials))])
        return train, held

    return _stratified(y, divide, seed)


def _smallest_class(y: np.ndarray) -> int:
    return int(np.unique(y, return_counts=True)[1].min())


def _stratified(y: np.ndarray, divide: Divide, seed: int) -> Split:
    rng = generator(seed, "split")
    divided = [divide(rng.permutation(np.flatnonzero(y == label))) for label in np.unique(y)]
    halves = [np.array_split(held, 2) for _, held in divided]
    parts = ([train for train, _ in divided], *zip(*halves, strict=True))
    return Split(*(np.sort(np.concatenate(part)) for part in parts))
