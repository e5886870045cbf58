"""Common shape of the stars over the field: one direction, a rotation around a point, or a pattern of the optics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

CENTRES, BEYOND = 11, 0.25
"""Columns and rows of the grid on which the centre of rotation is searched, and its extension beyond the field as a
fraction of it."""
MIN_TURNING_STARS = 8
"""Fewest stars for a rotation: with fewer, some centre would fit by chance."""
TRAIL_OVER_WIDTH = (0.0, 0.48, 1.05, 2.2, 3.45, 4.7, 7.2, 20.0)
"""Ratios of the apparent length of a trail to its width at which ``TRAIL_EXCESS`` is tabulated."""
TRAIL_EXCESS = (1.0, 1.03, 1.065, 1.12, 1.165, 1.19, 1.213, 1.235)
"""Ratio of the length of the best-fitting Gaussian to that of a uniform path by its rms. Computed with the moments of
this package for Gaussian and Moffat stars; accurate to 3 %."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """Shape of the star images over the field; lengths in frame pixels."""

    angle_deg: float
    coherence: float
    trail_length_px: float
    rotation_coherence: float
    radial_elongation: float


def field_shape(
    x_px: Vector,
    y_px: Vector,
    a_px: Vector,
    b_px: Vector,
    theta_deg: Vector,
    shape: tuple[int, int],
    fwhm_minor_px: float,
) -> FieldShape:
    """Return the common elongation of the stars over the field.

    Parameters:
        x_px, y_px, a_px, b_px, theta_deg: (M,) values of the stars with clear shapes, M ≥ 1.
        shape: (height, width) of the frame.
        fwhm_minor_px: typical FWHM along the minor axis.

    The coherent trail is the component-wise median of the difference of second moments, (a² - b²) e^(2iθ): noise and
    neighbours rotate that vector at random and cancel. A uniform path of length L has the variance L²/12 along it, so
    L = sqrt(12 (a² - b²)).
    """
    double = 2 * np.radians(theta_deg)
    split = a_px**2 - b_px**2
    trail_x, trail_y = float(np.median(split * np.cos(double))), float(np.median(split * np.sin(double)))
    apparent = float(np.sqrt(12 * np.hypot(trail_x, trail_y)))
    weight = split / np.maximum(a_px**2 + b_px**2, 1e-9)
    total = max(float(weight.sum()), 1e-9)
    mean_x, mean_y = (weight * np.cos(double)).sum() / total, (weight * np.sin(double)).sum() / total
    height, width = shape
    return FieldShape(
        angle_deg=float(np.degrees(0.5 * np.arctan2(trail_y, trail_x))),
        coherence=float(np.clip(np.hypot(mean_x, mean_y), 0, 1)),
        trail_length_px=apparent / float(np.interp(apparent / fwhm_minor_px, TRAIL_OVER_WIDTH, TRAIL_EXCESS)),
        rotation_coherence=_rotation(x_px, y_px, weight, double, shape),
        radial_elongation=_radial(x_px, y_px, weight, double, (width - 1) / 2, (height - 1) / 2),
    )


def _radial(x: Vector, y: Vector, weight: Vector, double: Vector, centre_x: float, centre_y: float) -> float:
    """Return the mean elongation along (+) or across (-) the direction to a point."""
    towards = 2 * np.arctan2(y - centre_y, x - centre_x)
    return float((weight * np.cos(double - towards)).mean())


def _rotation(x: Vector, y: Vector, weight: Vector, double: Vector, shape: tuple[int, int]) -> float:
    """Return the mean elongation across the direction to one point, for the best point in or near the field, 0 to 1."""
    total = float(weight.sum())
    if total <= 0 or x.size < MIN_TURNING_STARS:
        return 0.0
    steps = np.linspace(-BEYOND, 1 + BEYOND, CENTRES)
    dy = y - (steps * (shape[0] - 1))[:, None, None]
    dx = x - (steps * (shape[1] - 1))[None, :, None]
    # Cosine and sine of twice the direction to the point, without computing the angle.
    distance2 = np.maximum(dx**2 + dy**2, 1e-9)
    cosine, sine = (dx**2 - dy**2) / distance2, 2 * dx * dy / distance2
    along = np.einsum("rcn,n->rc", cosine, weight * np.cos(double)) + np.einsum(
        "rcn,n->rc", sine, weight * np.sin(double)
    )
    across = -along / total
    return float(np.clip(across.max(), 0, 1))
