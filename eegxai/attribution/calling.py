"""What a call of methods takes: reasons against them, private copies, chunks, shared passes."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.copies import adapted_copy, moved
from eegxai.attribution.core.faults import errors_as_verdicts
from eegxai.attribution.core.options import (
    REFERENCES,
    TIMES_THE_CHUNK,
    needs_references,
    resolved,
    takes_references,
)
from eegxai.attribution.core.registry import DegenerateMap, NotApplicable, Requirement, find
from eegxai.attribution.engine.adapted import said
from eegxai.attribution.engine.frequency import heard_map
from eegxai.attribution.engine.shared_passes import sharing
from eegxai.attribution.engine.torch_state import torch_state_restored
from eegxai.attribution.given import Trials, as_references, as_target, as_trials
from eegxai.attribution.prepared import OUTPUTS, Output, name_cam_layer, prepared
from eegxai.decoders.lone_trials import pair_of, sizes_of_parts, takes_pairs
from eegxai.decoders.memory import in_parts_that_fit
from eegxai.registry import lookup

BoundMethod = Callable[[nn.Module, Tensor, Tensor], Tensor]
MapOrReason = Tensor | NotApplicable | DegenerateMap


def maps_or_reasons(
    methods: Mapping[str, Mapping[str, Any]],
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    references: Trials | None = None,
    output: Output = "logit",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> dict[str, MapOrReason]:
    """Map of each method, or why it has none; see :func:`attribute_all`."""
    x = as_trials("x", x)
    size = x.shape[1], x.shape[2]
    settings = {name: options_of(name, given, size) for name, given in methods.items()}
    target = as_target(target, x)
    said_of_it = output, cam_layer, arguments
    with prepared(methods, decoder, x, *said_of_it) as (copy, trials, reasons):
        classes = target.detach().to(trials.device, copy=True)
        _check_classes(copy, trials, classes)
        missing = cache(lambda requirement: requirement(copy, trials))  # families share theirs
        reasons = {
            name: reasons[name] or _why_not_applicable(name, copy, missing) for name in methods
        }
        calls = {
            name: partial(
                find(name).function, **_method_keywords(name, settings[name], references, copy, x)
            )
            for name, reason in reasons.items()
            if reason is None
        }
        maps: dict[str, MapOrReason] = {}
        for chunk in sorted({settings[name]["chunk"] for name in calls}):
            same = {name: calls[name] for name in calls if settings[name]["chunk"] == chunk}
            at_a_time = min(chunk * TIMES_THE_CHUNK.get(trials.device.type, 1), len(trials))
            run = partial(_in_chunks, same, copy, trials, classes)
            maps |= in_parts_that_fit(run, at_a_time)
    found = {name: reasons[name] or maps[name] for name in methods}
    return {
        name: _as_given(name, r, x) if isinstance(r, Tensor) else r for name, r in found.items()
    }


def _as_given(name: str, found: Tensor, x: Tensor) -> MapOrReason:
    """Maps as numbers of the trials' type, on their device; a reason where they do not fit it."""
    cast = found.to(x)
    if cast.isfinite().all():
        return cast
    kind = str(x.dtype).removeprefix("torch.")
    return DegenerateMap(f"{name} returned values too large for {kind}, the type of the trials")


def adapted(
    decoder: nn.Module,
    x: Trials,
    *,
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    output: Output = "value",
) -> nn.Module:
    """Copy of a decoder that maps trials (trials, channels, times) to (trials, outputs).

    For functions that take a decoder and nothing of how to call it, such as evaluations.

    Parameters
    ----------
    decoder, x, cam_layer, arguments
        As for :func:`attribute`.
    output : str
        ``"value"`` for its outputs as they are; with ``"logit"`` a lone one becomes those of two
        classes, with ``"contrast"`` outputs are contrasts.

    Examples
    --------
    >>> import torch
    >>> from eegxai.attribution import adapted
    >>> images = torch.nn.Sequential(torch.nn.Conv2d(1, 2, (3, 8)), torch.nn.Flatten())
    >>> adapted(images, torch.randn(4, 3, 8))(torch.randn(5, 3, 8)).shape
    torch.Size([5, 2])
    """
    outputs = lookup(OUTPUTS, output, "output")
    with adapted_copy(decoder, as_trials("x", x), cam_layer, arguments) as (copy, trials):
        return outputs(copy, trials)


def options_of(
    name: str, given: Mapping[str, Any] | None = None, size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """All options of a method, those not given at their defaults.

    Parameters
    ----------
    name : str
        The method.
    given : mapping, optional
        Options by name.
    size : tuple of int, optional
        Channels and samples of the trials that the options must fit, where they are known.

    Raises
    ------
    ValueError
        When the method or an option is unknown, or a value is not allowed.

    Examples
    --------
    >>> from eegxai.attribution import options_of
    >>> options_of("IntegratedGradients", {"steps": 20})["steps"]
    20
    """
    method = find(name)
    options = resolved(name, method.function, given or {})
    if size and (reason := method.misfit(*size, **options)):
        raise ValueError(f"{name}: {reason}")
    return options


def expected_sum(
    name: str,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    references: Trials | None = None,
    output: Output = "logit",
    **options: Any,
) -> Tensor | None:
    """What the sum of each map is by the method's definition, (trials,); None if it says nothing.

    Parameters are those of :func:`attribute`.
    """
    method = find(name)
    if method.completeness_target is None:
        return None
    x = as_trials("x", x)
    target = as_target(target, x)
    with adapted_copy(decoder, x) as (copy, trials), torch.no_grad():
        copy = lookup(OUTPUTS, output, "output")(copy, trials)
        own = _method_keywords(name, options_of(name, options), references, copy, x)
        return method.completeness_target(copy, trials, target.to(x.device), **own)


def limits_of(name: str, decoder: nn.Module, x: Tensor, **options: Any) -> dict[str, str]:
    """Why a method's maps are constant along axes, and what has been said of the decoder."""
    method = find(name)
    with adapted_copy(decoder, x) as (copy, trials):
        name_cam_layer([name], copy, trials)
        limits = method.limits(copy, trials) | method.option_limits(
            *trials.shape[1:], **options_of(name, options)
        )
        return limits | dict(zip(said(copy), said(copy), strict=True))


def _why_not_applicable(
    name: str, decoder: nn.Module, missing: Callable[[Requirement], str | None]
) -> NotApplicable | DegenerateMap | None:
    """Why a method is not applicable to a decoder; None where it is."""
    reasons = map(missing, find(name).requires)
    try:
        with errors_as_verdicts(name, decoder):
            reason = next((reason for reason in reasons if reason is not None), None)
    except (NotApplicable, DegenerateMap) as fault:
        return fault
    if reason is None:
        return None
    return NotApplicable(f"{name} is not applicable to {type(decoder).__name__}: {reason}")


def _method_keywords(
    name: str, own: Mapping[str, Any], references: Trials | None, copy: nn.Module, x: Tensor
) -> dict[str, Any]:
    """Options of a method and, where it takes them, its reference trials."""
    keywords = {option: value for option, value in own.items() if option != "chunk"}
    if references is None and needs_references(find(name).function):
        raise ValueError(f"{name} needs references, trials (trials, channels, times)")
    if references is not None and takes_references(find(name).function):
        keywords[REFERENCES] = moved(as_references(references, x), copy)
    return keywords


def _in_chunks(
    calls: Mapping[str, BoundMethod], decoder: nn.Module, x: Tensor, target: Tensor, chunk: int
) -> dict[str, MapOrReason]:
    """Maps of methods that take the same number of trials at a time."""
    pieces: dict[str, list[Tensor]] = {name: [] for name in calls}
    faults: dict[str, NotApplicable | DegenerateMap] = {}
    sizes: int | list[int] = chunk
    if takes_pairs(decoder):
        sizes = sizes_of_parts(len(x), chunk)
        calls = {name: partial(_beside_a_copy, call) for name, call in calls.items()}
    for trials, classes in zip(x.split(sizes), target.split(sizes), strict=True):
        with sharing():
            for name in [name for name in calls if name not in faults]:
                try:
                    with errors_as_verdicts(name, decoder):
                        pieces[name].append(
                            _checked_map(name, calls[name], decoder, trials, classes)
                        )
                except (NotApplicable, DegenerateMap) as fault:
                    faults[name] = fault
    return {name: faults.get(name) or torch.cat(pieces[name]) for name in calls}


def _beside_a_copy(call: BoundMethod, decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Map of trials; a single one is explained as the first of a pair."""
    if len(x) > 1:
        return call(decoder, x, target)
    return call(decoder, pair_of(x), pair_of(target))[:1]


def _check_classes(decoder: nn.Module, x: Tensor, target: Tensor) -> None:
    with torch.no_grad():
        n_outputs = decoder(pair_of(x)).shape[1]
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= n_outputs:
        raise ValueError(
            f"target holds the class {low if low < 0 else high}, "
            f"the decoder knows 0 to {n_outputs - 1}"
        )


def _checked_map(
    name: str, call: BoundMethod, decoder: nn.Module, x: Tensor, target: Tensor
) -> Tensor:
    with torch_state_restored():  # methods after this one are called in the same context
        result = heard_map(find(name).frequency, call, decoder, x, target)
    if result.shape != x.shape:
        shapes = f"{tuple(result.shape)} for trials of {tuple(x.shape)}"
        raise DegenerateMap(f"{name} returned a map of shape {shapes}")
    if not result.isfinite().all():
        raise DegenerateMap(f"{name} returned values that are not finite")
    return result.detach()
