"""Trials that take the place of another trial, or of parts of it."""

import torch
from torch import Tensor

from eegxai.seeding import trial_generators


def donors_of(x: Tensor, pool: Tensor, n_donors: int) -> Tensor:
    """Other trials for each trial, drawn from a pool.

    Parameters
    ----------
    x : Tensor (trials, channels, times)
    pool : Tensor (candidates, channels, times)
        May contain the trials themselves, which are no donors of their own.
    n_donors : int

    Returns
    -------
    Tensor (trials, donors, channels, times)
        Those of a trial do not depend on the trials beside it.

    Raises
    ------
    ValueError
        When the pool is too small.
    """
    found = []
    for trial, random in zip(x, trial_generators(x, "donors"), strict=True):
        order = torch.from_numpy(random.permutation(len(pool))).to(pool.device)
        usable = (pool[order] != trial).flatten(1).any(1)
        donors = pool[order[usable][:n_donors]].to(x)
        if len(donors) < n_donors:
            raise ValueError(
                f"pool has {len(donors)} trials that can take the place of a trial, n_donors is "
                f"{n_donors}: give a pool of more trials"
            )
        found.append(donors)
    return torch.stack(found)
