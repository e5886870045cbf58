"""The typical profile of a frame's stars: what their width at half maximum is, given the width of their moments.

Moments know nothing of the half maximum: wings widen them, flat tops narrow them. The profile is common to the stars
of a frame, so it is read from many of them together, which also fills in between the pixels of narrow stars.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .moments import FWHM_PER_SIGMA, GAUSSIAN_KURTOSIS, PIXEL_VARIANCE_PX2, Shapes

Vector = NDArray[np.float64]

MAX_STARS = 48
FIT_RADIUS2, LOWEST_LIGHT = 1.6**2, 0.1
"""The fit goes out to 1.6 rms widths, and down to a tenth of the peak."""
MIN_PIXELS = 4
USUAL_MADS, USUAL_SHARE = 3.0, 0.02
LONG, VERY_LONG = 1.15, 1.6
"""Elongations between which the fit gives way to the kurtosis along the minor axis, which trails do not change."""
NARROW_PX, VERY_NARROW_PX = 2.2, 1.7
"""Moments' widths between which it gives way, because pixels shape such stars; the weight knows their kurtosis."""
PEAKED, HOLLOW = 2.9, 2.7
"""Kurtosis between which the fit gives way, because stars without a peak have no half maximum of their middle."""
NARROW_WIDTH_PX = (1.1, 1.2, 1.3, 1.4, 1.5)
NARROW_EXCESS = (0.25, 0.155, 0.068, 0.011, 0.0)
"""Pixels alone give a Gaussian whose moments are so wide this much kurtosis above 3."""
HOLLOW_KURTOSIS = (1.75, 1.95, 2.3, 2.5, 2.72, 3.0)
HOLLOW_WIDTH = (1.19, 1.10, 0.78, 0.75, 0.80, 1.0)
USUAL_KURTOSIS, USUAL_WEIGHT = 3.25, 4
"""Common seeing counts as so many stars, which matters where there are hardly any."""
NARROW_BIAS, NARROW_POWER = 0.17, 2.6
"""Pixels widen wings more than they widen a Gaussian. What is left of it falls with this power of the FWHM in pixels;
from pixel-integrated Gaussian and Moffat profiles of 1.6 to 4 pixels, between which it errs by 3 % at 1.6 pixels."""


def width_over_fwhm(light: NDArray[np.float32], shapes: Shapes, index: NDArray[np.intp]) -> float:
    """Width that the moments give the stars, 2.35 σ, over their width at half maximum; 1 for Gaussians.

    Parameters:
        light: (M, S, S) cut-outs.
        shapes: of all of them.
        index: the stars to read the profile from, clearest first.
    """
    if index.size == 0:
        return by_kurtosis(USUAL_KURTOSIS)
    a, b, _ = shapes.axes()
    width = FWHM_PER_SIGMA * float(np.median(np.sqrt((a[index] ** 2 + b[index] ** 2) / 2)))
    long = float(np.median(a[index] / b[index]))
    if width < NARROW_PX:
        # Pixels make each narrow star long in a direction of its own; only what all have in common is a trail.
        long = min(long, _long_together(shapes, index))
    across, along = float(np.median(shapes.kurtosis[index])), float(np.median(shapes.kurtosis_major[index]))
    kurtosis = across if long > LONG else (across + along) / 2
    kurtosis = (index.size * kurtosis + USUAL_WEIGHT * USUAL_KURTOSIS) / (index.size + USUAL_WEIGHT)
    # At 0 only the fit speaks, at 1 only the kurtosis.
    kurtosis -= float(np.interp(width, NARROW_WIDTH_PX, NARROW_EXCESS))
    doubts = (
        (long - LONG) / (VERY_LONG - LONG),
        (PEAKED - across) / (PEAKED - HOLLOW),
        (NARROW_PX - width) / (NARROW_PX - VERY_NARROW_PX),
    )
    doubt = float(np.clip(max(doubts), 0, 1))
    alone = index[
        _usual(shapes.xx[index] + shapes.yy[index]) & _usual(shapes.kurtosis[index] + shapes.kurtosis_major[index])
    ]
    fitted = _by_fit(light, shapes, alone[:MAX_STARS]) if doubt < 1 else None
    if fitted is None:
        return by_kurtosis(kurtosis)
    return (1 - doubt) * fitted + doubt * by_kurtosis(kurtosis)


def _long_together(shapes: Shapes, index: NDArray[np.intp]) -> float:
    """Elongation of the typical second moments: directions at random cancel."""
    middle = float(np.median(shapes.xx[index] + shapes.yy[index])) / 2
    along = float(np.median(shapes.xx[index] - shapes.yy[index])) / 2
    split = min(float(np.hypot(along, np.median(shapes.xy[index]))), 0.98 * middle)
    return float(np.sqrt((middle + split) / (middle - split)))


def _usual(values: Vector) -> NDArray[np.bool_]:
    """Which stars look like most others: the rest are double, or have a neighbour."""
    away = np.abs(values - np.median(values))
    return np.asarray(away <= np.maximum(USUAL_MADS * np.median(away), USUAL_SHARE * np.median(values)), np.bool_)


def by_kurtosis(kurtosis: float) -> float:
    """The same ratio, known only the kurtosis of the light under the matched weight.

    Computed from pixel-integrated Moffat profiles (exponent 2.7 to 5, FWHM 1.3 to 8 pixels; holds to 2 %), discs and
    rings (diameter 3 to 8 pixels, whose width is that of the circle with the area above half maximum; to 10 %).
    """
    excess = kurtosis - GAUSSIAN_KURTOSIS
    if excess >= 0:
        return 1 + 0.46 * min(excess, 0.8) + 0.14 * min(excess, 0.8) ** 2
    return float(np.interp(kurtosis, HOLLOW_KURTOSIS, HOLLOW_WIDTH))


def _by_fit(light: NDArray[np.float32], shapes: Shapes, index: NDArray[np.intp]) -> float | None:
    """Fit log(light) = constant of the star + c1 q + c2 q² for all stars together, q the squared elliptical radius.

    Pixels count with the square of their light, as the error of a logarithm demands. Half the peak is where
    c1 q + c2 q² = -ln 2. ``None`` where the light does not fall so far.
    """
    q, variance = _squared_radius(shapes, index, light.shape[-1])
    pixels = light[index].reshape(len(index), -1).astype(np.float64)
    peak = np.max(pixels, axis=1, where=q < FIT_RADIUS2, initial=0.0)[:, None]
    used = (q < FIT_RADIUS2) & (pixels > LOWEST_LIGHT * peak) & (peak > 0)
    used &= (np.count_nonzero(used, axis=1) >= MIN_PIXELS)[:, None]
    weight = np.where(used, pixels / np.where(peak > 0, peak, 1.0), 0.0) ** 2
    total = weight.sum(axis=1)
    kept = total > 0
    if not kept.any():
        return None
    q, weight, total = q[kept], weight[kept], total[kept]
    logarithm = np.log(np.where(used[kept], pixels[kept], 1.0))
    columns = [values - ((values * weight).sum(axis=1) / total)[:, None] for values in (q, q**2, logarithm)]
    products = np.array([[float((one * two * weight).sum()) for two in columns] for one in columns[:2]])
    (m11, m12, r1), (_, m22, r2) = products
    determinant = m11 * m22 - m12**2
    if determinant <= 1e-9 * m11 * m22:
        return None
    c1, c2 = (m22 * r1 - m12 * r2) / determinant, (m11 * r2 - m12 * r1) / determinant
    inner = c1**2 - 4 * c2 * np.log(2)
    if c1 >= 0 or inner < 0:
        return None
    half_q = 2 * np.log(2) / (-c1 + np.sqrt(inner))
    # FWHM² is 4 q variance; the pixel is taken out as if it were a Gaussian, then the rest of its work.
    typical = float(np.median(variance[kept]))
    seen = 4 * half_q * typical - FWHM_PER_SIGMA**2 * PIXEL_VARIANCE_PX2
    if half_q > FIT_RADIUS2 or seen < 0.5:
        return None
    fwhm = np.sqrt(seen)
    fwhm *= 1 - NARROW_BIAS / max(fwhm, 1.2) ** NARROW_POWER
    return float(FWHM_PER_SIGMA * np.sqrt(typical - PIXEL_VARIANCE_PX2) / fwhm)


def _squared_radius(shapes: Shapes, index: NDArray[np.intp], side: int) -> tuple[Vector, Vector]:
    """Elliptical radius in units of the star's rms widths, squared, (K, S²); their mean variance, pixel included."""
    xx, yy = shapes.xx[index] + PIXEL_VARIANCE_PX2, shapes.yy[index] + PIXEL_VARIANCE_PX2
    xy = shapes.xy[index]
    determinant = np.maximum(xx * yy - xy**2, 1e-6)
    axis = np.arange(side) - side // 2
    dx, dy = axis[None, :] - shapes.dx[index][:, None], axis[None, :] - shapes.dy[index][:, None]
    squared = ((yy / determinant)[:, None] * dx**2)[:, None, :] + ((xx / determinant)[:, None] * dy**2)[:, :, None]
    squared -= (2 * xy / determinant)[:, None, None] * dx[:, None, :] * dy[:, :, None]
    return squared.reshape(len(index), -1), (xx + yy) / 2
