"""What all sources of a frame have in common: their mean image, its ghosts, and how trailed they are one by one.

A mount that jumped leaves each star twice. A star finder then reports two good stars; only their mean image shows that
every star has the same companion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
)
"""Trails are L / F: path length over width, from each source or from the mean image. The companion is the highest peak
of the mean image away from its centre, relative to the centre, and its distance in widths."""

_LEAST_SOURCES = 3
_LARGEST_TRAIL = 6.0
_FLOOR = 0.03
_FWHM_PER_SIGMA = 2.3548
_TRAIL_PER_AXIS = np.sqrt(12.0)

_STAMP = STAMP_PX * STAMP_PX
_AXIS = np.arange(STAMP_PX) - STAMP_PX // 2
_X, _Y = np.meshgrid(_AXIS, _AXIS)
_RADIUS = np.hypot(_X, _Y)
_NUMBER_AT = {name: _STAMP + place for place, name in enumerate(SOURCE_NUMBERS)}


def profile_numbers(table: Sources) -> list[float | None]:
    """Describe the sources of a frame together.

    Parameters:
        table: of the frame.

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
    ]


def _mean_image(image: NDArray[np.float64], fwhm: float) -> tuple[float, float, float, float]:
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
