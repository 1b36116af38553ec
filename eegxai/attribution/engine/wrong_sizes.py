"""Why a decoder does not take trials of a size, by the layer at which its pass ends."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.core.faults import first_line
from eegxai.attribution.engine.torch_state import torch_state_restored
from eegxai.decoders.hooks import hookable, hooked

# How layers call what they expect on an axis of their input: class, attribute, axis, word.
EXPECTED: tuple[tuple[Any, str, int, str], ...] = (
    (nn.Linear, "in_features", -1, "features"),
    (nn.modules.conv._ConvNd, "in_channels", 1, "feature maps"),
    (nn.RNNBase, "input_size", -1, "features"),
    (nn.modules.batchnorm._BatchNorm, "num_features", 1, "features"),
    (nn.MultiheadAttention, "embed_dim", -1, "features"),
)
OF_SIZES = (RuntimeError, ValueError, AssertionError, IndexError)  # errors that sizes may raise
SOME_CHANNELS = range(1, 257)
SOME_TIMES = range(1, 1025)
OWN_SIZES = (("n_chans", "channels"), ("n_channels", "channels"), ("n_times", "samples"))

Place = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Attempt:
    """A pass through a decoder, and where it ended.

    Attributes
    ----------
    output : object
        What the decoder returned; None where it failed.
    error : Exception or None
        What ended the pass.
    layer : str
        Name of the innermost module that was running then.
    shape : tuple of int
        Shape of that module's input.
    n_calls : int
        Modules called until then.
    """

    output: Any
    error: Exception | None = None
    layer: str = ""
    shape: tuple[int, ...] = ()
    n_calls: int = 0


def attempted(decoder: nn.Module, x: Tensor) -> Attempt:
    """Pass trials through a decoder, in whatever form they are."""
    running: list[tuple[str, tuple[int, ...]]] = []
    n_calls = 0

    def enter(name: str, args: tuple[Any, ...], _kwargs: Any) -> None:
        nonlocal n_calls
        n_calls += 1
        running.append((name, tuple(args[0].shape) if _has_shape(args) else ()))

    def leave(_name: str, _args: Any, _kwargs: Any, _output: Any) -> None:
        running.pop()

    names = hookable(decoder)
    try:
        with (
            torch_state_restored(),
            torch.no_grad(),
            hooked(decoder, names, enter, before=True),
            hooked(decoder, names, leave),
        ):
            return Attempt(decoder(x))
    except Exception as error:
        layer, shape = running[-1] if running else ("", tuple(x.shape))
        return Attempt(None, error, layer, shape, n_calls)


def _has_shape(args: tuple[Any, ...]) -> bool:
    return bool(args) and isinstance(args[0], Tensor)


def why_it_fails(
    decoder: nn.Module, x: Tensor, attempts: Sequence[Attempt], places: Sequence[Place]
) -> str:
    """One sentence on the attempt that came furthest.

    Parameters
    ----------
    decoder, x
        The decoder and the trials (trials, channels, times) that it does not take.
    attempts, places
        What was tried, and the forms of the trials in which it was.
    """
    furthest = max(range(len(attempts)), key=lambda number: attempts[number].n_calls)
    attempt, (n_channels, n_times) = attempts[furthest], x.shape[1:]
    given = f"{type(decoder).__name__} does not take trials of {n_channels} channels and"
    taken = _built_for(decoder)
    if not taken and isinstance(attempt.error, OF_SIZES):
        taken = _sizes_taken(
            decoder, lambda n, m: places[furthest](x.new_zeros(2, n, m)), *x.shape[1:]
        )
    return f"{given} {n_times} samples{taken}: {_at_layer(decoder, attempt)}"


def _sizes_taken(
    decoder: nn.Module, trials: Callable[[int, int], Tensor], n_channels: int, n_times: int
) -> str:
    """Which numbers of channels or samples the decoder does take, found by trying."""
    channels = _first_run(SOME_CHANNELS, lambda n: _takes(decoder, trials(n, n_times)))
    if channels:
        return f" but, of as many samples, {channels} channels"
    times = _first_run(SOME_TIMES, lambda n: _takes(decoder, trials(n_channels, n)))
    return f" but, of as many channels, {times} samples" if times else ""


def _first_run(numbers: Iterable[int], true: Callable[[int], bool]) -> str:
    """The first numbers in a row of which something is true."""
    after = dropwhile(lambda n: not true(n), numbers)
    if (first := next(after, None)) is None:
        return ""
    last = max(takewhile(true, after), default=first)
    return str(first) if first == last else f"{first} to {last}"


def _takes(decoder: nn.Module, x: Tensor) -> bool:
    with torch_state_restored(), torch.no_grad():
        try:
            decoder(x)
        except Exception:
            return False
    return True


def _built_for(decoder: nn.Module) -> str:
    """The sizes that a decoder says of itself, as braindecode's do."""
    own = ((getattr(decoder, name, None), word) for name, word in OWN_SIZES)
    known = [f"{number} {word}" for number, word in own if isinstance(number, int)]
    return f", it was built for {' and '.join(known)}" if known else ""


def _at_layer(decoder: nn.Module, attempt: Attempt) -> str:
    if not attempt.layer or attempt.error is None:
        return first_line(attempt.error) if attempt.error else "it returns nothing"
    module = decoder.get_submodule(attempt.layer)
    for kind, attribute, axis, word in EXPECTED:
        if isinstance(module, kind) and -len(attempt.shape) <= axis < len(attempt.shape):
            expected, given = getattr(module, attribute), attempt.shape[axis]
            if expected != given:
                return f"its layer {attempt.layer!r} expects {expected} {word}, given {given}"
    if isinstance(module, nn.modules.conv._ConvNd) and _too_small(module, attempt.shape):
        kernel = tuple(module.kernel_size)
        there = attempt.shape[-len(kernel) :]
        return f"its layer {attempt.layer!r} expects {kernel} values or more, given {there}"
    ends = first_line(attempt.error)
    return f"its layer {attempt.layer!r}, given a tensor of shape {attempt.shape}, ends in {ends}"


def _too_small(module: Any, shape: tuple[int, ...]) -> bool:
    return any(n < k for n, k in zip(reversed(shape), reversed(module.kernel_size), strict=False))
