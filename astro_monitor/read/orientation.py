"""Orientation of the sensor on the sky, by the plate solution in the header."""

from __future__ import annotations

import math
from collections.abc import Callable

from astro_monitor.fitsheader import Value

from .values import as_number

Lookup = Callable[[str], Value | None]


def east_angle_deg(lookup: Lookup) -> float | None:
    """Return the direction of increasing right ascension on the sensor, from +x to +y in degrees.

    The CD matrix, or the PC matrix or CROTA2 with CDELT, turns steps in pixels into steps in right ascension (times
    cos dec) and declination (FITS standard 4.0, section 8.2); its inverse applied to a step due east is that direction.

    Parameters:
        lookup: returns the value of a keyword, or ``None``.

    Returns:
        0 to 360; ``None`` where there is no valid matrix.
    """
    matrix = cd_matrix(lookup) or _cd_matrix_from_steps(lookup)
    if not is_celestial(lookup) or not matrix:
        return None
    a, b, c, d = matrix
    determinant = a * d - b * c
    if abs(determinant) <= 0.1 * (a * a + b * b + c * c + d * d) / 2:
        return None
    sign = math.copysign(1.0, determinant)
    return math.degrees(math.atan2(-c * sign, d * sign)) % 360.0


def is_celestial(lookup: Lookup) -> bool:
    """Return whether the first axis of the plate solution is right ascension.

    Parameters:
        lookup: returns the value of a keyword, or ``None``.
    """
    return str(lookup("CTYPE1") or "").startswith("RA--")


def cd_matrix(lookup: Lookup) -> list[float]:
    """Return the CD matrix, row by row, in degrees per pixel; empty when an element is missing.

    Parameters:
        lookup: returns the value of a keyword, or ``None``.
    """
    return _numbers(lookup, "CD1_1", "CD1_2", "CD2_1", "CD2_2")


def _cd_matrix_from_steps(lookup: Lookup) -> list[float]:
    """Return the CD matrix from CDELT with PC or CROTA2, row by row; empty when keywords are missing."""
    steps, angle = _numbers(lookup, "CDELT1", "CDELT2"), as_number(lookup("CROTA2"))
    rotation = _numbers(lookup, "PC1_1", "PC1_2", "PC2_1", "PC2_2")
    if not rotation and angle is not None:
        # The older convention, as interpreted by Calabretta & Greisen (2002, A&A 395, 1077, section 6.1).
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        if len(steps) == 2:
            return [steps[0] * cosine, -steps[1] * sine, steps[0] * sine, steps[1] * cosine]
    if not rotation or not steps:
        return []
    return [rotation[0] * steps[0], rotation[1] * steps[0], rotation[2] * steps[1], rotation[3] * steps[1]]


def _numbers(lookup: Lookup, *keywords: str) -> list[float]:
    """Return the numbers of some keywords; an empty list when one is missing or above one degree per pixel."""
    numbers = [as_number(lookup(keyword)) for keyword in keywords]
    plausible = [number for number in numbers if number is not None and abs(number) <= 1.0]
    return plausible if len(plausible) == len(keywords) else []
