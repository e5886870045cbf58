"""How a fault spreads the light of a star, as small images with sum 1."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from training.simulate.motion import Motion

Kernel = NDArray[np.float32]

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian over its standard deviation."""
LEAST_HALF_PX = 3
"""Half a side of the smallest kernel, so that the smallest has room for a shift of a pixel."""


def of_motion(motion: Motion) -> Kernel:
    """Return the light of a point whose image moves over the sensor.

    Parameters:
        motion: of the mount during the exposure.
    """
    path = motion.path()
    path = path - path.mean(axis=0)
    half = max(math.ceil(float(np.abs(path).max())) + 2, LEAST_HALF_PX)
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    column, row = path[:, 0] + half, path[:, 1] + half
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    right_share, lower_share = column - left, row - top
    for y, x, share in (
        (top, left, (1 - right_share) * (1 - lower_share)), (top, left + 1, right_share * (1 - lower_share)),
        (top + 1, left, (1 - right_share) * lower_share), (top + 1, left + 1, right_share * lower_share),
    ):  # fmt: skip
        np.add.at(kernel, (y, x), share)
    return np.asarray(kernel / kernel.sum(), np.float32)


def of_seeing(fwhm_px: float) -> Kernel:
    """Return a Gaussian.

    Parameters:
        fwhm_px: full width at half maximum that is added in quadrature.
    """
    sigma = fwhm_px / FWHM_PER_SIGMA
    half = max(math.ceil(4 * sigma), LEAST_HALF_PX)
    axis = np.arange(-half, half + 1)
    profile = np.exp(-0.5 * (axis / sigma) ** 2)
    kernel = np.outer(profile, profile)
    return np.asarray(kernel / kernel.sum(), np.float32)


def of_defocus(diameter_px: float, obstruction: float) -> Kernel:
    """Return a disc, or a ring behind a central obstruction.

    Parameters:
        diameter_px: outer diameter.
        obstruction: inner over outer diameter; 0 is a disc.
    """
    half = max(math.ceil(diameter_px / 2) + 2, LEAST_HALF_PX)
    fine = 5
    axis = (np.arange(fine * (2 * half + 1)) + 0.5) / fine - half - 0.5
    radius = np.hypot(axis[:, None], axis[None, :])
    inside = (radius <= diameter_px / 2) & (radius >= obstruction * diameter_px / 2)
    kernel = inside.reshape(2 * half + 1, fine, 2 * half + 1, fine).mean(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), np.float32)
