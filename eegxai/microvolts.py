"""How large EEG is in volts and in microvolts: what the size of numbers says of their unit."""

MICROVOLTS_PER_VOLT = 1e6

# Bounds of the typical standard deviation of EEG within a trial. Scalp EEG has 1 to 100 µV; the
# bounds are wide, for averages and noiseless signals below and for artefacts and electrodes on
# the brain above, but still leave three decades between the two units.
VOLT_RANGE = (1e-11, 5e-3)
MICROVOLT_RANGE = (5e-2, 5e3)


def may_be_volts(size: float) -> bool:
    """Whether EEG in volts has such a typical standard deviation.

    Examples
    --------
    >>> may_be_volts(1e-5), may_be_volts(10.0), may_be_volts(0.0)
    (True, False, False)
    """
    low, high = VOLT_RANGE
    return low <= size <= high


def may_be_microvolts(size: float) -> bool:
    """Whether EEG in µV has such a typical standard deviation."""
    low, high = MICROVOLT_RANGE
    return low <= size <= high
