"""The registry of attribution methods and the one way to call a method."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eegxai.registry import lookup

Attribution = Callable[[nn.Module, Tensor, Tensor], Tensor]
Requirement = Callable[[nn.Module, Tensor], str | None]

CHUNK = 8  # on a CPU small chunks are also the fast ones: they stay in its cache


@dataclass(frozen=True)
class Method:
    """A registered attribution method.

    Attributes
    ----------
    function : callable
        ``(decoder, x, target) -> Tensor`` of x's shape (trials, channels, times), signed and
        not scaled. It may assume what :func:`attribute` sees to: a private copy of the decoder
        in evaluation mode with frozen parameters, and gradients enabled.
    group : str
        ``"study"``, ``"extended"`` or ``"baseline"``.
    requires : tuple of callables
        Each ``(decoder, x) -> str | None`` gives the reason why the method means nothing on
        the decoder, or None.
    chunk : int
        Trials at a time that keep the method's memory small.
    """

    function: Attribution
    group: str
    requires: tuple[Requirement, ...] = ()
    chunk: int = CHUNK


METHODS: dict[str, Method] = {}
BASELINES: dict[str, Method] = {}
GROUPS = {"study": METHODS, "extended": METHODS, "baseline": BASELINES}


class NotApplicable(ValueError):  # noqa: N818 (a verdict, not a fault)
    """The method means nothing on this decoder; the message says why."""


class DegenerateMap(ValueError):  # noqa: N818 (a verdict, not a fault)
    """The method returned a map of another shape, or one that is not finite."""


def attribution(
    name: str,
    *,
    group: str = "extended",
    requires: tuple[Requirement, ...] = (),
    chunk: int = CHUNK,
) -> Callable[[Attribution], Attribution]:
    """Register the decorated function as an attribution method.

    Raises
    ------
    ValueError
        When the name is taken or the group unknown.
    """
    registry = lookup(GROUPS, group, "group")
    if name in METHODS or name in BASELINES:
        raise ValueError(f"method {name!r} is registered already, choose another name")

    def register(function: Attribution) -> Attribution:
        registry[name] = Method(function, group, requires, chunk)
        return function

    return register


def find(name: str) -> Method:
    """Look a method or baseline up by its name.

    Raises
    ------
    ValueError
        When no method has this name; the message suggests the closest match.
    """
    return lookup(METHODS | BASELINES, name, "method")


def attribute(
    name: str, decoder: nn.Module, x: Tensor, target: Tensor, chunk: int | None = None
) -> Tensor:
    """Attribution map of each trial: what the target class's logit owes to each sample.

    The method works on a private copy of the decoder in evaluation mode, so the decoder itself
    keeps its modes, parameters, statistics and hooks. Logits are attributed, never softmax
    probabilities. Numbers do not depend on ``chunk`` or on the other trials.

    Parameters
    ----------
    name : str
        A name in ``METHODS`` or ``BASELINES``.
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes) logits; on any device.
    x : Tensor
        Trials (trials, channels, times) in µV.
    target : Tensor
        Class to explain for each trial, (trials,) int64.
    chunk : int, optional
        Trials at a time; the method's own number by default.

    Returns
    -------
    Tensor
        Signed map (trials, channels, times), with x's type and device.

    Raises
    ------
    NotApplicable
        When the method means nothing on this decoder.
    DegenerateMap
        When the method returned another shape or values that are not finite.
    ValueError
        When the name is unknown, or ``x``, ``target`` or ``chunk`` is unusable.
    """
    method = find(name)
    size = method.chunk if chunk is None else chunk
    _check_trials(x, target, size)
    with torch.inference_mode(False), torch.enable_grad():
        copy = _detached(decoder)
        trials = x.detach().to(next(copy.parameters(), x), copy=True)
        classes = target.detach().to(trials.device, copy=True)
        _check_classes(copy, trials, classes)
        _check_requirements(name, method, copy, trials)
        pieces = [
            _checked(name, method.function(copy, some_trials, some_classes), some_trials)
            for some_trials, some_classes in zip(
                trials.split(size), classes.split(size), strict=True
            )
        ]
        return torch.cat(pieces).to(x)


def target_logits(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Logit of each trial's target class, (trials,)."""
    return decoder(x).gather(1, target[:, None])[:, 0]


def _detached(decoder: nn.Module) -> nn.Module:
    """Private copy that a method may hook: evaluation mode, frozen, nothing done in place."""
    copy = deepcopy(decoder).eval().requires_grad_(False)
    for module in copy.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return copy


def _check_trials(x: Tensor, target: Tensor, chunk: int) -> None:
    if x.ndim != 3 or not x.is_floating_point() or not x.numel():
        raise ValueError(
            "x must be a floating-point tensor (trials, channels, times) with at least one "
            f"trial, not {x.dtype} of shape {tuple(x.shape)}"
        )
    if not x.isfinite().all():
        raise ValueError("x has values that are not finite, all must be")
    if target.dtype != torch.int64 or target.shape != x.shape[:1]:
        raise ValueError(
            f"target must be int64 of shape ({len(x)},), one class for each trial of x, "
            f"not {target.dtype} of shape {tuple(target.shape)}"
        )
    if chunk < 1:
        raise ValueError(f"chunk={chunk} must be a number of trials, at least 1")


def _check_classes(decoder: nn.Module, x: Tensor, target: Tensor) -> None:
    with torch.no_grad():
        shape = decoder(x[:1]).shape
    if len(shape) != 2:
        raise ValueError(f"decoder must return logits (trials, classes), not {tuple(shape)}")
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= shape[1]:
        raise ValueError(
            f"target holds the class {low if low < 0 else high}, "
            f"the decoder knows 0 to {shape[1] - 1}"
        )


def _check_requirements(name: str, method: Method, decoder: nn.Module, x: Tensor) -> None:
    for requirement in method.requires:
        reason = requirement(decoder, x)
        if reason is not None:
            raise NotApplicable(f"{name} is not applicable to {type(decoder).__name__}: {reason}")


def _checked(name: str, result: Tensor, x: Tensor) -> Tensor:
    if result.shape != x.shape:
        shapes = f"{tuple(result.shape)} for trials of {tuple(x.shape)}"
        raise DegenerateMap(f"{name} returned a map of shape {shapes}")
    if not result.isfinite().all():
        raise DegenerateMap(f"{name} returned values that are not finite")
    return result.detach()
