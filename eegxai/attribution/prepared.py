"""Decoders made ready to be explained: once for all methods, where a caller remembers them.

Passes of a few trials show how a decoder takes trials, what it returns, and whether a trial has
outputs of its own. With few trials to explain they take as long as the methods' own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn

from eegxai.attribution.copies import detached, private_copy
from eegxai.attribution.core.faults import errors_as_verdicts
from eegxai.attribution.core.registry import DegenerateMap, NotApplicable, find
from eegxai.attribution.engine.adapted import adapt, unexplainable
from eegxai.attribution.engine.cam_layers import propose_cam_layer
from eegxai.attribution.engine.contrast import with_both_classes, with_contrasts
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.decoders.compiled import copied
from eegxai.registry import lookup
from eegxai.seeding import generator_states

Output = Literal["logit", "contrast", "value"]
MOST_REMEMBERED = 2**20  # parameters of a decoder: copies of larger ones would fill the memory
PreparedKey = tuple[int, int, str, bool]


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


class Prepared(NamedTuple):
    """A private copy of a decoder that returns what is explained, trials for it, and reasons.

    Attributes
    ----------
    decoder : nn.Module
    x : Tensor (trials, channels, times)
    reasons : dict
        Why a method is not applicable to the decoder, whatever the method; None where it may be.
    """

    decoder: nn.Module
    x: Tensor
    reasons: dict[str, NotApplicable | DegenerateMap | None]


class PreparedDecoders:
    """Decoders that were made ready, so that the next method on the same trials finds them so.

    Whoever explains the same decoders by several methods holds one, and neither trials nor
    decoders may change meanwhile. Decoders that draw random numbers are made ready each time.

    Parameters
    ----------
    *trials : Tensor (trials, channels, times)
        The objects that methods will be given.
    """

    def __init__(self, *trials: Tensor) -> None:
        self.trials = trials
        self._ready: dict[
            PreparedKey, tuple[nn.Module, nn.Module]
        ] = {}  # by id of what is kept beside

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Context in which methods find what is ready here."""
        token = _in_use.set(self)
        try:
            yield
        finally:
            _in_use.reset(token)

    def get(self, key: PreparedKey) -> nn.Module | None:
        """The decoder that was made ready, if it was."""
        return self._ready[key][1] if key in self._ready else None

    def keep(self, key: PreparedKey, decoder: nn.Module, ready: Prepared) -> None:
        """Keep a copy of what was made of a decoder, unless it is large or of other trials."""
        small = sum(value.numel() for value in decoder.parameters()) <= MOST_REMEMBERED
        if small and key[1] in map(id, self.trials):
            self._ready[key] = decoder, copied(ready.decoder)


_in_use: ContextVar[PreparedDecoders | None] = ContextVar("in use", default=None)


@contextmanager
def prepared(
    methods: Iterable[str],
    decoder: nn.Module,
    x: Tensor,
    output: Output,
    cam_layer: str | None,
    arguments: Mapping[str, Any] | None,
) -> Iterator[Prepared]:
    """Context with a decoder ready to be explained; see :func:`attribute` for the arguments."""
    names, explained = list(methods), lookup(OUTPUTS, output, "output")
    key = (id(decoder), id(x), output, _any_needs_cam_layer(names))
    memory = None if cam_layer or arguments else _in_use.get()
    if memory and (ready := memory.get(key)):
        with private_copy(ready, x) as (copy, trials):
            yield Prepared(copy, trials, dict.fromkeys(names))
        return
    with private_copy(decoder, x, detached) as (copy, trials):
        states = generator_states(copy, trials.device)
        adapt(copy, trials, cam_layer, arguments)
        made = _made_ready(names, copy, trials, explained)
        draws = states != generator_states(copy, trials.device)
        if memory and not draws and not any(made.reasons.values()):
            memory.keep(key, decoder, made)
        yield made


def _made_ready(
    methods: list[str], decoder: nn.Module, x: Tensor, outputs: Callable[..., nn.Module]
) -> Prepared:
    reasons = _reasons_for_all(methods, decoder, x)
    if not all(reasons.values()):
        name_cam_layer(methods, decoder, x)
        decoder, reasons = _of_log_outputs(outputs, decoder, x, reasons)
    return Prepared(decoder, x, reasons)


def _reasons_for_all(
    methods: Iterable[str], decoder: nn.Module, x: Tensor
) -> dict[str, NotApplicable | DegenerateMap | None]:
    """Why no method is applicable to a decoder; None for each where there is no reason."""
    kind = type(decoder).__name__
    try:
        with errors_as_verdicts(None, decoder):
            reason = unexplainable(decoder, x)
    except (NotApplicable, DegenerateMap) as fault:
        return dict.fromkeys(methods, fault)
    if reason is None:
        return dict.fromkeys(methods)
    return {
        name: NotApplicable(f"{name} is not applicable to {kind}: {reason}") for name in methods
    }


def _of_log_outputs(
    outputs: Callable[[nn.Module, Tensor], nn.Module],
    decoder: nn.Module,
    x: Tensor,
    reasons: dict[str, NotApplicable | DegenerateMap | None],
) -> tuple[nn.Module, dict[str, NotApplicable | DegenerateMap | None]]:
    """The decoder of the outputs that are explained; where it cannot be made, why."""
    try:
        with errors_as_verdicts(None, decoder):
            return outputs(decoder, x), reasons
    except (NotApplicable, DegenerateMap) as fault:
        return decoder, dict.fromkeys(reasons, fault)


def name_cam_layer(methods: Iterable[str], decoder: nn.Module, x: Tensor) -> None:
    """Name the CAM layer of a private copy, where a method needs one."""
    if _any_needs_cam_layer(methods):
        propose_cam_layer(decoder, x)


def _any_needs_cam_layer(methods: Iterable[str]) -> bool:
    return any(has_cam_layer in find(name).requires for name in methods)
