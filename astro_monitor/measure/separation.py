"""How far stars are from each other: stars that lie within each other are no stars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_COMPARED = 500
"""Of more stars only so many of the brightest are compared: distances grow with the square of the number."""


def separation_px(x_px: NDArray[np.float32], y_px: NDArray[np.float32]) -> float:
    """Median distance to the nearest other star.

    Parameters:
        x_px, y_px: (N,) positions, brightest first; N ≥ 2.
    """
    place = (x_px[:MOST_COMPARED] + 1j * y_px[:MOST_COMPARED]).astype(np.complex64)
    apart = np.abs(place[:, None] - place)
    np.fill_diagonal(apart, np.inf)
    return float(np.median(apart.min(axis=1)))
