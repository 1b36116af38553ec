"""Whether a method's maps are valid on a decoder, decided before any map is scored."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import takewhile
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from eegxai.attribution.calling import (
    MapOrReason,
    adapted,
    expected_sum,
    limits_of,
    maps_or_reasons,
    options_of,
)
from eegxai.attribution.copies import moved
from eegxai.attribution.core.groups import Names, asked_methods
from eegxai.attribution.core.registry import (
    CONTROLS,
    METHODS,
    DegenerateMap,
    NotApplicable,
    find,
    names_of,
)
from eegxai.attribution.given import Trials, as_target, in_known_unit
from eegxai.attribution.prepared import Output
from eegxai.decoders.compiled import copied, original_module

N_JUDGED_TRIALS = 8  # on which evaluations judge a method
CONSTANT = 1e-6  # span of a constant map relative to its largest magnitude: float32 rounding
SMALL_CHANGE = 1e-5  # maps relative to the outputs, from which they are computed again to be sure
VANISHED = 1e-3  # maps of double precision relative to those of single that were only rounding
DUPLICATE_CORRELATION = 0.999  # Pearson correlation in every trial from which two methods are one
COMPLETE = (0.95, 1.05)  # sum of a map relative to its method's completeness target
BATCH = 1e-3  # change of a map by the trials beside it, relative to its largest magnitude


@dataclass(frozen=True)
class Validity:
    """Whether a method's maps are valid on a decoder, and the evidence.

    Attributes
    ----------
    status : str
        ``"ok"``, ``"not_applicable"`` (to this decoder), ``"degenerate"`` (its
        maps are empty, not finite, zero, or constant over time or channels) or ``"duplicate"``
        (it computes what a method before it computes, one of the study's or a corrected one).
    reason : str
        Why; for ``"ok"`` a limit of the map, if it has one.
    duplicate_of : str
        Method that it equals; empty if none.
    similarity : float or None
        Smallest Pearson correlation with that method's maps over the trials.
    completeness, completeness_worst : float or None
        Sum of the map divided by the sum that the method's definition gives: median over trials,
        and the trial farthest from 1. None where it gives none.
    batch_dependence : float or None
        Largest change of a trial's map when it is explained alone, relative to the map's
        largest magnitude.
    state_before, state_after : str
        Digest of the decoder's weights, statistics, modes, gradients and hooks.
    """

    status: Literal["ok", "not_applicable", "degenerate", "duplicate"]
    reason: str = ""
    duplicate_of: str = ""
    similarity: float | None = None
    completeness: float | None = None
    completeness_worst: float | None = None
    batch_dependence: float | None = None
    state_before: str = ""
    state_after: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Failed checks of this method's maps, in words; empty if none failed."""
        found = {
            self.reason: self.status != "ok",
            self._completeness_text: not all(map(_sums_as_promised, self._ratios)),
            f"depends on the batch ({self.batch_dependence})": (self.batch_dependence or 0) > BATCH,
            "changes the decoder": self.state_before != self.state_after,
        }
        return tuple(text for text, true in found.items() if true)

    @property
    def _ratios(self) -> list[float]:
        given = (self.completeness, self.completeness_worst)
        return [ratio for ratio in given if ratio is not None]

    @property
    def _completeness_text(self) -> str:
        return " .. ".join(f"{ratio:.3g}" for ratio in self._ratios) + " of the promised sum"


def validity(
    name: Names,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
    compare: Mapping[str, Tensor] | None = None,
    output: Output = "logit",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Judge a method by its maps of some trials.

    Parameters
    ----------
    name : str, sequence of str or mapping
        A method; or a group of methods, several names, or their options by name.
    decoder, x, target, references, output, cam_layer, arguments, **options
        As for :func:`eegxai.attribution.attribute`; a few trials are enough. A fault that only
        some trials' maps have is not the method's.
    compare : mapping, optional
        Maps of the study's and of the corrected methods for these trials, from
        :func:`compared_maps`, for callers who judge several methods; a method's own are among
        them. A method is a duplicate only of one before it in ``METHODS``, where the study's
        come first and the corrected ones next; a library's may be one of any. They are maps of
        the same ``output``.

    Returns
    -------
    Validity or dict
        Of one method; of a group and of several names by method.

    Raises
    ------
    ValueError
        When the name or an option is unknown or ``x``, ``target`` or ``references`` is unusable.
    """
    asked = asked_methods(name)
    x, references = in_known_unit(x, references)
    target = as_target(target, x)
    decoder = original_module(decoder)
    if cam_layer or arguments:
        decoder = adapted(decoder, x, cam_layer=cam_layer, arguments=arguments)
    trials = decoder, x, target, references, output
    if isinstance(name, str) and list(asked) == [name]:
        return _validity_of_one(name, *trials, compare, options)
    known = compared_maps(decoder, x, target, output) if compare is None else compare
    return {
        one: _validity_of_one(one, *trials, known, {**options, **own}) for one, own in asked.items()
    }


def _validity_of_one(
    name: str,
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    references: Tensor | None,
    output: Output,
    compare: Mapping[str, Tensor] | None,
    options: Mapping[str, Any],
) -> Validity:
    """Of one method, with the decoder and trials as they are."""
    before = _decoder_digest(decoder)
    known = _maps_at_hand(name, options, {} if compare is None else compare)
    trials = decoder, x, target, references, output
    maps = maps_or_reasons({name: options}, *trials)[name] if known is None else known
    if isinstance(maps, NotApplicable | DegenerateMap):
        return Validity(maps.status, str(maps))
    limits = limits_of(name, decoder, x, **options)
    if reason := _degenerate(name, maps, limits):
        return Validity("degenerate", reason)
    if _suspiciously_small(maps, decoder, x) and _rounding({name: options}, maps, *trials):
        return Validity("degenerate", f"{name}'s maps are zero up to rounding")
    others = _earlier(
        name, compared_maps(decoder, x, target, output) if compare is None else compare
    )
    alone = maps_or_reasons({name: options}, decoder, x[:1], target[:1], *trials[3:])[name]
    return Validity(
        **_status_of_maps(name, maps, others, limits),
        **_completeness(maps, expected_sum(name, *trials, **options)),
        batch_dependence=_map_change(alone, maps[:1]) if isinstance(alone, Tensor) else None,
        state_before=before,
        state_after=_decoder_digest(decoder),
    )


def _maps_at_hand(
    name: str, options: Mapping[str, Any], known: Mapping[str, Tensor]
) -> Tensor | None:
    """Maps of a method, there already unless its options are others."""
    return known.get(name) if options_of(name, options) == options_of(name) else None


COMPARED_GROUPS = ("study", "corrected")  # groups whose methods others may be duplicates of


class _MapsOnDemand(Mapping[str, Tensor]):
    """Maps by method, each computed when first requested; a method without maps is left out."""

    def __init__(
        self, names: Collection[str], outcome: Callable[[str], MapOrReason | None]
    ) -> None:
        self.names, self.outcome = names, cache(outcome)

    def __getitem__(self, name: str) -> Tensor:
        maps = self.outcome(name) if name in self.names else None
        if not isinstance(maps, Tensor):
            raise KeyError(name)
        return maps

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def compared_maps(
    decoder: nn.Module, x: Trials, target: Trials, output: Output = "logit"
) -> Mapping[str, Tensor]:
    """Maps of those of the study's and the corrected methods that have one on a decoder.

    Each is computed when it is first requested, from the decoder at that time: a method is compared
    with those before it alone, and no further than to the one that it equals.
    """
    names = [name for group in COMPARED_GROUPS for name in names_of(group)]
    outcome = partial(_outcome, decoder=decoder, x=x, target=target, output=output)
    return _MapsOnDemand(names, outcome)


def _outcome(
    name: str, decoder: nn.Module, x: Trials, target: Trials, output: Output
) -> MapOrReason | None:
    """Map of a method; None where it fails, which its own cell reports and not the others'."""
    try:
        return maps_or_reasons({name: {}}, decoder, x, target, output=output)[name]
    except Exception:
        return None


def _earlier(name: str, maps: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Maps of the methods before one: all of them before that of a library."""
    before = takewhile(lambda other: other != name, () if name in CONTROLS else METHODS)
    return ((other, maps[other]) for other in before if other in maps)


AXES_OF_MAPS = {"times": 2, "channels": 1}


def _degenerate(name: str, maps: Tensor, limits: Mapping[str, str]) -> str:
    if not maps.any():
        return f"{name}'s maps are zero everywhere"
    for axis, number in AXES_OF_MAPS.items():
        if axis not in limits and maps.shape[number] > 1 and _is_constant_along(maps, number):
            return f"{name}'s maps are constant over {axis}"
    return ""


def _suspiciously_small(maps: Tensor, decoder: nn.Module, x: Tensor) -> bool:
    """Whether maps, and what they say times the trials, are small beside the outputs."""
    with torch.no_grad():
        largest = adapted(decoder, x)(moved(x, decoder)).abs().max()
    size = maps.abs().max() * x.abs().max().clamp(min=1)
    return bool(size.to(largest) <= SMALL_CHANGE * largest)


def _rounding(
    method: Mapping[str, Mapping[str, Any]],
    maps: Tensor,
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    references: Trials | None,
    output: Output,
) -> bool:
    """Whether maps of single precision vanish in double precision: they were its rounding."""
    if maps.dtype == torch.float64:
        return False
    try:
        exact = maps_or_reasons(
            method, copied(decoder).double(), x.double(), target, references, output
        )
    except Exception:  # it does not compute in double precision
        return False
    found = next(iter(exact.values()))
    if isinstance(found, DegenerateMap | NotApplicable):
        return False
    return bool(found.abs().max() <= VANISHED * maps.abs().max())


def _status_of_maps(
    name: str, maps: Tensor, others: Iterable[tuple[str, Tensor]], limits: Mapping[str, str]
) -> dict[str, Any]:
    """Status, reason and the method that this one equals."""
    for other, their_maps in others:
        if (r := _smallest_r(maps, their_maps)) > DUPLICATE_CORRELATION:
            reason = f"{name} equals {other} of the group {find(other).group} (r = {r:.4f})"
            return {"status": "duplicate", "reason": reason, "duplicate_of": other, "similarity": r}
    return {"status": "ok", "reason": "; ".join(limits.values())}


def _is_constant_along(maps: Tensor, axis: int) -> bool:
    """Whether every trial's map is constant along an axis."""
    span = maps.amax(axis) - maps.amin(axis)
    size = maps.abs().amax((1, 2))
    return bool((span.amax(1) <= CONSTANT * size).all())


def _smallest_r(maps: Tensor, others: Tensor) -> float:
    """Smallest Pearson correlation of a trial's two maps; NaN where only one is constant."""
    both = zip(maps.double().flatten(1), others.double().flatten(1), strict=True)
    return float(torch.stack([_pair_r(*pair) for pair in both]).min())


def _pair_r(own: Tensor, other: Tensor) -> Tensor:
    """Pearson correlation of two maps; 1 of a map with itself, also of a constant one."""
    if torch.equal(own, other):
        return own.new_ones(())
    return torch.corrcoef(torch.stack((own, other)))[0, 1]


def _completeness(maps: Tensor, sums: Tensor | None) -> dict[str, Any]:
    if sums is None or not sums.any():
        return {}
    ratios = (maps.double().sum((1, 2)) / sums.double())[sums != 0]
    worst = ratios[(ratios - 1).abs().argmax()]
    return {"completeness": float(ratios.median()), "completeness_worst": float(worst)}


def _sums_as_promised(ratio: float) -> bool:
    low, high = COMPLETE
    return low <= ratio <= high


def _map_change(alone: Tensor, together: Tensor) -> float:
    """Largest change relative to the largest magnitude; 0 where both maps are zero."""
    size = together.abs().max().clamp(min=torch.finfo(together.dtype).tiny)
    return float((alone - together).abs().max() / size)


def _decoder_digest(decoder: nn.Module) -> str:
    """Digest of all that a method could leave behind on a decoder."""
    digest = hashlib.sha256()
    for part in _state_bytes(decoder):
        digest.update(part)
    return digest.hexdigest()[:16]


TOLD_BY_TEXT = (str, bytes, int, float, bool, torch.dtype)
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def _state_bytes(decoder: nn.Module) -> Iterator[bytes]:
    for name, module in decoder.named_modules():
        counts = [len(getattr(module, hooks)) for hooks in HOOKS]
        yield repr((name, module.training, counts, sorted(vars(module)))).encode()
    for parameter in decoder.parameters():
        yield repr((parameter.requires_grad, parameter.grad is None)).encode()
    for value in tree_leaves(decoder.state_dict()):
        yield _bytes(value)


def _bytes(value: Any) -> bytes:
    """Values of a tensor; what else a module keeps in its state, such as settings, as text."""
    if not isinstance(value, Tensor):
        return str(value).encode() if isinstance(value, TOLD_BY_TEXT) else b""
    plain = value.dequantize() if value.is_quantized else value.detach()
    return plain.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
