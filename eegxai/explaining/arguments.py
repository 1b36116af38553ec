"""What each argument of :func:`eegxai.explain` may be, checked before any work."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from eegxai.attribution import Output
from eegxai.errors import short

ArgumentCheck = Callable[[Any], bool]


def _none_or(check: ArgumentCheck) -> ArgumentCheck:
    return lambda value: value is None or check(value)


def _of_types(*types: type) -> ArgumentCheck:
    return lambda value: isinstance(value, types)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _above_zero(value: Any) -> bool:
    number = _is_integer(value) or isinstance(value, float | np.floating)
    return number and 0 < value < np.inf


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(map(_of_types(str), value))


def _is_options(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_of_types(str), value))


def _names_or_options(value: Any) -> bool:
    options = _is_options(value) and all(map(_is_options, value.values()))
    return isinstance(value, str) or _is_names(value) or options


# Test of a value and what is allowed, by the name of the argument.
ALLOWED: Mapping[str, tuple[ArgumentCheck, str]] = {
    "methods": (
        _none_or(_names_or_options),
        "it must be a name, a list of names as ['Saliency'], or a mapping of names to options",
    ),
    "weights": (_none_or(_of_types(str, Path)), "a path is"),
    "sfreq": (_none_or(_above_zero), "a number above zero, Hz, is"),
    "unit": (_none_or(_of_types(str)), "'uV', 'V' and 'as_given' are"),
    "n_trials": (_is_integer, "whole numbers from 1 on are"),
    "target": (
        _none_or(lambda value: _is_integer(value) or isinstance(value, str)),
        "the name of a class or the number of an output is",
    ),
    "output": (
        lambda value: isinstance(value, str) and value in get_args(Output),
        f"{', '.join(map(repr, get_args(Output)))} are",
    ),
    "cam_layer": (_none_or(_of_types(str)), "the name of a layer is"),
    "arguments": (_none_or(_is_options), "a mapping of names to values is"),
    "checks": (_is_names, "a list of names is"),
    "seed": (_is_integer, "whole numbers from 0 on are"),
    "device": (_none_or(_of_types(str, torch.device)), "a name such as 'cuda' is"),
    "on_accuracy": (_none_or(callable), "a function is"),
    "on_progress": (_none_or(callable), "a function is"),
}


def require_types(**given: Any) -> None:
    """Refuse arguments of another type than :func:`eegxai.explain` takes.

    Raises
    ------
    ValueError
        In one sentence: the argument, its value and what is allowed.

    Examples
    --------
    >>> require_types(seed=0, output="logit")
    >>> require_types(seed="a")
    Traceback (most recent call last):
    ValueError: seed='a' is not allowed: whole numbers from 0 on are
    """
    for name, value in given.items():
        allows, allowed = ALLOWED[name]
        if not allows(value):
            raise ValueError(f"{name}={short(value)} is not allowed: {allowed}")
