"""Size, direction, profile and flux of many stars, from their cut-outs.

Shapes come from adaptive moments: second moments under an elliptical Gaussian weight that follows the star by
iteration (Bernstein & Jarvis 2002, AJ 123, 583; Hirata & Seljak 2003, MNRAS 343, 459), so that noise and neighbours far
from the star have no effect. The weight is a little wider than the star, so that it is always well sampled by the
pixels, and is divided out at the end: the result is exact for a Gaussian of any width.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .growth import curve_of_growth

Vector = NDArray[np.float64]

ITERATIONS = 11
"""Iterations of weight and moments; the last one does not move the weight."""
TOGETHER = 64
"""Stars per batch: their arrays stay in the cache of a core, and their matrix products are too small for the threads of
the linear algebra library, which would take longer than they save."""
FWHM_PER_SIGMA = 2.3548200450309493
"""Full width at half maximum of a Gaussian of unit standard deviation: 2 sqrt(2 ln 2)."""
EXTRA_VARIANCE_PX2 = 0.5
"""Variance of the weight in excess of the star's: a weight below one pixel would be undersampled."""
PIXEL_VARIANCE_PX2 = 1.0 / 12.0
"""Variance that the integration over a square pixel adds to a profile."""
MIN_VARIANCE_PX2 = 0.1
"""Smallest variance of a star: a FWHM of 0.75 pixels."""
MIN_WEIGHT_PX2 = 0.6
"""Smallest variance of the weight: ``EXTRA_VARIANCE_PX2`` and ``MIN_VARIANCE_PX2`` together."""
START_VARIANCE_PX2 = 9.0
"""Variance of the first weight: wide, so that it includes complete trails and rings."""
GAUSSIAN_KURTOSIS, FLAT_KURTOSIS, RING_KURTOSIS = 3.0, 2.9, 1.8
"""Kurtosis of light under a matched weight, along one axis: of a Gaussian, of a flat top, of a ring. Real stars have
wings, and a kurtosis above the first."""
MIN_APERTURE_PX, APERTURE_WIDTHS = 4.0, 2.2
"""Radius of the flux aperture: smallest in pixels, and in FWHM, which includes all but 2 % of a star with wings."""
HOLLOW_APERTURE_WIDTHS = 1.1
"""Radius of the aperture of rings in FWHM, 1.4 times the radius of the ring: they have no wings, and a larger aperture
would include neighbours."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """(M,) float64 arrays in stamp pixels.

    Attributes:
        dx, dy: centre relative to the middle pixel.
        xx, yy, xy: second moments, corrected for weight and pixel.
        flux: sum inside the aperture, ADU × stamp pixels.
        aperture_px2: area of that aperture.
        hfr: half-flux radius.
        kurtosis: kurtosis of the weighted light along the minor axis; 3 for a Gaussian, more with wings, less for a
            flat or hollow top. A trail does not change it.
        kurtosis_major: the same along the major axis.
        converged: whether the moments are valid.
    """

    dx: Vector
    dy: Vector
    xx: Vector
    yy: Vector
    xy: Vector
    flux: Vector
    aperture_px2: Vector
    hfr: Vector
    kurtosis: Vector
    kurtosis_major: Vector
    converged: NDArray[np.bool_]

    def axes(self) -> tuple[Vector, Vector, Vector]:
        """Return rms extent along major and minor axis, and direction of the major axis in degrees, -90 < θ ≤ 90."""
        mean = (self.xx + self.yy) / 2
        split = np.hypot((self.xx - self.yy) / 2, self.xy)
        theta = np.degrees(0.5 * np.arctan2(2 * self.xy, self.xx - self.yy))
        smallest = np.maximum(mean - split, MIN_VARIANCE_PX2)
        return np.sqrt(np.maximum(mean + split, smallest)), np.sqrt(smallest), np.where(theta <= -90, 90.0, theta)


def measure_stamps(stamps: NDArray[np.float32]) -> Shapes:
    """Return the shapes of stars in cut-outs with the sky subtracted.

    Parameters:
        stamps: (M, S, S) float32, S odd, star near the middle.
    """
    parts = [_shapes_of_batch(stamps[first : first + TOGETHER]) for first in range(0, max(len(stamps), 1), TOGETHER)]
    return Shapes(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Shapes)))


def _shapes_of_batch(stamps: NDArray[np.float32]) -> Shapes:
    """Return the shapes of a batch of stars: adaptive moments, flux, half-flux radius and kurtosis."""
    side = stamps.shape[-1]
    axis = (np.arange(side) - side // 2).astype(np.float32)
    light = np.ascontiguousarray(stamps, np.float32).reshape(len(stamps), side * side)
    x = np.tile(axis, side)
    y = np.repeat(axis, side)
    x0, y0, xx, yy, xy, good, weighted = _adaptive_moments(light, x, y, side)
    theta = 0.5 * np.arctan2(2 * xy, xx - yy)
    dx, dy = x - x0[:, None].astype(np.float32), y - y0[:, None].astype(np.float32)
    cosine, sine = np.cos(theta)[:, None].astype(np.float32), np.sin(theta)[:, None].astype(np.float32)
    kurtosis_major = _kurtosis(weighted, cosine * dx + sine * dy)
    kurtosis = _kurtosis(weighted, cosine * dy - sine * dx)
    dx *= dx
    dy *= dy
    width = FWHM_PER_SIGMA * np.sqrt((xx + yy) / 2)
    widths = APERTURE_WIDTHS + (HOLLOW_APERTURE_WIDTHS - APERTURE_WIDTHS) * hollowness(kurtosis)
    aperture = np.clip(widths * width, MIN_APERTURE_PX, side / 2)
    flux, area, hfr = curve_of_growth(light, np.sqrt(dx + dy), aperture)
    good &= (flux > 0) & np.isfinite(hfr)
    return Shapes(x0, y0, xx, yy, xy, flux, area, np.where(good, hfr, 1.0), kurtosis, kurtosis_major, good)


def hollowness(kurtosis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 0 for stars with a peak, about 0.3 for a disc, 1 for a ring."""
    return np.clip((FLAT_KURTOSIS - kurtosis) / (FLAT_KURTOSIS - RING_KURTOSIS), 0.0, 1.0)


def _adaptive_moments(
    light: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], side: int
) -> tuple[Vector, Vector, Vector, Vector, Vector, NDArray[np.bool_], NDArray[np.float32]]:
    """Iterate weight and moments, and divide the weight out.

    The exponent of the weight and the moments are both linear in the six monomials of x and y up to second order, so
    that each iteration is two small matrix products and one exponential.
    """
    count = len(light)
    monomials = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    x0, y0, wxy = np.zeros((3, count))
    wxx, wyy = np.full((2, count), START_VARIANCE_PX2)
    largest = (side / 2.4) ** 2
    good = np.ones(count, np.bool_)
    for iteration in range(ITERATIONS):
        determinant = wxx * wyy - wxy**2
        a, b, c = -0.5 * wyy / determinant, -0.5 * wxx / determinant, wxy / determinant
        constant = a * x0**2 + b * y0**2 + c * x0 * y0
        exponent = np.stack([constant, -2 * a * x0 - c * y0, -2 * b * y0 - c * x0, a, c, b], axis=1)
        weighted = exponent.astype(np.float32) @ monomials
        np.exp(weighted, out=weighted)
        weighted *= light
        sums = (weighted @ monomials.T).astype(np.float64)
        good &= sums[:, 0] > 0
        # A star without light continues with valid numbers, and is marked.
        sums[~good] = (1, 0, 0, 1, 0, 1)
        total = sums[:, 0]
        mean_x, mean_y = sums[:, 1] / total, sums[:, 2] / total
        xx = _clip(sums[:, 3] / total - mean_x**2, MIN_VARIANCE_PX2 / 2, largest)
        yy = _clip(sums[:, 5] / total - mean_y**2, MIN_VARIANCE_PX2 / 2, largest)
        xy = _bounded(sums[:, 4] / total - mean_x * mean_y, xx, yy)
        if iteration == ITERATIONS - 1:
            break
        # A matched weight halves the variance of the light under it.
        x0 = _clip(x0 + 1.6 * (mean_x - x0), -side / 4, side / 4)
        y0 = _clip(y0 + 1.6 * (mean_y - y0), -side / 4, side / 4)
        wxx = _clip(2 * xx + EXTRA_VARIANCE_PX2, MIN_WEIGHT_PX2, largest)
        wyy = _clip(2 * yy + EXTRA_VARIANCE_PX2, MIN_WEIGHT_PX2, largest)
        wxy = _bounded(2 * xy, wxx, wyy)
    good &= (wxx < 0.98 * largest) & (wyy < 0.98 * largest)
    return x0, y0, *_without_weight((xx, yy, xy), (wxx, wyy, wxy), largest), good, weighted


def _without_weight(
    weighted: tuple[Vector, Vector, Vector], weight: tuple[Vector, Vector, Vector], largest: float
) -> tuple[Vector, Vector, Vector]:
    """Return the moments of a Gaussian from those of its product with the weight: the inverse matrices subtract."""
    sxx, syy, sxy = _inverse_matrices(*weighted)
    wxx, wyy, wxy = _inverse_matrices(*weight)
    # Stars that did not converge can be wider than their weight; a floor keeps the difference invertible.
    pxx, pyy, pxy = np.maximum(sxx - wxx, 1 / largest), np.maximum(syy - wyy, 1 / largest), sxy - wxy
    xx, yy, xy = _inverse_matrices(pxx, pyy, _bounded(pxy, pxx, pyy))
    xx, yy = xx - PIXEL_VARIANCE_PX2, yy - PIXEL_VARIANCE_PX2
    return np.maximum(xx, MIN_VARIANCE_PX2), np.maximum(yy, MIN_VARIANCE_PX2), xy


def _inverse_matrices(xx: Vector, yy: Vector, xy: Vector) -> tuple[Vector, Vector, Vector]:
    """Return the inverse of each symmetric 2 × 2 matrix of second moments."""
    determinant = xx * yy - xy**2
    return yy / determinant, xx / determinant, -xy / determinant


def _clip(values: Vector, low: float, high: float) -> Vector:
    """Return clipped values; for short arrays twice as fast as ``np.clip``."""
    return np.minimum(np.maximum(values, low), high)


def _bounded(xy: Vector, xx: Vector, yy: Vector) -> Vector:
    """Return the mixed moment, bounded so that the matrix of second moments is invertible."""
    bound = 0.98 * np.sqrt(xx * yy)
    return np.asarray(np.minimum(np.maximum(xy, -bound), bound), np.float64)


def _kurtosis(weighted: NDArray[np.float32], distance: NDArray[np.float32]) -> Vector:
    """Return the kurtosis of each star's light along an axis, a Gaussian's without light; changes ``distance``."""
    squared = np.multiply(distance, distance, out=distance)
    first = np.einsum("np,np->n", weighted, squared).astype(np.float64)
    squared *= squared
    second = np.einsum("np,np->n", weighted, squared).astype(np.float64)
    total = weighted.sum(axis=1, dtype=np.float64)
    usable = (first > 0) & (total > 0)
    return np.asarray(
        np.where(usable, second * total / np.where(usable, first, 1.0) ** 2, GAUSSIAN_KURTOSIS), np.float64
    )
