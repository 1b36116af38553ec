"""A linear discriminant of all channels and samples, as a reference that needs no network.

The covariance within classes is shrunk towards a multiple of the identity (Ledoit & Wolf, Journal
of Multivariate Analysis 88:365, 2004). There are more values in a trial than trials, so everything
is computed from products of trials, (trials, trials).
"""

import numpy as np

Array = np.ndarray
LINEAR_MODEL_FOLDS = 5


def discriminant_outputs(x: Array, y: Array, n_folds: int = LINEAR_MODEL_FOLDS) -> Array:
    """Outputs (trials, classes) of a shrunk linear discriminant for trials that it has not seen.

    Folds are blocks of each class's trials as they stand, since trials recorded one after the
    other are alike for other reasons than their class.

    Parameters
    ----------
    x : array, shape (trials, values)
    y : array, shape (trials,)
        Classes 0, 1, and so on.
    n_folds : int

    Returns
    -------
    array, shape (trials, classes)
        Log-probabilities but for a number that all classes of a trial share.

    Raises
    ------
    ValueError
        When a class has fewer than two trials.
    """
    _, counts = np.unique(y, return_counts=True)
    if counts.min() < 2 or len(counts) < 2:
        raise ValueError(
            f"the trials of the classes are {counts.tolist()} in number: a linear discriminant "
            "needs two classes or more, of at least two trials each"
        )
    folds, outputs = (
        _fold_of_each_trial(y, min(n_folds, counts.min())),
        np.empty((len(x), len(counts))),
    )
    for fold in np.unique(folds):
        held_out = folds == fold
        outputs[held_out] = _discriminant(x[~held_out], y[~held_out], x[held_out])
    return outputs


def _fold_of_each_trial(y: Array, n_folds: int) -> Array:
    """Fold of each trial: a class's first trials are in the first, and so on."""
    folds = np.empty(len(y), int)
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        folds[own] = np.arange(len(own)) * n_folds // len(own)
    return folds


def _discriminant(x: Array, y: Array, new: Array) -> Array:
    """Outputs for new trials (trials, values) of a discriminant of others."""
    labels, place = np.unique(y, return_inverse=True)
    means = np.stack([x[y == label].mean(0) for label in labels])
    within = x - means[place]
    weights = _solved(within, means - means.mean(0))
    priors = np.bincount(place) / len(y)
    middle = (means + means.mean(0)) / 2
    return (new - x.mean(0)) @ weights.T - ((middle - x.mean(0)) * weights).sum(1) + np.log(priors)


def _solved(within: Array, vectors: Array) -> Array:
    """Vectors (vectors, values) times the inverse of the shrunk covariance, by Woodbury."""
    gram = within @ within.T
    share, level = shrinkage(gram, within.shape[1])
    ridge = share * level * len(gram) / max(1 - share, np.finfo(float).eps)
    inner = np.linalg.solve(gram + ridge * np.eye(len(gram)), within @ vectors.T)
    return (vectors - inner.T @ within) / (share * level)


def shrinkage(gram: Array, n_values: int) -> tuple[float, float]:
    """Ledoit and Wolf's share of the identity, and what it is multiplied by.

    Parameters
    ----------
    gram : array, shape (trials, trials)
        Products of centred trials.
    n_values : int
        Values of a trial.
    """
    n_trials = len(gram)
    level = gram.trace() / n_trials / n_values
    squares = np.square(gram).sum() / n_trials**2
    spread = squares / n_values - level**2
    noise = (np.square(gram.diagonal()).sum() / n_trials - squares) / (n_trials * n_values)
    share = min(noise, spread) / spread if spread > 0 else 1.0
    return float(max(share, np.finfo(float).eps)), float(level)
