"""What calls into any other library share: options, a decoder of their own, seeds, verdicts."""

import inspect
import io
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from copy import deepcopy
from functools import partial
from importlib import import_module
from typing import Any, Literal, get_args

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from eegxai.attribution.core.faults import FAULTS_OF_THE_MACHINE, first_line
from eegxai.attribution.core.options import REFERENCES
from eegxai.attribution.core.registry import Attribution, NotApplicable
from eegxai.seeding import global_generators, trial_generators

Options = dict[str, tuple[Any, Any]]  # annotation and default by name, as pydantic has them

TYPES: dict[type, Any] = {bool: bool, int: PositiveInt, float: NonNegativeFloat, str: str}
CHOICES: dict[str, Any] = {
    "method": Literal[
        "riemann_left", "riemann_right", "riemann_middle", "riemann_trapezoid", "gausslegendre"
    ],
    "nt_type": Literal["smoothgrad", "smoothgrad_sq", "vargrad"],
    "interpolate_mode": Literal["nearest", "nearest-exact", "area", "bilinear", "bicubic"],
    "kernel": Literal["linear", "poly", "rbf", "sigmoid", "cosine"],
}
# They change what a call prints or the form of what it returns.
NO_OPTIONS = {"return_convergence_delta", "return_input_shape", "show_progress", "verbose"}


def required(function: Callable[..., Any]) -> list[str]:
    """Names of a function's parameters that have no default."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]


def plain_options(function: Callable[..., Any], given: set[str]) -> Options:
    """Those of a function's parameters that are plain values, but for the ``given`` ones."""
    parameters = inspect.signature(function).parameters
    names = [name for name in parameters if name not in given | NO_OPTIONS]
    types = {name: _option_type(parameters[name]) for name in names}
    return {name: (kind, parameters[name].default) for name, kind in types.items() if kind}


def _option_type(parameter: inspect.Parameter) -> Any:
    """What pydantic checks an option by; None where the parameter is no plain value."""
    if parameter.default is None:
        return PositiveInt | None if int in get_args(parameter.annotation) else None
    kind = TYPES.get(type(parameter.default))
    return CHOICES.get(parameter.name, kind) if kind else None


def with_options(function: Attribution, options: Options, doc: str) -> Attribution:
    """A function that takes keyword-only options, as our own methods do, by a table of them."""

    def method(decoder: nn.Module, x: Tensor, target: Tensor, **keywords: Any) -> Tensor:
        return function(decoder, x, target, **keywords)

    positional = ("decoder", nn.Module), ("x", Tensor), ("target", Tensor)
    places = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
        for name, kind in positional
    ]
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    signature = inspect.Signature([*places, *keywords], return_annotation=Tensor)
    method.__signature__ = signature  # type: ignore[attr-defined]
    method.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    method.__doc__ = doc
    return method


def references_option(default: Any = None) -> Options:
    """The data that a method compares with, which it can do without unless told otherwise."""
    return {REFERENCES: (Tensor | None, default)}


def guarded(name: str, call: Attribution) -> Attribution:
    """A call into a library on copies, in silence; where it fails, the reason is a verdict."""

    def run(decoder: nn.Module, x: Tensor, target: Tensor, **options: Any) -> Tensor:
        trials = x.detach().clone().requires_grad_()  # its decoder's parameters are frozen
        try:
            with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # progress bars
                warnings.simplefilter("ignore")
                copy = deepcopy(decoder)
                copy.register_forward_pre_hook(partial(_of_type, x.dtype))
                return call(copy, trials, target, **options).detach()
        except (NotApplicable, *FAULTS_OF_THE_MACHINE):
            raise
        except Exception as error:
            raise NotApplicable(
                f"{name} is not applicable to {type(decoder).__name__}: {first_line(error)}"
            ) from error

    return run


def _of_type(dtype: torch.dtype, _module: nn.Module, args: tuple[Any, ...]) -> Any:
    """Trials of the decoder's type: to some, noise of torch's default type has been added."""
    return tree_map_only(Tensor, lambda value: value.to(dtype), args)


def trial_by_trial(name: str, call: Attribution) -> Attribution:
    """A call that explains each trial alone and draws from generators seeded by that trial."""

    def run(decoder: nn.Module, x: Tensor, target: Tensor, **options: Any) -> Tensor:
        maps = []
        trials = zip(trial_generators(x, name), x.split(1), target.split(1), strict=True)
        for random, trial, own in trials:
            with global_generators(int(random.integers(2**32)), x.device):
                maps.append(call(decoder, trial, own, **options))
        return torch.cat(maps)

    return run


def imported(module: str, needed_by: str, install: str) -> Any:
    """A module of a library that may be missing.

    Raises
    ------
    ValueError
        When it is, with the command that installs it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(module)
    except ImportError as error:
        raise ValueError(
            f"{needed_by} needs {module.partition('.')[0]}, which cannot be imported "
            f"({first_line(error)}): pip install '{install}'"
        ) from None


def refuse(name: str, reasons: Mapping[str, str]) -> None:
    """Raise for a name that is in a table of reasons.

    Raises
    ------
    ValueError
        With the reason.
    """
    own = name.partition(".")[2]
    if own in reasons:
        raise ValueError(f"{name} is no method here: {reasons[own]}")


class OfImages(nn.Module):
    """A decoder that takes trials as images (trials, 1, channels, times)."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:
        """Logits (trials, classes)."""
        return self.decoder(images[:, 0])
