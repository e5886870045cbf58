"""What all sources of a frame have in common: their mean image, its ghosts, and how trailed they are one by one.

A mount that jumped leaves each star twice. A star finder then reports two good stars; only their mean image, or for
long jumps their places, show that every star has the same companion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import Stars
from .sources import SOURCE_NUMBERS, STAMP_PX, Sources

PROFILE_NUMBERS = (
    "trail_tenth",
    "trail_quarter",
    "trail_median",
    "trail_three_quarters",
    "trail_nine_tenths",
    "log_fwhm_quarter",
    "log_fwhm_three_quarters",
    "log_stamp_fwhm",
    "mean_image_trail",
    "mean_image_log_width",
    "companion_height",
    "companion_distance",
    "pair_share",
    "pair_excess",
    "pair_log_distance",
)
"""Trails are L / F: path length over width, from each source or from the mean image. The companion is the highest peak
of the mean image away from its centre, relative to the centre, and its distance in widths. Pairs are stars whose
separation is the most common one of the frame: their share of all stars, how many more they are than chance makes
(square root of the ratio), and the separation in widths."""

_MOST_PAIRED = 150
"""Brightest stars among which pairs are looked for; the cost grows with the square."""
_STEP_STAMP_PX = 2.0
"""Side of a bin of separations in pixels of the cut-outs."""
_REACH = 32
"""Largest separation of a pair in such bins; it bounds the cost."""
_AROUND = (-1, 0, 1)
"""Bins around one that are added to it, so that a pair at the border of two counts whole."""
_LEAST_SOURCES = 3
"""Fewer sources have no profile of the frame."""
_LARGEST_TRAIL = 6.0
"""Larger L / F are cut off here: a longer trail leaves the cut-out."""
_FLOOR = 0.03
"""Share of the peak of the mean image below which its pixels count as sky."""
_FWHM_PER_SIGMA = 2.3548
"""FWHM of a Gaussian over its standard deviation: 2 √(2 ln 2)."""
_TRAIL_PER_AXIS = np.sqrt(12.0)
"""Length of a uniform trail over its standard deviation."""

_STAMP = STAMP_PX * STAMP_PX
_AXIS = np.arange(STAMP_PX) - STAMP_PX // 2
"""Pixels of a cut-out along one axis, from its centre."""
_X, _Y = np.meshgrid(_AXIS, _AXIS)
_RADIUS = np.hypot(_X, _Y)
_NUMBER_AT = {name: _STAMP + place for place, name in enumerate(SOURCE_NUMBERS)}


def profile_numbers(table: Sources, stars: Stars, shape: tuple[int, int]) -> list[float | None]:
    """Return the numbers for the quality model that describe the sources of a frame together.

    Parameters:
        table: of the frame.
        stars: of the same frame.
        shape: (H, W) of the frame.

    Returns:
        one value for each of ``PROFILE_NUMBERS``; all ``None`` with fewer than three sources.
    """
    used = table.rows[table.valid > 0].astype(np.float64)
    if len(used) < _LEAST_SOURCES:
        return [None] * len(PROFILE_NUMBERS)
    ellipticity = np.clip(used[:, _NUMBER_AT["ellipticity"]], 0, 0.99)
    # a² - b² over b², from e = (a² - b²) / (a² + b²); L = sqrt(12 (a² - b²)), F = 2.355 b.
    excess = 2 * ellipticity / (1 - ellipticity)
    trails = np.minimum(_TRAIL_PER_AXIS / _FWHM_PER_SIGMA * np.sqrt(excess), _LARGEST_TRAIL)
    width = np.quantile(used[:, _NUMBER_AT["log_fwhm_over_median"]], (0.25, 0.75))
    fwhm = float(np.median(used[:, _NUMBER_AT["log_fwhm_stamp_px"]]))
    return [
        *(float(value) for value in np.quantile(trails, (0.1, 0.25, 0.5, 0.75, 0.9))),
        *(float(value) for value in width),
        fwhm,
        *_mean_image(used[:, :_STAMP].mean(axis=0).reshape(STAMP_PX, STAMP_PX), float(np.exp(fwhm))),
        *_pairs(stars, shape, float(np.exp(fwhm)) * stars.stamp_bin),
    ]


def _pairs(stars: Stars, shape: tuple[int, int], fwhm_px: float) -> tuple[float, float, float]:
    """Find the most common separation of two stars, as a vector of at most ``_REACH`` steps."""
    step = _STEP_STAMP_PX * stars.stamp_bin
    x = stars.x_px[:_MOST_PAIRED].astype(np.float64)
    y = stars.y_px[:_MOST_PAIRED].astype(np.float64)
    right = np.rint((x[None, :] - x[:, None]) / step).astype(np.intp)
    down = np.rint((y[None, :] - y[:, None]) / step).astype(np.intp)
    near = (np.abs(right) <= _REACH) & (down >= 0) & (down <= _REACH) & ((down > 0) | (right > 0))
    # Close doubles are one star that was found twice, or real.
    near &= np.hypot(right, down) * step > max(1.2 * fwhm_px, 2 * step)
    # One empty bin all round, so that the sum over neighbours stays inside.
    size = 2 * _REACH + 3
    flat = (down[near] + 1) * size + right[near] + _REACH + 1
    counts = np.bincount(flat, minlength=(_REACH + 3) * size).reshape(_REACH + 3, size)
    summed = sum(counts[1 + dy : counts.shape[0] - 1 + dy, 1 + dx : size - 1 + dx] for dy in _AROUND for dx in _AROUND)
    best = int(np.argmax(summed))
    most = float(np.asarray(summed).flat[best])
    by_chance = 0.5 * len(x) ** 2 * 9 * step**2 * 2 / (shape[0] * shape[1])
    distance = np.hypot(best // (size - 2), best % (size - 2) - _REACH) * step
    excess = float(np.sqrt(min(most / (by_chance + 1.0), 100.0)))
    return most / len(x), excess, float(np.log(max(distance / max(fwhm_px, 0.3), 0.1))) if most else 0.0


def _mean_image(image: NDArray[np.float64], fwhm: float) -> tuple[float, float, float, float]:
    """Return trail length, log width, height of the ghost and its distance, all of the mean image of the sources."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    clean = image - np.median(border)
    top = max(float(clean[_RADIUS < 3].max()), 1e-6)
    clean = np.maximum(clean / top - _FLOOR, 0) * (_RADIUS <= STAMP_PX // 2)
    total = max(float(clean.sum()), 1e-9)
    x, y = float((clean * _X).sum()) / total, float((clean * _Y).sum()) / total
    xx = float((clean * (_X - x) ** 2).sum()) / total
    yy = float((clean * (_Y - y) ** 2).sum()) / total
    xy = float((clean * (_X - x) * (_Y - y)).sum()) / total
    half_difference = float(np.hypot((xx - yy) / 2, xy))
    minor = max((xx + yy) / 2 - half_difference, 0.1)
    trail = float(_TRAIL_PER_AXIS * np.sqrt(2 * half_difference) / (_FWHM_PER_SIGMA * np.sqrt(minor)))
    away = np.where(max(1.5 * fwhm, 3.0) < _RADIUS, clean, 0.0)
    peak = int(away.argmax())
    height = float(away.flat[peak])
    distance = float(_RADIUS.flat[peak]) / max(fwhm, 1.0) if height > 0 else 0.0
    return min(trail, _LARGEST_TRAIL), 0.5 * float(np.log(minor)), height, distance
