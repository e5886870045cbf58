"""How sure a share is that was found on some rigs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 300
"""Draws of whole rigs behind an interval."""


def interval_95(hits: NDArray[np.int64], count: NDArray[np.int64]) -> list[float]:
    """Return the 95 % interval of a share, drawing whole rigs again.

    Parameters:
        hits, count: (R,) frames of each rig that count as hits, and all of them; without any the share may be anything.
    """
    if not len(count):
        return [0.0, 1.0]
    drawn = np.random.default_rng(1).integers(0, len(count), (RESAMPLES, len(count)))
    shares = hits[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return [round(float(edge), 4) for edge in np.quantile(shares, (0.025, 0.975))]
