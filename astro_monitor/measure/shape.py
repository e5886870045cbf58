"""What the stars' shapes say together: one direction everywhere, a turn around a point, or a pattern of the optics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CENTRES = 9
"""The point of rotation is sought on a grid of this many columns and rows over the field."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """Shape of the star images over the field; lengths in frame pixels."""

    angle_deg: float
    coherence: float
    trail_length_px: float
    rotation_coherence: float
    radial_elongation: float


def field_shape(
    x_px: NDArray[np.float64],
    y_px: NDArray[np.float64],
    a_px: NDArray[np.float64],
    b_px: NDArray[np.float64],
    theta_deg: NDArray[np.float64],
    shape: tuple[int, int],
) -> FieldShape:
    """Describe the directions of elongation over the field.

    Parameters:
        x_px, y_px, a_px, b_px, theta_deg: (M,) of the measured stars, M ≥ 1.
        shape: (height, width) of the frame.

    The coherent trail comes from the component-wise median of the difference of second moments, (a² - b²) e^(2iθ): a
    star's own noise and its neighbours turn that vector at random and cancel. A uniform path of length L has the
    variance L²/12 along it, so L = sqrt(12 (a² - b²)).
    """
    double = 2 * np.radians(theta_deg)
    split = a_px**2 - b_px**2
    trail_x, trail_y = np.median(split * np.cos(double)), np.median(split * np.sin(double))
    weight = split / np.maximum(a_px**2 + b_px**2, 1e-9)
    total = max(float(weight.sum()), 1e-9)
    mean_x, mean_y = (weight * np.cos(double)).sum() / total, (weight * np.sin(double)).sum() / total
    height, width = shape
    return FieldShape(
        angle_deg=float(np.degrees(0.5 * np.arctan2(trail_y, trail_x))),
        coherence=float(np.clip(np.hypot(mean_x, mean_y), 0, 1)),
        trail_length_px=float(np.sqrt(12 * np.hypot(trail_x, trail_y))),
        rotation_coherence=_rotation(x_px, y_px, weight, double, (height, width)),
        radial_elongation=_radial(x_px, y_px, weight, double, (width - 1) / 2, (height - 1) / 2),
    )


def _radial(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64], double: NDArray[np.float64],
    centre_x: float, centre_y: float,
) -> float:  # fmt: skip
    """Mean elongation along (+) or across (-) the direction to a point."""
    towards = 2 * np.arctan2(y - centre_y, x - centre_x)
    return float((weight * np.cos(double - towards)).mean())


def _rotation(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64], double: NDArray[np.float64],
    shape: tuple[int, int],
) -> float:  # fmt: skip
    """How well all stars are elongated across the direction to one point, for the best point in the field."""
    total = float(weight.sum())
    if total <= 0 or x.size < 8:
        return 0.0
    centre_y, centre_x = (np.linspace(0, side - 1, CENTRES) for side in shape)
    dx = x[None, None, :] - centre_x[None, :, None]
    dy = y[None, None, :] - centre_y[:, None, None]
    across = -(weight * np.cos(double - 2 * np.arctan2(dy, dx))).sum(axis=2) / total
    return float(np.clip(across.max(), 0, 1))
