"""Decoders that cannot take a single trial, such as those with a plain ``squeeze()``.

A pair is passed where one trial would do, and where several are split, none is left alone.
"""

from typing import Any

import torch
from torch import Tensor, nn

LONE = "_lone_trial"  # of a copy that takes pairs: whether what is in it now was a single trial


def pair_of(x: Tensor) -> Tensor:
    """The first trial, twice: where one would do, and some decoders take no single one."""
    return torch.cat([x[:1], x[:1]])


def sizes_of_parts(n_trials: int, most: int) -> list[int]:
    """How to split trials into parts of ``most``, none of them of a single one if there are more.

    Examples
    --------
    >>> from eegxai.decoders.lone_trials import sizes_of_parts
    >>> sizes_of_parts(18, 8), sizes_of_parts(17, 8)
    ([8, 8, 2], [8, 9])
    """
    most = max(most, 2)
    whole, left = divmod(n_trials, most)
    if whole and left == 1:
        return [most] * (whole - 1) + [most + 1]
    return [most] * whole + [left] * (left > 0)


def let_take_lone_trials(decoder: nn.Module) -> None:
    """Let a private copy pass a single trial beside a copy of itself, whose outputs are dropped.

    Layers inside it then see two trials: what looks at layers gives it pairs.
    """
    decoder.__dict__[LONE] = False
    decoder.register_forward_pre_hook(_doubled, prepend=True)
    decoder.register_forward_hook(_without_the_copy)


def takes_pairs(decoder: nn.Module) -> bool:
    """Whether :func:`let_take_lone_trials` was called for a decoder or what it was copied from."""
    return LONE in vars(decoder)


def _doubled(decoder: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    lone = isinstance(args[0], Tensor) and len(args[0]) == 1
    decoder.__dict__[LONE] = lone
    return (pair_of(args[0]), *args[1:]) if lone else args


def _without_the_copy(decoder: nn.Module, _args: Any, outputs: Tensor) -> Tensor:
    return outputs[:1] if decoder.__dict__[LONE] else outputs
