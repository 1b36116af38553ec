"""The one way to call attribution methods: checks, private copies, chunks, shared passes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from eegxai.attribution.core.faults import errors_as_verdicts
from eegxai.attribution.core.options import (
    REFERENCES,
    needs_references,
    resolved,
    takes_references,
)
from eegxai.attribution.core.registry import DegenerateMap, NotApplicable, Requirement, find
from eegxai.attribution.engine.adapted import adapt, said, unexplainable
from eegxai.attribution.engine.cam_layers import propose_cam_layer
from eegxai.attribution.engine.contrast import with_both_classes, with_contrasts
from eegxai.attribution.engine.frequency import heard_map, joined, listening
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.attribution.engine.shared_passes import sharing
from eegxai.attribution.engine.torch_state import compiled_code_off, torch_state_restored
from eegxai.decoders.compiled import uncompiled_copy
from eegxai.decoders.recurrent import make_differentiable
from eegxai.registry import lookup

BoundMethod = Callable[[nn.Module, Tensor, Tensor], Tensor]
Output = Literal["logit", "contrast", "value"]
Trials = Tensor | npt.ArrayLike
INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)
MapOrReason = Tensor | NotApplicable | DegenerateMap


def _as_it_is(decoder: nn.Module, _x: Tensor) -> nn.Module:
    return decoder


def _with_contrasts(decoder: nn.Module, x: Tensor) -> nn.Module:
    return with_contrasts(with_both_classes(decoder, x), x)


# From a private copy of a decoder and trials to the decoder whose outputs are explained.
OUTPUTS: dict[str, Callable[[nn.Module, Tensor], nn.Module]] = {
    "logit": with_both_classes,
    "contrast": _with_contrasts,
    "value": _as_it_is,
}


def attribute(
    name: str,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
    output: Output = "logit",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
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
        Maps (trials, channels, times) to (trials, classes) logits; on any device. Other forms of
        trials and outputs are understood too, and said in a ``DecoderWarning``
        (docs/methods.md#your-own-decoder).
    x : Tensor or array
        Trials (trials, channels, times) in µV.
    target : Tensor or array
        Class to explain for each trial, (trials,) integers; or the number of the output.
    references : Tensor or array, optional
        Trials in µV, for methods that compare with other trials.
    output : str
        What is explained: ``"logit"`` of the class, as papers and other libraries do, so that the
        call gives their maps; or ``"contrast"``, the logit minus the mean of the others, which is
        what decides (see ``eegxai.attribution.engine.contrast``) and what evaluations explain. A
        lone output is the logit of class 1, unless it is to be explained as a ``"value"``.
    cam_layer : str, optional
        Layer of the class activation maps, in place of the decoder's attribute ``cam_layer``.
    arguments : mapping, optional
        What ``forward`` takes besides the trials, by name: the same for all trials.
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
        When the decoder is compiled by torch.jit or does not take such trials, the name or an
        option is unknown, or ``x``, ``target``, ``references`` or the value of an option is
        unusable.
    """
    trials = x, target, references, output, cam_layer, arguments
    (result,) = maps_or_reasons({name: options}, decoder, *trials).values()
    if isinstance(result, Tensor):
        return result
    raise result


def frequency_relevance(
    name: str,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
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
    return heard.relevance.to(_tensor(x).device)


def attribute_all(
    names: Sequence[str] | Mapping[str, Mapping[str, Any]],
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
    output: Output = "logit",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """Maps of several methods as ``attribute`` gives them; shared passes are computed once.

    Parameters
    ----------
    names : sequence of str or mapping
        Names of methods, or their options by name.
    decoder, x, target, references, output, cam_layer, arguments
        As for :func:`attribute`.

    Raises
    ------
    NotApplicable, DegenerateMap, ValueError
        As :func:`attribute`, for the first method of which that is true.
    """
    methods = names if isinstance(names, Mapping) else {name: {} for name in names}
    maps = {}
    trials = x, target, references, output, cam_layer, arguments
    for name, result in maps_or_reasons(methods, decoder, *trials).items():
        if not isinstance(result, Tensor):
            raise result
        maps[name] = result
    return maps


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
    settings = {name: options_of(name, given) for name, given in methods.items()}
    x = as_trials("x", x)
    target = as_target(target, x)
    explained = lookup(OUTPUTS, output, "output")
    with _adapted_copy(decoder, x, cam_layer, arguments) as (copy, trials):
        reasons = _reasons_for_all(methods, copy, trials)
        if not all(reasons.values()):
            _name_cam_layer(methods, copy, trials)
            copy = explained(copy, trials)
        classes = target.detach().to(trials.device, copy=True)
        _check_classes(copy, trials, classes)
        missing = cache(lambda requirement: requirement(copy, trials))  # families share theirs
        reasons = {name: reasons[name] or _refusal(name, copy, missing) for name in methods}
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


def adapted(
    decoder: nn.Module,
    x: Trials,
    *,
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Copy of a decoder that maps trials (trials, channels, times) to (trials, outputs).

    For functions that take a decoder and nothing of how to call it, such as evaluations.

    Parameters
    ----------
    decoder, x, cam_layer, arguments
        As for :func:`attribute`.

    Examples
    --------
    >>> import torch
    >>> from eegxai.attribution import adapted
    >>> images = torch.nn.Sequential(torch.nn.Conv2d(1, 2, (3, 8)), torch.nn.Flatten())
    >>> adapted(images, torch.randn(4, 3, 8))(torch.randn(5, 3, 8)).shape
    torch.Size([5, 2])
    """
    with _adapted_copy(decoder, as_trials("x", x), cam_layer, arguments) as (copy, _):
        return copy


def limits_of(name: str, decoder: nn.Module, x: Tensor, **options: Any) -> dict[str, str]:
    """Why a method's maps are constant along axes, and what has been said of the decoder."""
    method = find(name)
    with _adapted_copy(decoder, x) as (copy, trials):
        _name_cam_layer([name], copy, trials)
        limits = method.limits(copy, trials) | method.option_limits(**options_of(name, options))
        return limits | dict(zip(said(copy), said(copy), strict=True))


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
    with _adapted_copy(decoder, x) as (copy, trials), torch.no_grad():
        copy = lookup(OUTPUTS, output, "output")(copy, trials)
        own = _keywords(name, options_of(name, options), references, copy)
        return method.completeness_target(copy, trials, target.to(x.device), **own)


def _reasons_for_all(
    methods: Iterable[str], decoder: nn.Module, x: Tensor
) -> dict[str, NotApplicable | DegenerateMap | None]:
    """Why no method is applicable to a decoder; None for each where nothing speaks against it."""
    kind = type(decoder).__name__
    try:
        with errors_as_verdicts("no method", decoder):
            reason = unexplainable(decoder, x)
    except (NotApplicable, DegenerateMap) as fault:
        return dict.fromkeys(methods, fault)
    if reason is None:
        return dict.fromkeys(methods)
    return {
        name: NotApplicable(f"{name} is not applicable to {kind}: {reason}") for name in methods
    }


def _name_cam_layer(methods: Iterable[str], decoder: nn.Module, x: Tensor) -> None:
    if any(has_cam_layer in find(name).requires for name in methods):
        propose_cam_layer(decoder, x)


def _refusal(
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


def _keywords(
    name: str, own: Mapping[str, Any], references: Trials | None, copy: nn.Module
) -> dict[str, Any]:
    """Options of a method and, where it takes them, its reference trials."""
    keywords = {option: value for option, value in own.items() if option != "chunk"}
    if references is None and needs_references(find(name).function):
        raise ValueError(f"{name} needs references, trials (trials, channels, times)")
    if references is not None and takes_references(find(name).function):
        keywords[REFERENCES] = _moved(as_trials(REFERENCES, references), copy)
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
                    with errors_as_verdicts(name, decoder):
                        pieces[name].append(_checked(name, calls[name], decoder, trials, classes))
                except (NotApplicable, DegenerateMap) as fault:
                    faults[name] = fault
    return {name: faults.get(name) or torch.cat(pieces[name]) for name in calls}


@contextmanager
def _adapted_copy(
    decoder: nn.Module,
    x: Tensor,
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Iterator[tuple[nn.Module, Tensor]]:
    """Copy that methods may hook and trials for it; whatever fails, torch is left as it was.

    The copy takes the trials and returns a table of outputs.
    """
    with torch_state_restored(), torch.inference_mode(False), torch.enable_grad():
        copy = _detached(decoder)
        with compiled_code_off():
            trials = _moved(x, copy)
            adapt(copy, trials, cam_layer, arguments)
            yield copy, trials


def _detached(decoder: nn.Module) -> nn.Module:
    """Copy in evaluation mode, frozen, with nothing compiled and nothing done in place."""
    copy = uncompiled_copy(decoder).eval().requires_grad_(False)
    make_differentiable(copy)
    for module in copy.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return copy


def _moved(x: Tensor, decoder: nn.Module) -> Tensor:
    """Private copy of trials, of the type and on the device of the decoder."""
    return x.detach().to(next(decoder.parameters(), x), copy=True)


def as_trials(field: str, x: Trials) -> Tensor:
    """Trials as a tensor, checked."""
    x = _tensor(x)
    if x.ndim != 3 or not x.is_floating_point() or not x.numel():
        raise ValueError(
            f"{field} must be a floating-point tensor (trials, channels, times) with at least one "
            f"trial, not {x.dtype} of shape {tuple(x.shape)}{_hint(x)}"
        )
    if not x.isfinite().all():
        raise ValueError(f"{field} has values that are not finite, all must be")
    return x


def _hint(x: Tensor) -> str:
    images = x.ndim == 4 and x.shape[1] == 1
    return ": give x[:, 0], a decoder that wants the axis gets it" if images else ""


def as_target(target: Trials, x: Tensor) -> Tensor:
    """Classes as a tensor of int64, checked."""
    target = _tensor(target)
    if target.dtype not in INTEGERS or target.shape != x.shape[:1]:
        raise ValueError(
            f"target must be integers of shape ({len(x)},), one class for each trial of x, "
            f"not {target.dtype} of shape {tuple(target.shape)}"
        )
    return target.long()


def _tensor(values: Trials) -> Tensor:
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))


def _check_classes(decoder: nn.Module, x: Tensor, target: Tensor) -> None:
    with torch.no_grad():
        n_outputs = decoder(x[:1].repeat(2, 1, 1)).shape[1]
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= n_outputs:
        raise ValueError(
            f"target holds the class {low if low < 0 else high}, "
            f"the decoder knows 0 to {n_outputs - 1}"
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
