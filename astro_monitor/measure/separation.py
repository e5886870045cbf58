"""Distances between stars: detections that overlap are not stars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_COMPARED = 500
"""Most stars that are compared, the brightest first: the number of distances grows with the square."""


def separation_px(x_px: NDArray[np.float32], y_px: NDArray[np.float32]) -> float:
    """Return the median distance to the nearest other star in pixels.

    Parameters:
        x_px, y_px: (N,) positions, brightest first; N ≥ 2.
    """
    positions = (x_px[:MOST_COMPARED] + 1j * y_px[:MOST_COMPARED]).astype(np.complex64)
    distances = np.abs(positions[:, None] - positions)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
