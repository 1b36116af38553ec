"""Numbers as tables and figures show them."""

import math


def digits(value: float) -> str:
    """Two digits with a true minus sign; a dash if there is no value."""
    if math.isnan(value):
        return "–"
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0: no minus before zero


def decibels(level: float) -> str:
    """A level as it is printed, with a true minus."""
    return f"{level:g}".replace("-", "−")
