"""Decoders as people build them, seen as (trials, channels, times) -> (trials, outputs).

A private copy of a decoder gets hooks: one before it that gives the trials the axes it wants and
adds the other arguments of its forward pass, one behind it that makes a table of what it returns.
Names of modules stay, so that all that looks for layers finds them. What was changed is said, in a
:class:`DecoderWarning`, and kept for :func:`said`.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from eegxai.attribution.core.faults import FAULTS_OF_THE_MACHINE, first_line
from eegxai.attribution.engine.returned import (
    Path,
    as_table,
    called,
    kind_of,
    logits_path,
    value_at,
)
from eegxai.attribution.engine.wrong_sizes import Attempt, attempted, why_it_fails
from eegxai.decoders.lone_trials import let_take_lone_trials, pair_of
from eegxai.registry import unknown_name
from eegxai.seeding import generator_states, global_generators

SAME_OUTPUTS = 1e-4  # of log-probabilities' sum, and of two passes of a trial, relative: float32
MORE_PASSES = 255  # of a decoder that draws random numbers, which most passes may not need
# Axes that decoders want their trials in, by the name of the axes.
INPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "(trials, channels, times)": lambda x: x,
    "(trials, 1, channels, times)": lambda x: x[:, None],
    "(trials, channels, times, 1)": lambda x: x[..., None],
    "(trials, times, channels)": lambda x: x.transpose(1, 2),
    "(trials, 1, times, channels)": lambda x: x.transpose(1, 2)[:, None],
}
TRANSPOSED = {form for form in INPUTS if form.endswith("times, channels)")}
PLAIN_INPUT = next(iter(INPUTS))


class DecoderWarning(UserWarning):
    """How a decoder is understood, where it is not plainly (trials, channels, times) -> logits."""


def say(decoder: nn.Module, sentence: str) -> None:
    """Warn of how a decoder is understood, and keep it with this copy of it."""
    text = f"{type(decoder).__name__} {sentence}"
    decoder.__dict__["_said"] = (*said(decoder), text)
    warnings.warn(text, DecoderWarning, stacklevel=2)


def said(decoder: nn.Module) -> tuple[str, ...]:
    """What has been said of a decoder."""
    sentences: tuple[str, ...] = decoder.__dict__.get("_said", ())
    return sentences


def adapt(
    decoder: nn.Module,
    x: Tensor,
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Let a private copy of a decoder take trials and return (trials, outputs), in place.

    Parameters
    ----------
    decoder : nn.Module
        In evaluation mode.
    x : Tensor
        Trials (trials, channels, times); a pair of the first is passed through the decoder.
    cam_layer : str, optional
        Layer of the class activation maps, in place of the one that the decoder names.
    arguments : mapping, optional
        Other arguments of ``forward`` by name, the same for all trials. A tensor whose first axis
        has one entry is repeated for every trial.

    Raises
    ------
    ValueError
        When the decoder takes the trials in no known form, or returns no known form.
    """
    if cam_layer is not None:
        decoder.cam_layer = _known_layer(decoder, cam_layer)  # type: ignore[assignment]
    if watched := _modules_with_foreign_hooks(decoder):
        names = ", ".join(repr(name) if name else "the whole decoder" for name in watched)
        say(decoder, f"has hooks of others ({names}), which are called in every pass of a method")
    decoder.register_forward_pre_hook(_with_trials_of_its_own)
    if arguments:
        decoder.register_forward_pre_hook(
            partial(_with_arguments, dict(arguments)), with_kwargs=True
        )
    form, output, path = _understood(decoder, pair_of(x))
    if form != PLAIN_INPUT:
        decoder.register_forward_pre_hook(partial(_with_axes, form))
        say(decoder, f"takes {form}: {_change_of_axes(form)}")
    if path:
        say(decoder, f"returns {kind_of(output)}: {called(path)} is explained")
    # always: what is squeezed may show in one trial alone
    decoder.register_forward_hook(partial(_as_table, path))
    _take_lone_trials(decoder, x)
    for kind, true in DISTRIBUTIONS.items():
        if true(as_table(value_at(output, path), 2)):
            say(
                decoder,
                f"returns {kind}, each of which depends on all classes: maps explain these and not "
                "the logits, so a map of one class also contains evidence for the others; "
                "to explain logits, leave out the last softmax",
            )


def _take_lone_trials(decoder: nn.Module, x: Tensor) -> None:
    """Let a decoder that fails on a single trial take one, too."""
    with global_generators(0, x.device):
        error = attempted(decoder, x[:1]).error
    if isinstance(error, FAULTS_OF_THE_MACHINE):
        raise error
    if error is not None:
        let_take_lone_trials(decoder)
        say(
            decoder,
            f"takes no single trial ({first_line(error)}): a single trial is passed together with "
            "a copy of itself",
        )


HOOKS_THAT_COMPUTE = ("torch", "eegxai")  # such as torch's old weight_norm


def _modules_with_foreign_hooks(decoder: nn.Module) -> list[str]:
    """Modules whose forward passes call what is neither torch's nor ours."""
    hooks = {
        name: [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
        for name, module in decoder.named_modules()
    }
    return [name for name, own in hooks.items() if any(map(_is_foreign, own))]


def _is_foreign(hook: Any) -> bool:
    function = hook.func if isinstance(hook, partial) else hook
    home = str(getattr(function, "__module__", None)).partition(".")[0]
    return home not in HOOKS_THAT_COMPUTE


def _known_layer(decoder: nn.Module, layer: str) -> str:
    names = [name for name, _ in decoder.named_modules() if name]
    if layer not in names:
        raise ValueError(unknown_name("cam_layer", layer, names))
    return layer


# ------------------------------------------------------------------ what goes in


def _understood(decoder: nn.Module, pair: Tensor) -> tuple[str, Any, Path]:
    """The first form of trials that the decoder takes, what it returns, and where logits are."""
    attempts: list[Attempt] = []
    shapeless = ""
    for form, place in INPUTS.items():
        attempt = attempted(decoder, place(pair))
        if isinstance(attempt.error, FAULTS_OF_THE_MACHINE):
            raise attempt.error
        if attempt.error is None:
            try:
                return form, attempt.output, logits_path(attempt.output, len(pair))
            except ValueError as error:
                shapeless = shapeless or str(error)
        attempts.append(attempt)
    places = [place for form, place in INPUTS.items() if form not in TRANSPOSED]
    reason = shapeless or _missing(decoder)
    if not reason:
        reason = why_it_fails(decoder, pair, attempts[: len(places)], places) + _optional(decoder)
    raise ValueError(reason) from attempts[0].error


def _change_of_axes(form: str) -> str:
    return (
        "channels and times are exchanged, because it does not take them in the usual order "
        "(trials that are already (trials, times, channels) need to be transposed instead)"
        if form in TRANSPOSED
        else "the axis of one entry is added"
    )


def _missing(decoder: nn.Module) -> str:
    """What to say where forward needs more than the trials."""
    needed = [p.name for p in _other_parameters(decoder) if p.default is p.empty]
    if not needed or decoder.__dict__["_forward_pre_hooks_with_kwargs"]:
        return ""
    example = ", ".join(f"{name!r}: ..." for name in needed)
    return (
        f"{type(decoder).__name__}.forward needs {' and '.join(needed)} besides the trials: "
        f"give arguments={{{example}}}"
    )


def _optional(decoder: nn.Module) -> str:
    """What to say of what forward may take besides the trials."""
    names = [parameter.name for parameter in _other_parameters(decoder)]
    return f" (its forward also takes arguments: {', '.join(names)})" if names else ""


def _other_parameters(decoder: nn.Module) -> list[inspect.Parameter]:
    """Parameters of forward behind the trials, but for ``*args`` and ``**kwargs``."""
    others = list(inspect.signature(decoder.forward).parameters.values())[1:]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [parameter for parameter in others if parameter.kind not in variable]


def _with_trials_of_its_own(_module: nn.Module, args: tuple[Any, ...]) -> Any:
    """What a decoder does in place is done to a copy, which is no leaf of a graph of gradients.

    Libraries pass trials and baselines in tuples, which hooks of theirs put together after this.
    """
    return tree_map_only(Tensor, Tensor.clone, args)


def _with_axes(form: str, _module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return INPUTS[form](args[0]), *args[1:]


def _with_arguments(
    arguments: dict[str, Any], _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    given = {name: _fitted(value, args[0]) for name, value in arguments.items()}
    return args, given | kwargs


def _fitted(value: Any, x: Tensor) -> Any:
    """An argument on the device, of the type and for the number of the trials."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = torch.from_numpy(value.copy())
    if not isinstance(value, Tensor):
        return value
    value = value.to(x) if value.is_floating_point() else value.to(x.device)
    return value.expand(len(x), *value.shape[1:]) if value.shape[:1] == (1,) else value


# ------------------------------------------------------------------ what comes out


def _as_table(path: Path, _module: nn.Module, args: tuple[Any, ...], output: Any) -> Tensor:
    plain = isinstance(output, Tensor) and output.ndim == 2
    return output if plain else as_table(value_at(output, path), len(args[0]))


def _log_probabilities(outputs: Tensor) -> bool:
    return outputs.shape[1] > 1 and bool((outputs.logsumexp(1).abs() < SAME_OUTPUTS).all())


def _probabilities(outputs: Tensor) -> bool:
    sums = (outputs.sum(1) - 1).abs() < SAME_OUTPUTS
    return outputs.shape[1] > 1 and bool((outputs >= 0).all() and sums.all())


DISTRIBUTIONS: dict[str, Callable[[Tensor], bool]] = {
    "log-probabilities": _log_probabilities,
    "probabilities": _probabilities,
}


# ------------------------------------------------------------------ what no method can explain


def unexplainable(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why a trial has no outputs of its own: they are random, or depend on other trials."""
    other = x[-1:] if len(x) > 1 else x.flip(2)
    with torch.no_grad():
        pair = pair_of(x)
        states = generator_states(decoder, x.device)
        first = decoder(pair)
        draws = states != generator_states(decoder, x.device)
        for _ in range(MORE_PASSES if draws else 1):
            if (change := _output_change(decoder(pair), first)) > SAME_OUTPUTS:
                return _varies(decoder, pair, change)
        beside = decoder(torch.cat([x[:1], other]))
    if (change := _output_change(beside[:1], first[:1])) > SAME_OUTPUTS:
        return (
            f"its outputs for a trial differ by {change:.2g} of the largest with the other trials "
            f"of the batch{_blamed(decoder)}"
        )
    return None


def _varies(decoder: nn.Module, pair: Tensor, change: float) -> str:
    """What to say of outputs that differ from one pass to the next."""
    before = {name: value.clone() for name, value in decoder.named_buffers()}
    decoder(pair)
    buffers = decoder.named_buffers()
    changed = next((n for n, value in buffers if not torch.equal(value, before[n])), None)
    cause = (
        "as with dropout that is always on"
        if changed is None
        else f"as its forward pass changes its buffer {changed!r}"
    )
    return (
        f"{'random: ' if changed is None else ''}its outputs for the same trial differ by "
        f"{change:.2g} of the largest from one pass to the next, {cause}, so that no second call "
        "gives the same map"
    )


def _output_change(outputs: Tensor, before: Tensor) -> float:
    size = torch.maximum(before.abs().max(), outputs.abs().max())
    size = size.clamp(min=torch.finfo(size.dtype).tiny)
    return float((outputs - before).abs().max() / size)


def _blamed(decoder: nn.Module) -> str:
    for name, module in decoder.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            return f": its BatchNorm {name!r} keeps no statistics"
    return ""
