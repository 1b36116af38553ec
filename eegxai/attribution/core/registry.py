"""The registry of attribution methods."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from torch import Tensor, nn

from eegxai.errors import short
from eegxai.registry import Registry, lookup, unknown_name
from eegxai.renamed import warn_renamed

Attribution = Callable[..., Tensor]
CompletenessTarget = Callable[..., Tensor | None]
Requirement = Callable[[nn.Module, Tensor], str | None]
Limits = Callable[[nn.Module, Tensor], dict[str, str]]
Misfit = Callable[..., str | None]
FrequencyKind = Literal["multiplier", "gradient", "effect"]


def _unlimited(_decoder: nn.Module, _x: Tensor) -> dict[str, str]:
    return {}


def _whatever_the_options(_n_channels: int, _n_times: int, **_options: Any) -> dict[str, str]:
    return {}


def _of_any_size(_n_channels: int, _n_times: int, **_options: Any) -> None:
    return None


@dataclass(frozen=True)
class Method:
    """A registered attribution method.

    Attributes
    ----------
    function : callable
        ``(decoder, x, target, *, options) -> Tensor`` of x's shape (trials, channels, times),
        signed and not scaled. It may assume what ``attribute`` sees to: a private copy of
        the decoder in evaluation mode with frozen parameters, and gradients enabled; it leaves
        that copy and ``x`` as they are, for other methods may come after it. Keyword-only
        parameters are its options, except ``references``, reference trials to compare with.
    group : str
        ``"study"`` (as the study ran it), ``"corrected"`` (a method of the study as its paper
        defines it or with what the study's form leaves out), ``"extended"``, ``"controls"`` or the
        library that it comes from.
    requires : tuple of callables
        Each ``(decoder, x) -> str | None`` gives the reason why the method is not applicable to
        the decoder, or None.
    completeness_target : callable or None
        ``(decoder, x, target, *, options) -> Tensor`` (trials,): what the sum of each map is by
        the method's definition, with the method's options; None when it defines no sum, and
        its result None when it defines none with these options.
    limits : callable
        ``(decoder, x) -> dict``: why maps are constant along ``"channels"`` or ``"times"``, for
        the axes along which they are by declaration.
    option_limits : callable
        ``(n_channels, n_times, **options) -> dict``: the same, where it is a matter of the method's
        options.
    misfit : callable
        ``(n_channels, n_times, **options) -> str | None``: why the options do not fit trials of
        this size, with the option, its value and what is allowed; None where they do.
    frequency : str or None
        What its maps can say about frequency: ``"multiplier"``, they are the trial (or its
        difference from a baseline) times something; ``"gradient"``, they are a gradient, by its
        own or another rule; ``"effect"``, it measures the effect of frequencies; None, nothing.
        See ``frequency_relevance``.
    """

    function: Attribution
    group: str
    requires: tuple[Requirement, ...] = ()
    completeness_target: CompletenessTarget | None = None
    limits: Limits = _unlimited
    option_limits: Callable[..., dict[str, str]] = _whatever_the_options
    misfit: Misfit = _of_any_size
    frequency: FrequencyKind | None = None


@dataclass(frozen=True)
class Library:
    """Another library, whose methods are known by names that begin with its own and a dot.

    Attributes
    ----------
    method : callable
        ``(name) -> Method`` for the name after the dot; a ValueError says why there is none.
        It imports the library, and nothing else does.
    standard : tuple of str
        Full names of the methods that stand for the library in a comparison.
    """

    method: Callable[[str], Method]
    standard: tuple[str, ...]


METHODS: dict[str, Method] = Registry("method")
CONTROLS: dict[str, Method] = Registry("control")
LIBRARIES: dict[str, Library] = {}
LABEL, LABEL_TEXT = "@", re.compile(r"[\w-]+", re.ASCII)
GROUPS = {"study": METHODS, "corrected": METHODS, "extended": METHODS, "controls": CONTROLS}
RENAMED_GROUPS = {"control": "controls"}  # old names, until the next minor version


class NotApplicable(ValueError):  # noqa: N818 (a verdict, not a fault)
    """The method is not applicable to this decoder; the message says why."""

    status: Final = "not_applicable"


class DegenerateMap(ValueError):  # noqa: N818 (a verdict, not a fault)
    """The method returned a map of another shape, or one that is not finite."""

    status: Final = "degenerate"


def attribution(
    name: str,
    *,
    group: str = "extended",
    requires: tuple[Requirement, ...] = (),
    completeness_target: Attribution | None = None,
    limits: Limits = _unlimited,
    frequency: FrequencyKind | None = None,
    promises: Attribution | None = None,
) -> Callable[[Attribution], Attribution]:
    """Register the decorated function as an attribution method.

    ``promises`` is the old name of ``completeness_target``.

    Raises
    ------
    ValueError
        When the name is taken or the group unknown.
    """
    if promises:
        warn_renamed("attribution(promises=)", "attribution(completeness_target=)")
    sums_to = completeness_target or promises
    if group in RENAMED_GROUPS:
        warn_renamed(f"attribution(group={group!r})", f"group={RENAMED_GROUPS[group]!r}")
    group = RENAMED_GROUPS.get(group, group)
    registry = lookup(GROUPS, group, "group")
    if name in METHODS or name in CONTROLS:
        raise ValueError(f"method {name!r} is already registered; choose another name")

    def register(function: Attribution) -> Attribution:
        registry[name] = Method(function, group, requires, sums_to, limits, frequency=frequency)
        return function

    return register


def library(
    name: str, standard: tuple[str, ...]
) -> Callable[[Callable[[str], Method]], Callable[[str], Method]]:
    """Register the decorated function as the one that makes methods of a :class:`Library`.

    ``standard`` are names without the library's.
    """

    def register(method: Callable[[str], Method]) -> Callable[[str], Method]:
        LIBRARIES[name] = Library(method, tuple(f"{name}.{own}" for own in standard))
        return method

    return register


def _require_one_name(name: object) -> None:
    """Refuse several methods where one is meant."""
    if not isinstance(name, str):
        raise ValueError(
            f"method={short(name)} is not allowed: it must be one name; attribute_all takes several"
        )
    if name in GROUPS:
        raise ValueError(f"method {name!r} is a group of methods; attribute_all takes groups")


def find(name: str) -> Method:
    """Look a method or control up by its name, those of a library such as ``captum.LRP`` too.

    A label after ``@`` makes a further name of a method, for a second set of options beside the
    first: ``captum.Occlusion@wide``.

    Raises
    ------
    ValueError
        When no method has this name, with the closest match, or its library is not installed, or
        when a label cannot be used.
    """
    _require_one_name(name)
    given, name = name, without_label(name)
    if given != name and name in CONTROLS:
        raise ValueError(f"method {given!r}: {name} is a control, which takes no label")
    prefix, dot, own = name.partition(".")
    if not dot and name not in METHODS | CONTROLS:
        raise ValueError(unknown_method("method", name, METHODS | CONTROLS))
    if not dot or name in METHODS:
        return (METHODS | CONTROLS)[name]
    if prefix not in LIBRARIES:
        raise ValueError(unknown_name(f"method {name!r}: the library", prefix, LIBRARIES))
    return LIBRARIES[prefix].method(own)


def unknown_method(kind: str, name: str, choices: Iterable[str]) -> str:
    """Sentence about a name that no method has; methods of libraries with this name are choices.

    Examples
    --------
    >>> unknown_method("method", "NoiseTunnel", ["Saliency", "LRP"])
    "method 'NoiseTunnel' is unknown; did you mean 'captum.NoiseTunnel(Saliency)'? ..."
    """
    return unknown_name(kind, name, {*choices, *_namesakes(name)})


def _namesakes(name: str) -> list[str]:
    """Full names of the libraries' methods that a name without the library may mean."""
    listed = [full for library in LIBRARIES.values() for full in library.standard]
    usual = [full for full in listed if name == full.partition(".")[2].partition("(")[0]]
    return usual or [f"{prefix}.{name}" for prefix in LIBRARIES if _has(prefix, name)]


def _has(prefix: str, own: str) -> bool:
    """Whether a library has a method; one that is not installed has none.

    Libraries of functions, whose names are in lower case, are not imported for names of classes.
    """
    library = LIBRARIES[prefix]
    in_lower_case = {full.partition(".")[2].islower() for full in library.standard}
    if in_lower_case and own.islower() not in in_lower_case:
        return False
    try:
        return bool(library.method(own))
    except ValueError:
        return False


def without_label(name: str) -> str:
    """The name of a method without the label that distinguishes sets of its options.

    Raises
    ------
    ValueError
        When the label cannot be used.

    Examples
    --------
    >>> without_label("captum.Occlusion@wide"), without_label("GradCAM++")
    ('captum.Occlusion', 'GradCAM++')
    """
    own, at, label = name.partition(LABEL)
    if at and not LABEL_TEXT.fullmatch(label):
        raise ValueError(
            f"method {name!r}: after {LABEL} there must be a label of letters, digits, '-' and "
            "'_', "
            f"such as {own}{LABEL}wide"
        )
    return own


def names_of(group: str) -> tuple[str, ...]:
    """Names of a group's methods, in the order of tables."""
    registry = lookup(GROUPS, group, "group")
    return tuple(name for name, method in registry.items() if method.group == group)


def in_order_of_groups() -> None:
    """Bring ``METHODS`` into the order of tables: group by group, in each as registered."""
    groups = list(GROUPS)
    ordered = sorted(METHODS.items(), key=lambda entry: groups.index(entry[1].group))
    METHODS.clear()
    METHODS.update(ordered)


def target_logits(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Logit of each trial's target class, (trials,)."""
    return decoder(x).gather(1, target[:, None])[:, 0]


def whole_logit(decoder: nn.Module, x: Tensor, target: Tensor, **_options: Any) -> Tensor:
    """Sum of the map by the definition of methods that share out the target's logit, (trials,)."""
    return target_logits(decoder, x, target)
