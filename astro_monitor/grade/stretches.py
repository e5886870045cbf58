"""How measured numbers are stretched for the quality model: small formulas in which what is unknown stays unknown."""

from __future__ import annotations

import math
from collections.abc import Callable

LEAST = 1e-4
"""Smallest number whose logarithm is taken."""
LEAST_RATIO = 1e-3
"""A field that lost all its stars still has a logarithm."""


def log(value: float | None) -> float | None:
    """Return the logarithm of a number of at least ``LEAST``."""
    return None if value is None else math.log(max(value, LEAST))


def log1p(value: float | None) -> float | None:
    """Return the logarithm of 1 plus a number that is not negative."""
    return None if value is None else math.log1p(max(value, 0.0))


def asinh(value: float | None, unit: float = 1.0) -> float | None:
    """Return a number of either sign in some unit, linear when small and logarithmic when large."""
    return None if value is None else math.asinh(value / unit)


def times(value: float | None, factor: float) -> float | None:
    """Return a number multiplied by a constant."""
    return None if value is None else factor * value


def at_most(value: float | None, most: float) -> float | None:
    """Return a number, cut off from above."""
    return None if value is None else min(value, most)


def over(value: float | None, by: float | None) -> float | None:
    """Return the ratio of two numbers; ``None`` when either is unknown or the divisor is not positive."""
    return value / by if value is not None and by is not None and by > 0 else None


def product(value: float | None, by: float | None) -> float | None:
    """Return the product of two numbers; ``None`` when either is unknown."""
    return value * by if value is not None and by is not None else None


def minus(value: float | None, usual: float | None) -> float | None:
    """Return the difference of two numbers; ``None`` when either is unknown."""
    return value - usual if value is not None and usual is not None else None


def log_ratio(value: float | None, usual: float | None) -> float | None:
    """Return the logarithm of a number over its usual value; ``None`` when either is unknown."""
    if value is None or usual is None or usual <= 0:
        return None
    return math.log(max(value / usual, LEAST_RATIO))


def length_of(plus: float | None, cross: float | None) -> float | None:
    """Return the length whose square is that of an elongation vector; ``None`` when it is unknown."""
    return None if plus is None or cross is None else math.sqrt(math.hypot(plus, cross))


Stretch = Callable[[float | None], float | None]
"""Turns a measured number into one for the network."""


def identity(value: float | None) -> float | None:
    """Return a number unchanged."""
    return value


def tenfold(value: float | None) -> float | None:
    """Return ten times a number."""
    return times(value, 10.0)
