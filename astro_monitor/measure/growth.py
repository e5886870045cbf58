"""The curve of growth of many stars: flux in an aperture, and the half-flux radius."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

STEP_PX = 0.25
"""Width of a ring in pixels: fine enough to interpolate the half-flux radius of the narrowest stars."""


def curve_of_growth(
    light: NDArray[np.float32], radius: NDArray[np.float32], aperture: Vector
) -> tuple[Vector, Vector, Vector]:
    """Return flux, aperture area and half-flux radius of each star, by sums in rings around its centre.

    Parameters:
        light: (M, P) sky-subtracted pixels.
        radius: (M, P) distance of each pixel from the star's centre.
        aperture: (M,) radius of the aperture.

    Returns:
        (M,) flux; (M,) area of the aperture; (M,) half-flux radius, NaN where there is no flux.
    """
    count = len(light)
    inside = radius <= aperture[:, None].astype(np.float32)
    area = np.count_nonzero(inside, axis=1).astype(np.float64)
    counted = light * inside
    flux = counted.sum(axis=1, dtype=np.float64)
    steps = int(np.ceil(float(aperture.max(initial=1.0)) / STEP_PX)) + 3
    ring = np.minimum((radius * np.float32(1 / STEP_PX)).astype(np.int32), steps - 2)
    ring += (np.arange(count, dtype=np.int32) * steps)[:, None]
    rings = np.bincount(ring.ravel(), weights=counted.ravel(), minlength=count * steps).reshape(count, steps)
    # A pixel is not a point: its light extends about a quarter of a pixel, one ring, inwards and outwards.
    spread = rings / 2
    spread[:, 1:] += rings[:, :-1] / 4
    spread[:, :-1] += rings[:, 1:] / 4
    spread[:, 0] += rings[:, 0] / 4
    safe = np.where(flux > 0, flux, 1.0)
    share = np.concatenate([np.zeros((count, 1)), np.cumsum(spread, axis=1)], axis=1) / safe[:, None]
    return flux, area, np.where(flux > 0, _crossing(share, 0.5) * STEP_PX, np.nan)


def _crossing(share: Vector, level: float) -> Vector:
    """Return the fractional index at which each row first reaches a level; NaN when it starts above or never does."""
    after = np.argmax(share >= level, axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(share))
    low, high = share[rows, before], share[rows, after]
    rise = np.where(high > low, high - low, 1.0)
    return np.asarray(np.where(after > 0, before + (level - low) / rise, np.nan), np.float64)
