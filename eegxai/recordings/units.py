"""Microvolts, whatever the numbers were: what is known, what is asked for, what their size says."""

import numpy as np

from eegxai.microvolts import MICROVOLTS_PER_VOLT, may_be_microvolts, may_be_volts
from eegxai.recordings.labelled import KeptUnit, Unit

STANDARDISED = 0.1  # how far from 1 standard deviations may be

Array = np.ndarray


def require_unit(unit: object) -> None:
    """Refuse a unit that is not known."""
    known = isinstance(unit, str) and unit in ("uV", "V", "as_given")
    if not (known or unit is None):
        raise ValueError(f"unit={unit!r} is not allowed: 'uV', 'V' and 'as_given' are")


def typical_size(x: Array) -> float:
    """Median standard deviation over time of trials and channels that are not flat; 0 if all are.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
    """
    deviations = x.std(axis=-1)
    deviations = deviations[deviations > 0]
    return float(np.median(deviations)) if deviations.size else 0.0


def in_microvolts(x: Array, unit: Unit | None, volts: bool) -> tuple[Array, KeptUnit, str]:
    """Trials in float32 and µV where they have a unit, what they are, and why, in a sentence.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
    unit : {"uV", "V", "as_given"} or None
        What the numbers are; None where that is not said.
    volts : bool
        Whether the numbers are volts by their origin, as in MNE, unless ``unit`` says otherwise.

    Raises
    ------
    ValueError
        When numbers that should be volts cannot be volts of EEG.

    Examples
    --------
    >>> x = 2e-5 * np.random.default_rng(0).standard_normal((3, 2, 100))
    >>> in_microvolts(x, None, volts=False)[1:]
    ('uV', 'taken as volts, since the typical standard deviation is 1.92e-05, and converted to µV')
    """
    size = typical_size(x)
    if unit is not None:
        decided, why = unit, "as stated"
    elif volts:
        _require_volts(size)
        decided, why = "V", "as MNE has them"
    else:
        decided, why = _unit_by_size(x, size)
    if decided == "V":
        return _float32(x, MICROVOLTS_PER_VOLT), "uV", f"taken as volts, {why}, and converted to µV"
    known = {"uV": "taken as µV", "as_given": "left as they are, without a unit"}[decided]
    return _float32(x), decided, f"{known}, {why}"


def _require_volts(size: float) -> None:
    if not may_be_volts(size):
        raise ValueError(
            f"the numbers have a typical standard deviation of {size:.3g}, which cannot be volts "
            "of EEG as MNE has them; unit='uV' takes them as µV, unit='as_given' as they are, such "
            "as standardised numbers"
        )


def _unit_by_size(x: Array, size: float) -> tuple[Unit, str]:
    """The unit that the size of the numbers suggests, and the reason."""
    if _looks_standardised(x):
        return "as_given", "since every channel has a standard deviation of about 1"
    why = f"since the typical standard deviation is {size:.3g}"
    if may_be_volts(size):
        return "V", why
    if may_be_microvolts(size):
        return "uV", why
    return "as_given", f"{why}, as neither volts nor µV of EEG have"


def _looks_standardised(x: Array) -> bool:
    deviations = x.std(axis=(0, 2))
    return bool((np.abs(deviations[deviations > 0] - 1) < STANDARDISED).all())


def _float32(x: Array, factor: float = 1.0) -> Array:
    """The numbers times a factor in float64, rounded once, without a copy in float64."""
    if factor == 1.0:
        return np.ascontiguousarray(x, dtype=np.float32)
    scaled = np.empty(x.shape, dtype=np.float32)
    return np.multiply(x, factor, out=scaled, dtype=np.float64, casting="same_kind")
