"""Numbers as tables and figures show them."""

import math


def digits(value: float, places: int = 2) -> str:
    """Two digits, or more, with a true minus sign; a dash if there is no value."""
    if math.isnan(value):
        return "–"
    rounded = round(value, places) + 0.0  # no minus before zero
    return f"{rounded:.{places}f}".replace("-", "−")


def counted(number: int, noun: str) -> str:
    """A number of things.

    Examples
    --------
    >>> counted(1, "seed"), counted(10, "seed")
    ('1 seed', '10 seeds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def p_value(p: float) -> str:
    """A p value as a sentence has it.

    Examples
    --------
    >>> p_value(0.00195), p_value(0.0625), p_value(1e-6)
    ('p = 0.002', 'p = 0.062', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def decibels(level: float) -> str:
    """A level as it is printed, with a true minus."""
    return f"{level:g}".replace("-", "−")
