"""Randomizations that an explanation must notice: another target, other weights, other labels.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018. The wrong classes come from a named
stream of the seed; torch's global generators are neither read nor moved.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from eegxai.decoders.training import predict
from eegxai.evaluation.controls.randomized_weights import Layer, layers_from_output, randomized
from eegxai.registry import Registry, lookup
from eegxai.seeding import derived_seed, torch_generator

N_VERIFIED_TRIALS = 8  # trials whose logits show that a decoder is another one
STUDY_CHECKS = ("target_swap", "cascade")
UNTRAINED_CHECKS = frozenset(("cascade", "bottom_up", "all_weights"))  # end in random weights alone


@dataclass(frozen=True, eq=False)
class ExplainedTrials:
    """What is explained: a decoder, trials, and the classes that are explained.

    Attributes
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor
        Trials (trials, channels, times) in µV, on the decoder's device.
    target : Tensor (trials,)
        Classes of the original explanation.
    n_classes : int
        Number of classes.
    seed : int
        Seed of the wrong classes and of the new weights.
    permuted_labels_decoder : nn.Module, optional
        The same architecture trained on permuted labels, for the check ``label_retrain``.
    trials : Tensor (trials,), optional
        Their positions among the trials that they were chosen from.
    weight_draws : int
        How often random weights are drawn.
    """

    decoder: nn.Module
    x: Tensor
    target: Tensor
    n_classes: int
    seed: int
    permuted_labels_decoder: nn.Module | None = None
    trials: Tensor | None = None
    weight_draws: int = 1

    @property
    def chosen(self) -> Tensor:
        """Their positions among the trials that they were chosen from; their own by default."""
        return torch.arange(len(self.x)) if self.trials is None else self.trials

    @cached_property
    def layers(self) -> list[Layer]:
        """Layers with weights, from the output to the input."""
        return layers_from_output(self.decoder, self.x)

    @cached_property
    def untrained_decoder(self) -> nn.Module:
        """The decoder with the weights of all layers drawn again, in which both cascades end."""
        return randomized(self.decoder, self.layers, self.seed)

    def is_untrained(self, change: "Change") -> bool:
        """Whether a change leads to the untrained decoder, with the original classes."""
        if change.decoder is self.decoder:  # of which no layer need be known
            return False
        return change.decoder is self.untrained_decoder and change.target is self.target

    @cached_property
    def _changes(self) -> dict[str, "list[Change]"]:
        return {}

    def changes(self, name: str) -> "list[Change]":
        """Changes of a check, each verified to be one; kept, since every method asks for them."""
        if name not in self._changes:
            found = list(lookup(CHECKS, name, "check")(self))
            for step, change in enumerate(found, start=1):
                for decoder in (change.decoder, *change.redrawn):
                    drawn = replace(change, decoder=decoder)
                    _verify(self, drawn, f"step {step} of the check {name!r}")
            self._changes[name] = found
        return self._changes[name]

    def redrawn(self, layers: list[Layer]) -> tuple[nn.Module, ...]:
        """The decoder with other random weights in these layers, of each draw after the first."""
        seeds = (derived_seed(self.seed, f"weights, draw {n}") for n in range(1, self.weight_draws))
        return tuple(randomized(self.decoder, layers, seed) for seed in seeds)


@dataclass(frozen=True, eq=False)
class Change:
    """One randomization of what is explained.

    Attributes
    ----------
    decoder : nn.Module
        Decoder to explain.
    target : Tensor (trials,)
        Classes to explain.
    layer : str
        Layer randomized last; empty where no layer is, or all are.
    layers_randomized : int
        How many layers are randomized by now.
    redrawn : tuple of nn.Module
        The same change with other random weights.
    """

    decoder: nn.Module
    target: Tensor
    layer: str = ""
    layers_randomized: int = 0
    redrawn: tuple[nn.Module, ...] = ()


@dataclass(frozen=True, eq=False)
class Variant:
    """What to explain again, for which step of which check.

    Attributes
    ----------
    check : str
        Name of the robustness check, such as ``"target_swap"`` or ``"cascade"``.
    step : int
        Number of the step, from 1.
    change : Change
        Decoder and classes to explain.
    """

    check: str
    step: int
    change: Change


Check = Callable[[ExplainedTrials], Iterator[Change]]
CHECKS: dict[str, Check] = Registry("check")


def check(name: str) -> Callable[[Check], Check]:
    """Register the decorated function as a robustness check.

    The function yields its changes in order. A change must change what is explained: another
    class for every trial, or a decoder of other weights and logits; ``variants`` verifies it.
    """

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def variants(explained: ExplainedTrials, checks: Iterable[str] = STUDY_CHECKS) -> Iterator[Variant]:
    """Yield the variants of robustness checks, each verified to be one.

    Parameters
    ----------
    explained : ExplainedTrials
        What is explained.
    checks : iterable of str
        Names in ``CHECKS``.

    Raises
    ------
    ValueError
        When a check is unknown, or needs what is missing in ``explained``.
    RuntimeError
        When a variant has a trial's original class, or the weights or logits of the decoder.
    """
    for name in checks:
        for step, change in enumerate(explained.changes(name), start=1):
            yield Variant(name, step, change)


def _verify(explained: ExplainedTrials, change: Change, what: str) -> None:
    if change.decoder is explained.decoder:
        if (change.target == explained.target).any():
            raise RuntimeError(f"{what} left the class of a trial unchanged")
        return
    if _same_weights(explained.decoder, change.decoder):
        raise RuntimeError(f"{what} left all weights unchanged")
    probe = explained.x[:N_VERIFIED_TRIALS]
    if torch.equal(predict(explained.decoder, probe), predict(change.decoder, probe)):
        raise RuntimeError(f"{what} left the predictions unchanged")


def _same_weights(decoder: nn.Module, other: nn.Module) -> bool:
    pairs = zip(decoder.parameters(), other.parameters(), strict=True)
    return all(torch.equal(one, two) for one, two in pairs)


# ------------------------------------------------------------------ other classes


@check("target_swap")
def _target_swap(explained: ExplainedTrials) -> Iterator[Change]:
    swapped = swap_targets(explained.target, explained.n_classes, explained.seed)
    yield Change(explained.decoder, swapped)


@check("wrong_classes")
def _wrong_classes(explained: ExplainedTrials) -> Iterator[Change]:
    """Every wrong class of each trial, one per step."""
    for shift in range(1, explained.n_classes):
        yield Change(explained.decoder, (explained.target + shift) % explained.n_classes)


def swap_targets(target: Tensor, n_classes: int, seed: int) -> Tensor:
    """Replace each class by a wrong one, uniform over the others.

    Parameters
    ----------
    target : Tensor (trials,)
        Classes, 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes.
    seed : int
        Seed of the draw.

    Raises
    ------
    ValueError
        When there is no other class.
    """
    if n_classes < 2:
        raise ValueError(f"n_classes={n_classes} leaves no wrong class, at least 2 are needed")
    stream = torch_generator(seed, "target swap")
    step = torch.randint(1, n_classes, target.shape, generator=stream)
    return (target + step.to(target.device)) % n_classes


# ------------------------------------------------------------------ other weights


@check("cascade")
def _cascade_changes(explained: ExplainedTrials) -> Iterator[Change]:
    return _cumulative(explained, explained.layers)


@check("bottom_up")
def _bottom_up(explained: ExplainedTrials) -> Iterator[Change]:
    return _cumulative(explained, explained.layers[::-1])


@check("independent")
def _independent(explained: ExplainedTrials) -> Iterator[Change]:
    for layer in explained.layers:
        decoder = randomized(explained.decoder, [layer], explained.seed)
        yield Change(decoder, explained.target, layer.name, 1, explained.redrawn([layer]))


@check("all_weights")
def _all_weights(explained: ExplainedTrials) -> Iterator[Change]:
    """The untrained decoder, in which both cascades end."""
    layers = explained.layers
    again = explained.redrawn(layers)
    yield Change(explained.untrained_decoder, explained.target, "", len(layers), again)


@check("label_retrain")
def _label_retrain(explained: ExplainedTrials) -> Iterator[Change]:
    if explained.permuted_labels_decoder is None:
        raise ValueError(
            "permuted_labels_decoder is missing: the check 'label_retrain' needs a decoder "
            "trained on permuted labels"
        )
    yield Change(explained.permuted_labels_decoder, explained.target)


def _cumulative(explained: ExplainedTrials, layers: list[Layer]) -> Iterator[Change]:
    """One more layer randomized per step; the last step is the untrained decoder itself."""
    for count, layer in enumerate(layers, start=1):
        if count == len(layers):
            decoder = explained.untrained_decoder
        else:
            decoder = randomized(explained.decoder, layers[:count], explained.seed)
        again = explained.redrawn(layers[:count])
        yield Change(decoder, explained.target, layer.name, count, again)
