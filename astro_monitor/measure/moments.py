"""Size, direction and flux of many stars at once, from their cut-outs.

Widths come from adaptive moments: second moments under an elliptical Gaussian weight that is matched to the star by
iteration (Bernstein & Jarvis 2002, AJ 123, 583; Hirata & Seljak 2003, MNRAS 343, 459). Such moments are those of the
best-fitting Gaussian, so that noise far from the star does not enter, and need no correction for the weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 12
FWHM_PER_SIGMA = 2.3548200450309493
"""2 sqrt(2 ln 2)."""
MIN_VARIANCE_PX2 = 0.09
"""Pixels are not smaller: below this the weight would hold a single pixel."""
PIXEL_VARIANCE_PX2 = 1.0 / 12.0
"""Variance that a square pixel adds to a profile."""
RADIUS_STEP_PX = 0.25
GAUSSIAN_CONCENTRATION = 0.31821
"""Flux inside half the half-flux radius over half the flux, for a Gaussian: 2 (1 - 2^(-1/4))."""
DIP_MIN_RADIUS_PX = 1.8
"""Smaller stars are shaped by the pixels, so their middle says nothing."""


_Moments = tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.bool_],
]
"""x, y, xx, yy, xy and whether they can be trusted."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """(M,) float64 arrays in stamp pixels.

    Attributes:
        dx, dy: centre relative to the middle pixel.
        xx, yy, xy: second moments of the best-fitting Gaussian.
        flux: sum inside the aperture, ADU × stamp pixels.
        aperture_px2: area of that aperture.
        hfr: half-flux radius.
        dip: 0 for a Gaussian or peaked profile, towards 1 for a ring.
        converged: whether the moments are to be trusted.
    """

    dx: NDArray[np.float64]
    dy: NDArray[np.float64]
    xx: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: NDArray[np.float64]
    flux: NDArray[np.float64]
    aperture_px2: NDArray[np.float64]
    hfr: NDArray[np.float64]
    dip: NDArray[np.float64]
    converged: NDArray[np.bool_]

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Rms extent along the major and minor axis, and the major axis' direction in degrees, -90 < θ ≤ 90."""
        mean = (self.xx + self.yy) / 2
        split = np.hypot((self.xx - self.yy) / 2, self.xy)
        theta = np.degrees(0.5 * np.arctan2(2 * self.xy, self.xx - self.yy))
        return np.sqrt(mean + split), np.sqrt(np.maximum(mean - split, MIN_VARIANCE_PX2 / 4)), theta


def measure_stamps(stamps: NDArray[np.float32]) -> Shapes:
    """Measure cut-outs with the sky subtracted.

    Parameters:
        stamps: (M, S, S) float32, S odd, star near the middle.
    """
    count, side, _ = stamps.shape
    axis = np.arange(side, dtype=np.float32) - side // 2
    light = np.asarray(stamps, np.float32)
    x0, y0, xx, yy, xy, converged = _adaptive_moments(light, axis)
    if count == 0:
        nothing = np.zeros(0)
        return Shapes(nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, converged)
    radius = np.hypot(axis[None, None, :] - x0[:, None, None], axis[None, :, None] - y0[:, None, None])
    width = FWHM_PER_SIGMA * np.sqrt((xx + yy) / 2)
    aperture = np.clip(2.2 * width, 4.0, side / 2)
    inside = radius <= aperture[:, None, None]
    flux = np.where(inside, light, 0).sum(axis=(1, 2), dtype=np.float64)
    hfr, dip = _growth(light, radius, inside, flux, side)
    area = inside.sum(axis=(1, 2)).astype(np.float64)
    return Shapes(x0, y0, xx, yy, xy, flux, area, hfr, dip, converged & (flux > 0) & np.isfinite(hfr))


def _adaptive_moments(light: NDArray[np.float32], axis: NDArray[np.float32]) -> _Moments:
    """Iterate weight and moments; the weighted moments of a matched Gaussian are half its own."""
    count, side = light.shape[0], axis.size
    x0, y0 = np.zeros(count), np.zeros(count)
    # The first weight is wide, so that trails and rings are seen whole.
    xx, yy, xy = np.full(count, 9.0), np.full(count, 9.0), np.zeros(count)
    largest = (side / 2.6) ** 2
    good = np.ones(count, np.bool_)
    for _ in range(ITERATIONS):
        determinant = xx * yy - xy**2
        dx = axis[None, :] - x0[:, None].astype(np.float32)
        dy = axis[None, :] - y0[:, None].astype(np.float32)
        # exp of a sum is a product, but for the cross term: two outer factors and one full exponential.
        a = (-0.5 * yy / determinant).astype(np.float32)
        b = (-0.5 * xx / determinant).astype(np.float32)
        c = (xy / determinant).astype(np.float32)
        power = (a[:, None] * dx**2)[:, None, :] + (b[:, None] * dy**2)[:, :, None]
        power += (c[:, None] * dx)[:, None, :] * dy[:, :, None]
        weighted = np.exp(power, out=power)
        weighted *= light
        total = weighted.sum(axis=(1, 2), dtype=np.float64)
        good &= total > 0
        total = np.where(good, total, 1.0)
        along_x, along_y = weighted.sum(axis=1), weighted.sum(axis=2)
        shift_x, shift_y = (along_x * dx).sum(axis=1) / total, (along_y * dy).sum(axis=1) / total
        wxx = (along_x * dx**2).sum(axis=1) / total - shift_x**2
        wyy = (along_y * dy**2).sum(axis=1) / total - shift_y**2
        wxy = ((weighted * dx[:, None, :]).sum(axis=2) * dy).sum(axis=1) / total - shift_x * shift_y
        xx = np.where(good, np.clip(2 * wxx, MIN_VARIANCE_PX2, largest), 1.0)
        yy = np.where(good, np.clip(2 * wyy, MIN_VARIANCE_PX2, largest), 1.0)
        bound = 0.98 * np.sqrt(xx * yy)
        xy = np.where(good, np.clip(2 * wxy, -bound, bound), 0.0)
        x0 = np.where(good, np.clip(x0 + 2 * shift_x, -side / 4, side / 4), 0.0)
        y0 = np.where(good, np.clip(y0 + 2 * shift_y, -side / 4, side / 4), 0.0)
    good &= (xx < 0.98 * largest) & (yy < 0.98 * largest)
    return x0, y0, xx, yy, xy, good


def _growth(
    light: NDArray[np.float32],
    radius: NDArray[np.float64],
    inside: NDArray[np.bool_],
    flux: NDArray[np.float64],
    side: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half-flux radius and hollowness from the curve of growth, in steps of ``RADIUS_STEP_PX``."""
    count = light.shape[0]
    steps = int(np.ceil(side / RADIUS_STEP_PX)) + 1
    index = np.minimum((radius / RADIUS_STEP_PX).astype(np.intp), steps - 1) + (np.arange(count) * steps)[:, None, None]
    rings = np.bincount(index[inside], weights=light[inside], minlength=count * steps).reshape(count, steps)
    growth = np.concatenate([np.zeros((count, 1)), np.cumsum(rings, axis=1)], axis=1)
    safe = np.where(flux > 0, flux, 1.0)
    share = growth / safe[:, None]
    half = _crossing(share, 0.5) * RADIUS_STEP_PX
    inner = _value_at(share, half / 2 / RADIUS_STEP_PX)
    dip = np.clip(1 - 2 * inner / GAUSSIAN_CONCENTRATION, 0, 1)
    return half, np.where(half >= DIP_MIN_RADIUS_PX, dip, 0.0)


def _crossing(share: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Fractional index at which each row first reaches a level."""
    after = np.argmax(share >= level, axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(share.shape[0])
    low, high = share[rows, before], share[rows, after]
    step = np.where(high > low, (level - low) / np.where(high > low, high - low, 1.0), 0.0)
    return np.asarray(np.where(after > 0, before + step, np.nan), np.float64)


def _value_at(share: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row's value at a fractional index."""
    known = np.nan_to_num(position)
    low = np.clip(known.astype(np.intp), 0, share.shape[1] - 2)
    rows = np.arange(share.shape[0])
    part = known - low
    return np.asarray(share[rows, low] * (1 - part) + share[rows, low + 1] * part, np.float64)
