"""A feature type as data: its classes, their signals and dipoles, in Python or as read from YAML.

Every part is a frozen value. What belongs together under names (signals, classes) may be given as
a mapping by name, and a value that varies from trial to trial as a number or [mean, deviation].
"""

import math
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveFloat,
    field_validator,
    model_validator,
)

from eegxai.registry import lookup
from eegxai.simulation.kinds import SIGNAL_KINDS
from eegxai.simulation.regions import Position, positions
from eegxai.spec import NUMBER, by_name, spec

SMALLEST_SHARE = 0.001  # of the trials that a class may have
SUM_TOLERANCE = 1e-6  # of the probabilities of all classes
SMALLEST_SOURCE, LARGEST_SOURCE = 1e-6, 1e6  # source units; squares keep single precision
CONTROL = ("Cc", "Zl", "Zp")  # Unicode categories that break lines and tables
BAND_FIELDS = ("band_hz", "frequency_hz")  # which only some kinds of signals have


class Spread(NamedTuple):
    """Value that varies from trial to trial, as in SEREEGA (utl_apply_dvslopeshift.m).

    Normal with a standard deviation of ``deviation / 3``, clipped at ``mean ± deviation``.
    """

    mean: FiniteFloat
    deviation: Annotated[FiniteFloat, Field(ge=0)] = 0.0

    def at(self, normal: float) -> float:
        """Value for one standard normal deviate."""
        return self.mean + self.deviation * min(max(normal / 3, -1.0), 1.0)

    @property
    def lowest(self) -> float:
        """The least possible value."""
        return self.mean - self.deviation

    @property
    def highest(self) -> float:
        """The largest possible value."""
        return self.mean + self.deviation


def _mean_and_deviation(value: Any) -> Any:
    """A number or [mean, deviation], all finite."""
    parts = value if isinstance(value, list | tuple) else [value]
    if not (1 <= len(parts) <= 2 and all(map(_is_number, parts))):
        raise ValueError("is neither a number nor [mean, deviation]")
    if len(parts) == 2 and float(parts[1]) < 0:
        raise ValueError("holds a deviation below zero")
    return tuple(parts)


def _is_number(value: Any) -> bool:
    try:
        finite = math.isfinite(float(value))  # YAML reads 1e3 as text
    except (TypeError, ValueError, OverflowError):
        return False
    return finite and not isinstance(value, bool)


def _printed(name: str) -> str:
    if any(unicodedata.category(character) in CONTROL for character in name):
        raise ValueError("holds a control character, which files and tables cannot")
    return name


def _is_share(value: float) -> float:
    if not SMALLEST_SHARE <= value < 1:
        raise ValueError(
            f"is not allowed: it is a share between {SMALLEST_SHARE:g} and 1, not a percentage"
        )
    return value


Varying = Annotated[Spread, BeforeValidator(_mean_and_deviation)]
Dipoles = Annotated[tuple[Position, ...], BeforeValidator(positions)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_printed)]
Hertz = Annotated[PositiveFloat, NUMBER]


@spec
class Signal:
    """What one dipole does in one trial.

    Parameters
    ----------
    name : str
    kind : str
        A name in :data:`eegxai.simulation.kinds.SIGNAL_KINDS`: ``peak``, ``tone`` (a burst of a
        sine) or ``band`` (a burst of noise in a band).
    latency_ms : number or [mean, deviation]
        Centre of the peak or burst, ms after time zero.
    width_ms : number or [mean, deviation]
        Its full width at the base, ms: of a peak six sigma, so that its width at half maximum is
        0.39 of it.
    amplitude : number or [mean, deviation]
        Largest value of a peak, or of a burst's carrier over the whole epoch, before the window,
        in source units (10 nA·m); below zero the sign is inverted. Both mean - deviation and
        mean + deviation must be 1e-6 to 1e6 in size. In all four, the deviation is the limit
        (3 standard deviations), not the standard deviation.
    band_hz : (low, high), optional
        The band of the noise; of a tone where its power belongs, for the spectral precision.
    frequency_hz : number or [mean, deviation], optional
        Of a tone; its phase is random.
    """

    name: Name
    kind: str
    latency_ms: Varying
    width_ms: Varying
    amplitude: Varying
    band_hz: tuple[Hertz, Hertz] | None = None
    frequency_hz: Varying | None = None

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, name: str) -> str:
        lookup(SIGNAL_KINDS, name, "kind")
        return name

    @field_validator("width_ms", "frequency_hz")
    @classmethod
    def _above_zero(cls, value: Spread | None) -> Spread | None:
        if value is not None and value.lowest <= 0:
            raise ValueError(f"is not always above zero: its lowest value is {value.lowest:g}")
        return value

    @field_validator("amplitude")
    @classmethod
    def _never_zero(cls, amplitude: Spread) -> Spread:
        """Values beyond the limits are clipped to them, so zero there is zero in some trials."""
        for limit in (amplitude.lowest, amplitude.highest):
            if not SMALLEST_SOURCE <= abs(limit) <= LARGEST_SOURCE:
                raise ValueError(
                    f"is out of range: it reaches {limit:g} at a limit, allowed are "
                    f"{SMALLEST_SOURCE:g} to {LARGEST_SOURCE:g} and the same below zero"
                )
        return amplitude

    @model_validator(mode="after")
    def _fields_of_its_kind(self) -> "Signal":
        kind = SIGNAL_KINDS[self.kind]
        given = {name for name in BAND_FIELDS if getattr(self, name) is not None}
        if missing := set(kind.needs) - given:
            raise ValueError(f"{missing.pop()} is missing, which the kind {self.kind!r} needs")
        if unused := given - {*kind.needs, *kind.may_have}:
            raise ValueError(f"{unused.pop()} is no field of the kind {self.kind!r}")
        if self.band_hz and self.band_hz[0] >= self.band_hz[1]:
            raise ValueError(f"band_hz={list(self.band_hz)} must be [low, high]")
        return self


@spec
class ClassSpec:
    """A class: each trial draws one signal and one dipole, all with equal probability.

    Parameters
    ----------
    name : str
    signals : tuple of Signal
        None for a class without a signal, such as the standard of an oddball.
    dipoles : tuple of positions or names of regions
        By default those of the feature type.
    probability : float, optional
        Share of the trials; classes without one share equally what the others leave.
    """

    name: Name
    signals: Annotated[tuple[Signal, ...], by_name(Signal, "signal")] = ()
    dipoles: Dipoles = ()
    probability: Annotated[float, AfterValidator(_is_share)] | None = None


def _named_distractor(value: Any) -> Any:
    return {"name": "distractor", **value} if isinstance(value, dict) else value


@spec
class FeatureSpec:
    """A feature type: what distinguishes the classes of a data set.

    Parameters
    ----------
    name : str
        Letters, digits, and ``._-`` after the first.
    classes : tuple of ClassSpec
        At least two; their order is that of the labels.
    dipoles : tuple of positions or names of regions
        Those of the classes that have none of their own, MNI mm.
    distractor : ClassSpec, optional
        Active in every trial, whatever its class; it counts as noise. It has signals, a name of
        its own and no probability.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    classes: Annotated[tuple[ClassSpec, ...], by_name(ClassSpec, "class"), Field(min_length=2)]
    dipoles: Dipoles = ()
    distractor: Annotated[ClassSpec | None, BeforeValidator(_named_distractor)] = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their labels."""
        return tuple(one.name for one in self.classes)

    @property
    def sources(self) -> tuple[ClassSpec, ...]:
        """The classes, and the distractor where there is one."""
        return (*self.classes, *filter(None, [self.distractor]))

    @property
    def signals(self) -> dict[str, Signal]:
        """All signals of all classes and of the distractor by name."""
        return {signal.name: signal for one in self.sources for signal in one.signals}

    @property
    def dipoles_mni_mm(self) -> tuple[Position, ...]:
        """Table of all dipoles: those of the feature type, then those of its classes."""
        every = [*self.dipoles, *(place for one in self.sources for place in one.dipoles)]
        return tuple(dict.fromkeys(every))

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the trials that each class has."""
        given = [one.probability for one in self.classes]
        left = 1 - sum(share for share in given if share is not None)
        equal = left / max(given.count(None), 1)
        return tuple(equal if share is None else share for share in given)

    def dipoles_of(self, one: ClassSpec) -> tuple[Position, ...]:
        """Dipoles that a class draws from."""
        return one.dipoles or self.dipoles

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "FeatureSpec":
        _require_different(self.class_names)
        _require_active(self.distractor, self.class_names)
        _require_sources(self)
        _require_one_meaning(self.sources)
        _require_shares(self)
        return self


def _require_different(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"class {name!r} is given more than once")


def _require_active(distractor: ClassSpec | None, class_names: Sequence[str]) -> None:
    """A distractor is active in every trial, and no class."""
    if distractor is None:
        return
    if distractor.probability is not None:
        raise ValueError(
            f"the distractor has probability={distractor.probability:g}, but is active in every "
            "trial; leave probability out"
        )
    if not distractor.signals:
        raise ValueError("the distractor has no signal, at least one is needed")
    if distractor.name in class_names:
        raise ValueError(f"the distractor is named {distractor.name!r} like a class")


def _require_sources(feature: FeatureSpec) -> None:
    """Some signal must be there, and every signal needs a dipole."""
    if not any(one.signals for one in feature.classes):
        raise ValueError("no class has a signal, at least one is needed")
    for one in feature.sources:
        if one.signals and not feature.dipoles_of(one):
            raise ValueError(f"class {one.name!r} has signals and no dipoles, nor has the feature")


def _require_one_meaning(sources: Sequence[ClassSpec]) -> None:
    """A signal's name stands for the same values in all classes."""
    found: dict[str, Signal] = {}
    for one in sources:
        for signal in one.signals:
            if found.setdefault(signal.name, signal) != signal:
                raise ValueError(
                    f"class {one.name!r}: signal {signal.name!r} has other values than in another "
                    "class; give it another name"
                )


def _require_shares(feature: FeatureSpec) -> None:
    for one, share in zip(feature.classes, feature.shares, strict=True):
        if share < SMALLEST_SHARE:
            raise ValueError(
                f"class {one.name!r} has no probability, and the others leave {share:g}; "
                f"at least {SMALLEST_SHARE:g} is needed"
            )
    if abs(sum(feature.shares) - 1) > SUM_TOLERANCE:
        given = ", ".join(f"{one.name} {one.probability:g}" for one in feature.classes)
        raise ValueError(f"probabilities sum to {sum(feature.shares):g} and not to 1: {given}")
