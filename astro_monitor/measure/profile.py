"""The common profile of a frame's stars: the ratio of the width by moments to the width at half maximum.

Moments do not measure the half maximum: wings increase them, flat tops decrease them. The profile is common to the
stars of a frame, so it is measured on many of them together, which also resolves the profile of narrow stars.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .moments import FWHM_PER_SIGMA, GAUSSIAN_KURTOSIS, PIXEL_VARIANCE_PX2, Shapes

Vector = NDArray[np.float64]

MAX_STARS = 48
"""Most stars that are fitted together: enough for one percent, and fast."""
FIT_RADIUS2, LOWEST_LIGHT = 1.6**2, 0.1
"""Squared radius of the fit in rms widths, and lowest light as a fraction of the peak."""
MIN_PIXELS = 4
"""Fewest usable pixels of a star in the fit."""
TYPICAL_MADS, TYPICAL_FRACTION = 3.0, 0.02
"""Stars of the fit deviate from the median by at most so many median deviations, or by this fraction of the
median."""
LONG, VERY_LONG = 1.15, 1.6
"""Elongations between which the weight changes from the fit to the kurtosis along the minor axis, which trails do not
change."""
NARROW_PX, VERY_NARROW_PX = 2.2, 1.7
"""Widths by moments in pixels between which it changes for narrow stars, whose profile is dominated by the pixels."""
PEAKED, HOLLOW = 2.9, 2.7
"""Kurtosis between which it changes for stars without a peak, which have no half maximum of the centre."""
NARROW_WIDTH_PX = (1.1, 1.2, 1.3, 1.4, 1.5)
"""Widths by moments at which ``NARROW_EXCESS`` is tabulated."""
NARROW_EXCESS = (0.25, 0.155, 0.068, 0.011, 0.0)
"""Kurtosis above 3 of pixel-integrated Gaussians of these widths."""
HOLLOW_KURTOSIS = (1.75, 1.95, 2.3, 2.5, 2.72, 3.0)
"""Kurtosis at which ``HOLLOW_WIDTH`` is tabulated."""
HOLLOW_WIDTH = (1.19, 1.10, 0.78, 0.75, 0.80, 1.0)
"""Ratio of the widths of pixel-integrated discs and rings; see :func:`by_kurtosis`."""
PRIOR_KURTOSIS, PRIOR_STARS = 3.25, 4
"""Kurtosis of typical seeing, and its weight as a number of stars, which matters where there are hardly any."""
NARROW_BIAS, NARROW_POWER = 0.17, 2.6
"""Relative bias of the width and its power of the FWHM in pixels: pixels widen wings more than a Gaussian. From
pixel-integrated Gaussian and Moffat profiles of 1.6 to 4 pixels; the error is 3 % at 1.6 pixels."""


def width_over_fwhm(light: NDArray[np.float32], shapes: Shapes, index: NDArray[np.intp]) -> float:
    """Return the ratio of the width by moments, 2.35 σ, to the width at half maximum; 1 for Gaussians.

    Parameters:
        light: (M, S, S) cut-outs.
        shapes: shapes of all of them.
        index: the stars on which the profile is measured, clearest first.
    """
    if index.size == 0:
        return by_kurtosis(PRIOR_KURTOSIS)
    a, b, _ = shapes.axes()
    width = FWHM_PER_SIGMA * float(np.median(np.sqrt((a[index] ** 2 + b[index] ** 2) / 2)))
    elongation = float(np.median(a[index] / b[index]))
    if width < NARROW_PX:
        # Pixels elongate each narrow star in another direction; only a common elongation is a trail.
        elongation = min(elongation, _common_elongation(shapes, index))
    across, along = float(np.median(shapes.kurtosis[index])), float(np.median(shapes.kurtosis_major[index]))
    kurtosis = across if elongation > LONG else (across + along) / 2
    kurtosis = (index.size * kurtosis + PRIOR_STARS * PRIOR_KURTOSIS) / (index.size + PRIOR_STARS)
    # Weight of the kurtosis; the rest is that of the fit.
    kurtosis -= float(np.interp(width, NARROW_WIDTH_PX, NARROW_EXCESS))
    doubts = (
        (elongation - LONG) / (VERY_LONG - LONG),
        (PEAKED - across) / (PEAKED - HOLLOW),
        (NARROW_PX - width) / (NARROW_PX - VERY_NARROW_PX),
    )
    doubt = float(np.clip(max(doubts), 0, 1))
    alone = index[
        _is_typical(shapes.xx[index] + shapes.yy[index])
        & _is_typical(shapes.kurtosis[index] + shapes.kurtosis_major[index])
    ]
    fitted = _by_fit(light, shapes, alone[:MAX_STARS]) if doubt < 1 else None
    if fitted is None:
        return by_kurtosis(kurtosis)
    return (1 - doubt) * fitted + doubt * by_kurtosis(kurtosis)


def _common_elongation(shapes: Shapes, index: NDArray[np.intp]) -> float:
    """Return the elongation of the median second moments, in which random directions cancel."""
    middle = float(np.median(shapes.xx[index] + shapes.yy[index])) / 2
    along = float(np.median(shapes.xx[index] - shapes.yy[index])) / 2
    split = min(float(np.hypot(along, np.median(shapes.xy[index]))), 0.98 * middle)
    return float(np.sqrt((middle + split) / (middle - split)))


def _is_typical(values: Vector) -> NDArray[np.bool_]:
    """Return which stars are similar to most others: the rest are double, or have a neighbour."""
    deviation = np.abs(values - np.median(values))
    return np.asarray(
        deviation <= np.maximum(TYPICAL_MADS * np.median(deviation), TYPICAL_FRACTION * np.median(values)), np.bool_
    )


def by_kurtosis(kurtosis: float) -> float:
    """Return the same ratio by the kurtosis of the light under the matched weight alone.

    Computed from pixel-integrated Moffat profiles (exponent 2.7 to 5, FWHM 1.3 to 8 pixels; holds to 2 %), discs and
    rings (diameter 3 to 8 pixels, whose width is that of the circle with the area above half maximum; to 10 %).
    """
    excess = kurtosis - GAUSSIAN_KURTOSIS
    if excess >= 0:
        return 1 + 0.46 * min(excess, 0.8) + 0.14 * min(excess, 0.8) ** 2
    return float(np.interp(kurtosis, HOLLOW_KURTOSIS, HOLLOW_WIDTH))


def _by_fit(light: NDArray[np.float32], shapes: Shapes, index: NDArray[np.intp]) -> float | None:
    """Return the ratio by a fit of log(light) = constant of the star + c1 q + c2 q² to all stars together.

    q is the squared elliptical radius. Pixels are weighted by the square of their light, for the error of a logarithm.
    The half maximum is at c1 q + c2 q² = -ln 2; ``None`` where the light does not fall so far.
    """
    q, variance = _squared_radius(shapes, index, light.shape[-1])
    pixels = light[index].reshape(len(index), -1).astype(np.float64)
    peak = np.max(pixels, axis=1, where=q < FIT_RADIUS2, initial=0.0)[:, None]
    used = (q < FIT_RADIUS2) & (pixels > LOWEST_LIGHT * peak) & (peak > 0)
    used &= (np.count_nonzero(used, axis=1) >= MIN_PIXELS)[:, None]
    weight = np.where(used, pixels / np.where(peak > 0, peak, 1.0), 0.0) ** 2
    total = weight.sum(axis=1)
    has_light = total > 0
    if not has_light.any():
        return None
    q, weight, total = q[has_light], weight[has_light], total[has_light]
    logarithm = np.log(np.where(used[has_light], pixels[has_light], 1.0))
    columns = [values - ((values * weight).sum(axis=1) / total)[:, None] for values in (q, q**2, logarithm)]
    products = np.array([[float((first * second * weight).sum()) for second in columns] for first in columns[:2]])
    (m11, m12, r1), (_, m22, r2) = products
    determinant = m11 * m22 - m12**2
    if determinant <= 1e-9 * m11 * m22:
        return None
    c1, c2 = (m22 * r1 - m12 * r2) / determinant, (m11 * r2 - m12 * r1) / determinant
    inner = c1**2 - 4 * c2 * np.log(2)
    if c1 >= 0 or inner < 0:
        return None
    half_q = 2 * np.log(2) / (-c1 + np.sqrt(inner))
    # FWHM² is 4 q variance; the pixel is subtracted as a Gaussian, then the remaining bias is corrected.
    typical = float(np.median(variance[has_light]))
    squared = 4 * half_q * typical - FWHM_PER_SIGMA**2 * PIXEL_VARIANCE_PX2
    if half_q > FIT_RADIUS2 or squared < 0.5:
        return None
    fwhm = np.sqrt(squared)
    fwhm *= 1 - NARROW_BIAS / max(fwhm, 1.2) ** NARROW_POWER
    return float(FWHM_PER_SIGMA * np.sqrt(typical - PIXEL_VARIANCE_PX2) / fwhm)


def _squared_radius(shapes: Shapes, index: NDArray[np.intp], side: int) -> tuple[Vector, Vector]:
    """Return the squared elliptical radius in units of the rms widths, (K, S²), and the mean variance."""
    xx, yy = shapes.xx[index] + PIXEL_VARIANCE_PX2, shapes.yy[index] + PIXEL_VARIANCE_PX2
    xy = shapes.xy[index]
    determinant = np.maximum(xx * yy - xy**2, 1e-6)
    axis = np.arange(side) - side // 2
    dx, dy = axis[None, :] - shapes.dx[index][:, None], axis[None, :] - shapes.dy[index][:, None]
    squared = ((yy / determinant)[:, None] * dx**2)[:, None, :] + ((xx / determinant)[:, None] * dy**2)[:, :, None]
    squared -= (2 * xy / determinant)[:, None, None] * dx[:, None, :] * dy[:, :, None]
    return squared.reshape(len(index), -1), (xx + yy) / 2
