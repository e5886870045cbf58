"""Photon transfer: how the variance of the sky grows with its level.

Variance [ADU²] = (level - pedestal) [ADU] / gain [e/ADU] + (read noise / gain)²: the slope is one over the gain,
whatever pedestal and read noise are (Janesick, *Photon Transfer*, SPIE Press 2007). Two slopes are taken. That *over
time* compares the same part of the field in several frames, so a pattern of the sensor or of the optics, the same in
every frame, has no part in it. That *over the field* compares the parts of one frame; a ramp of the sensor without
noise of its own makes it too flat, so it counts less, and less on that side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

STRUCTURE = 0.01
"""Scatter of a cell's variance beyond counting, as a fraction: faint stars and their wings."""
COMMON = 0.01
"""Error of the variance that a whole frame, or one part of the field in every frame, has in common, as a fraction:
wings of stars in other seeing, response that differs between pixels."""
ROUNDS = 4
"""Rounds of reweighting."""
HUBER = 2.0
"""Residuals in standard errors from which cells lose weight."""
PLACES = 24
"""Parts of the field."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Variance over level in 1/(e/ADU), and its standard error; the error is infinite where nothing can be said."""

    per_adu: float
    error: float


NO_SLOPE = Slope(0.0, float("inf"))
"""Where too little varies."""


def slope_over_time(level_adu: Numbers, variance_adu2: Numbers, pairs: Numbers) -> Slope:
    """Return the slope by which the variance of each part follows its level from frame to frame.

    Parameters:
        level_adu, variance_adu2, pairs: (frames, places); ``pairs`` is 0 where a part was not measured.
    """
    if len(level_adu) < 2:
        return NO_SLOPE
    return _slope(level_adu, variance_adu2, pairs, axis=0)


def slope_over_field(level_adu: Numbers, variance_adu2: Numbers, pairs: Numbers) -> Slope:
    """Return the slope by which the variance follows the level over the parts of each frame.

    Parameters: as for :func:`slope_over_time`.
    """
    return _slope(level_adu, variance_adu2, pairs, axis=1)


def _slope(level_adu: Numbers, variance_adu2: Numbers, pairs: Numbers, axis: int) -> Slope:
    """Return the slope after the mean along an axis is taken from both, with an error that is clustered across it.

    The scatter of a frame, or of a part that is always the same, is one draw and not 24.
    """
    share = np.sqrt(2.0 / np.maximum(pairs, 1.0) + STRUCTURE**2)
    error = np.maximum(variance_adu2 * share, 1e-30)
    weight = np.where(pairs > 0, 1.0 / error**2, 0.0)
    robust = np.ones_like(weight)
    slope = 0.0
    level, variance, product, square = level_adu, variance_adu2, weight, weight
    for _ in range(ROUNDS):
        both = weight * robust
        total = np.maximum(both.sum(axis=axis, keepdims=True), 1e-300)
        level = level_adu - (both * level_adu).sum(axis=axis, keepdims=True) / total
        variance = variance_adu2 - (both * variance_adu2).sum(axis=axis, keepdims=True) / total
        product, square = both * level * variance, both * level**2
        if square.sum() <= 0.0:
            return NO_SLOPE
        slope = float(product.sum() / square.sum())
        residual = np.abs(variance - slope * level) / error
        scatter = max(1.4826 * float(np.median(residual[pairs > 0])), 1.0)
        robust = np.minimum(1.0, HUBER * scatter / np.maximum(residual, 1e-30))
    scores = (product - slope * square).sum(axis=1 - axis)
    clusters = int(np.count_nonzero(square.sum(axis=1 - axis)))
    if clusters < 2:
        return NO_SLOPE
    clustered = float(np.sqrt((scores**2).sum() * clusters / (clusters - 1))) / float(square.sum())
    counted = float(1.0 / np.sqrt(square.sum()))
    levers = (weight * robust * np.abs(level) * variance_adu2).sum(axis=1 - axis)
    common = COMMON * float(np.sqrt((levers**2).sum())) / float(square.sum())
    return Slope(slope, float(np.hypot(max(clustered, counted), common)))


def table(rows: Sequence[Sequence[tuple[int, float, float, int]]]) -> tuple[Numbers, Numbers, Numbers]:
    """Return levels, variances and numbers of pairs, each (frames, ``PLACES``), of cells given by their places.

    Parameters:
        rows: for each frame the place, level, variance and number of pairs of its cells.
    """
    level_adu, variance_adu2, pairs = (np.zeros((len(rows), PLACES)) for _ in range(3))
    for number, row in enumerate(rows):
        for place, level, variance, count in row:
            if 0 <= place < PLACES:
                level_adu[number, place], variance_adu2[number, place], pairs[number, place] = level, variance, count
    return level_adu, variance_adu2, pairs
