"""A fast estimate of the width of a frame's stars, the smallest width of light that came through the optics."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .ridge import width_at
from .sky import Pixels

UNKNOWN_STEPS = 3.0
"""Width in steps for a frame with too few stars: the middle of the 1.5 to 4.5 steps that remain after binning."""

_REACH = 7
"""Samples on each side of the centre of a star."""
_MOST_STARS, _FEWEST_STARS = 80, 3
"""Most stars that are averaged, for speed, and fewest stars for an estimate."""
_FULL = 0.8
"""Fraction of the saturation level from which stars are left out."""
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Directions (row, column) of the measured widths."""


def star_width_steps(pixels: Pixels, stars: NDArray[np.float32], saturation_adu: float, step: int) -> float:
    """Return the full width at half maximum of the median star, in its narrowest direction.

    Parameters:
        pixels: (H, W), the frame.
        stars: (N, 2), x and y of stars in frame pixels, brightest first.
        saturation_adu: level from which pixels are saturated.
        step: distance of samples in frame pixels.

    Returns:
        The width in steps; ``UNKNOWN_STEPS`` where too few stars can be measured.
    """
    height, width = pixels.shape
    centre = np.rint(stars[:_MOST_STARS]).astype(np.intp).reshape(-1, 2)
    margin = (_REACH + 1) * step
    inside = (centre >= margin).all(axis=1) & (centre[:, 0] < width - margin) & (centre[:, 1] < height - margin)
    offsets = np.arange(-_REACH, _REACH + 1) * step
    x, y = centre[inside].T
    stamps = pixels[(y[:, None] + offsets)[:, :, None], (x[:, None] + offsets)[:, None, :]].astype(np.float64)
    stamps = stamps[stamps.max(axis=(1, 2), initial=-np.inf) < _FULL * saturation_adu]
    border = np.concatenate([stamps[:, 0], stamps[:, -1], stamps[:, :, 0], stamps[:, :, -1]], axis=1)
    if len(stamps) < _FEWEST_STARS:
        return UNKNOWN_STEPS
    stamps -= np.median(border, axis=1)[:, None, None]
    middle = slice(_REACH - 1, _REACH + 2)
    peak = stamps[:, middle, middle].max(axis=(1, 2))
    if np.count_nonzero(peak > 0) < _FEWEST_STARS:
        return UNKNOWN_STEPS
    star = np.median(stamps[peak > 0] / peak[peak > 0, None, None], axis=0)
    along = np.arange(-_REACH, _REACH + 1)
    widths = [
        math.hypot(dx, dy)
        * width_at(star[_REACH + along * dy, _REACH + along * dx], _REACH, 0.5 * star[_REACH, _REACH])
        for dy, dx in _DIRECTIONS
    ]
    return max(min(widths), 1.0)
