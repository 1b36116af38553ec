"""The one way to call attribution methods: checks, private copies, chunks, shared passes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from eegxai.attribution.core.options import (
    REFERENCES,
    needs_references,
    resolved,
    takes_references,
)
from eegxai.attribution.core.registry import DegenerateMap, NotApplicable, find
from eegxai.attribution.engine.contrast import with_contrasts
from eegxai.attribution.engine.frequency import heard_map, joined, listening
from eegxai.attribution.engine.shared_passes import sharing
from eegxai.attribution.engine.torch_state import compiled_code_off, torch_state_restored
from eegxai.decoders.compiled import uncompiled_copy
from eegxai.registry import lookup

BoundMethod = Callable[[nn.Module, Tensor, Tensor], Tensor]
Output = Literal["logit", "contrast"]
MapOrReason = Tensor | NotApplicable | DegenerateMap


def _as_it_is(decoder: nn.Module, _x: Tensor) -> nn.Module:
    return decoder


# From a private copy of a decoder and trials to the decoder whose outputs are explained.
OUTPUTS: dict[str, Callable[[nn.Module, Tensor], nn.Module]] = {
    "logit": _as_it_is,
    "contrast": with_contrasts,
}


def attribute(
    name: str,
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor | None = None,
    output: Output = "logit",
    **options: Any,
) -> Tensor:
    """Attribution map of each trial: what the target class's output owes to each sample.

    The method works on a private copy of the decoder in evaluation mode, so the decoder itself
    keeps its modes, parameters, statistics and hooks; what torch.compile has compiled is run as
    it was written. Whatever fails leaves nothing behind in torch. Logits are attributed, never
    softmax probabilities. Numbers do not depend on ``chunk`` or on the other trials.

    Parameters
    ----------
    name : str
        A name in ``METHODS`` or ``CONTROLS``, or of another library's method, such as
        ``captum.IntegratedGradients`` (docs/methods.md).
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes) logits; on any device.
    x : Tensor
        Trials (trials, channels, times) in µV.
    target : Tensor
        Class to explain for each trial, (trials,) int64.
    references : Tensor, optional
        Trials in µV, for methods that compare with other trials.
    output : str
        What is explained: ``"logit"`` of the class, as papers and other libraries do, so that the
        call gives their maps; or ``"contrast"``, the logit minus the mean of the others, which is
        what decides (see ``eegxai.attribution.engine.contrast``) and what evaluations explain.
    **options
        Options of the method, and ``chunk``, the trials at a time (8 by default).

    Returns
    -------
    Tensor
        Signed map (trials, channels, times), with x's type and device.

    Raises
    ------
    NotApplicable
        When the method is not applicable to this decoder.
    DegenerateMap
        When the method returned another shape or values that are not finite.
    ValueError
        When the decoder is compiled by torch.jit, the name or an option is unknown, or ``x``,
        ``target``, ``references`` or the value of an option is unusable.
    """
    (result,) = maps_or_reasons({name: options}, decoder, x, target, references, output).values()
    if isinstance(result, Tensor):
        return result
    raise result


def frequency_relevance(
    name: str,
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor | None = None,
    output: Output = "logit",
    **options: Any,
) -> Tensor:
    """Relevance of each channel's frequencies: what the target's logit owes to them.

    Where maps are the trial times a multiplier, it is Re(conj(X) M) / N with their Fourier
    transforms, whose sum over frequencies is the map's over time. Where they are a gradient, it is
    the derivative with respect to the amplitudes. ``BandOcclusion`` measures it (virtual
    inspection layers: Vielhaben et al., arXiv:2303.06365).

    Parameters are those of :func:`attribute`.

    Returns
    -------
    Tensor (trials, channels, frequencies)
        Float64, signed, at the frequencies ``torch.fft.rfftfreq(times, 1 / sfreq)``.

    Raises
    ------
    NotApplicable
        When the method is not applicable, or its maps say nothing about frequency.
    DegenerateMap, ValueError
        As :func:`attribute`.

    Examples
    --------
    >>> import torch
    >>> from eegxai.attribution import frequency_relevance
    >>> decoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2 * 8, 3))
    >>> x, target = torch.randn(4, 2, 8), torch.tensor([0, 1, 2, 0])
    >>> frequency_relevance("InputXGradient", decoder, x, target).shape
    torch.Size([4, 2, 5])
    """
    if find(name).frequency is None:
        raise NotApplicable(
            f"{name} does not declare what its maps say about frequency; InputXGradient, Gradient "
            "and others do (docs/methods.md), and BandOcclusion measures it"
        )
    with listening() as parts:
        attribute(name, decoder, x, target, references=references, output=output, **options)
    heard = joined(parts)
    if heard is None:
        raise NotApplicable(f"{name} declares what it says about frequency, but told nothing")
    return heard.relevance.to(x.device)


def attribute_all(
    names: Sequence[str] | Mapping[str, Mapping[str, Any]],
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor | None = None,
    output: Output = "logit",
) -> dict[str, Tensor]:
    """Maps of several methods as ``attribute`` gives them; shared passes are computed once.

    Parameters
    ----------
    names : sequence of str or mapping
        Names of methods, or their options by name.
    decoder, x, target, references, output
        As for :func:`attribute`.

    Raises
    ------
    NotApplicable, DegenerateMap, ValueError
        As :func:`attribute`, for the first method of which that is true.
    """
    methods = names if isinstance(names, Mapping) else {name: {} for name in names}
    maps = {}
    for name, result in maps_or_reasons(methods, decoder, x, target, references, output).items():
        if not isinstance(result, Tensor):
            raise result
        maps[name] = result
    return maps


def maps_or_reasons(
    methods: Mapping[str, Mapping[str, Any]],
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    references: Tensor | None = None,
    output: Output = "logit",
) -> dict[str, MapOrReason]:
    """Map of each method, or why it has none; see :func:`attribute_all`."""
    settings = {name: options_of(name, given) for name, given in methods.items()}
    _check_trials("x", x)
    _check_target(target, x)
    explained = lookup(OUTPUTS, output, "output")
    with _private_copy(decoder) as copy:
        trials = _moved(x, copy)
        classes = target.detach().to(trials.device, copy=True)
        _check_classes(copy, trials, classes)
        copy = explained(copy, trials)
        reasons = {name: _refusal(name, copy, trials) for name in methods}
        calls = {
            name: partial(find(name).function, **_keywords(name, settings[name], references, copy))
            for name, reason in reasons.items()
            if reason is None
        }
        maps: dict[str, MapOrReason] = {}
        for chunk in sorted({settings[name]["chunk"] for name in calls}):
            same = {name: calls[name] for name in calls if settings[name]["chunk"] == chunk}
            maps |= _in_chunks(same, copy, trials, classes, chunk)
    found = {name: reasons[name] or maps[name] for name in methods}
    return {name: r.to(x) if isinstance(r, Tensor) else r for name, r in found.items()}


def options_of(name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All options of a method, those not given at their defaults.

    Raises
    ------
    ValueError
        When the method or an option is unknown, or a value is not allowed.
    """
    return resolved(name, find(name).function, given or {})


def expected_sum(
    name: str,
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    references: Tensor | None = None,
    output: Output = "logit",
    **options: Any,
) -> Tensor | None:
    """What the sum of each map is by the method's definition, (trials,); None if it says nothing.

    Parameters are those of :func:`attribute`.
    """
    method = find(name)
    if method.completeness_target is None:
        return None
    with _private_copy(decoder) as copy, torch.no_grad():
        trials = _moved(x, copy)
        copy = lookup(OUTPUTS, output, "output")(copy, trials)
        own = _keywords(name, options_of(name, options), references, copy)
        return method.completeness_target(copy, trials, target.to(x.device), **own)


def _refusal(name: str, decoder: nn.Module, x: Tensor) -> NotApplicable | None:
    """Why a method is not applicable to a decoder; None where it is."""
    reasons = (requirement(decoder, x) for requirement in find(name).requires)
    reason = next((reason for reason in reasons if reason is not None), None)
    if reason is None:
        return None
    return NotApplicable(f"{name} is not applicable to {type(decoder).__name__}: {reason}")


def _keywords(
    name: str, own: Mapping[str, Any], references: Tensor | None, copy: nn.Module
) -> dict[str, Any]:
    """Options of a method and, where it takes them, its reference trials."""
    keywords = {option: value for option, value in own.items() if option != "chunk"}
    if references is None and needs_references(find(name).function):
        raise ValueError(f"{name} needs references, trials (trials, channels, times)")
    if references is not None and takes_references(find(name).function):
        _check_trials(REFERENCES, references)
        keywords[REFERENCES] = _moved(references, copy)
    return keywords


def _in_chunks(
    calls: Mapping[str, BoundMethod], decoder: nn.Module, x: Tensor, target: Tensor, chunk: int
) -> dict[str, MapOrReason]:
    """Maps of methods that take the same number of trials at a time."""
    pieces: dict[str, list[Tensor]] = {name: [] for name in calls}
    faults: dict[str, NotApplicable | DegenerateMap] = {}
    for trials, classes in zip(x.split(chunk), target.split(chunk), strict=True):
        with sharing():
            for name in [name for name in calls if name not in faults]:
                try:
                    pieces[name].append(_checked(name, calls[name], decoder, trials, classes))
                except (NotApplicable, DegenerateMap) as fault:
                    faults[name] = fault
    return {name: faults.get(name) or torch.cat(pieces[name]) for name in calls}


@contextmanager
def _private_copy(decoder: nn.Module) -> Iterator[nn.Module]:
    """Copy that methods may hook, in a context that they leave as it was, whatever fails."""
    with torch_state_restored(), torch.inference_mode(False), torch.enable_grad():
        copy = _detached(decoder)
        with compiled_code_off():
            yield copy


def _detached(decoder: nn.Module) -> nn.Module:
    """Copy in evaluation mode, frozen, with nothing compiled and nothing done in place."""
    copy = uncompiled_copy(decoder).eval().requires_grad_(False)
    for module in copy.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return copy


def _moved(x: Tensor, decoder: nn.Module) -> Tensor:
    """Private copy of trials, of the type and on the device of the decoder."""
    return x.detach().to(next(decoder.parameters(), x), copy=True)


def _check_trials(field: str, x: Tensor) -> None:
    if x.ndim != 3 or not x.is_floating_point() or not x.numel():
        raise ValueError(
            f"{field} must be a floating-point tensor (trials, channels, times) with at least one "
            f"trial, not {x.dtype} of shape {tuple(x.shape)}"
        )
    if not x.isfinite().all():
        raise ValueError(f"{field} has values that are not finite, all must be")


def _check_target(target: Tensor, x: Tensor) -> None:
    if target.dtype != torch.int64 or target.shape != x.shape[:1]:
        raise ValueError(
            f"target must be int64 of shape ({len(x)},), one class for each trial of x, "
            f"not {target.dtype} of shape {tuple(target.shape)}"
        )


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


def _checked(name: str, call: BoundMethod, decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    with torch_state_restored():  # methods after this one are called in the same context
        result = heard_map(find(name).frequency, call, decoder, x, target)
    if result.shape != x.shape:
        shapes = f"{tuple(result.shape)} for trials of {tuple(x.shape)}"
        raise DegenerateMap(f"{name} returned a map of shape {shapes}")
    if not result.isfinite().all():
        raise DegenerateMap(f"{name} returned values that are not finite")
    return result.detach()
