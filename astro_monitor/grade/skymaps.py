"""The sky over the field as maps: as it is, as it usually is, and what has changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..baseline import TURNED_DEG, sky_change, usual_sky_unit_adu
from ..records import FieldCell
from .known import Known

MAP_COLUMNS, MAP_ROWS = 8, 6
"""Cells of the field grid."""
MAP_CHANNELS = ("now", "usual", "change")
"""Maps in the order of the last axis."""
NOW_STEEPNESS, CHANGE_STEEPNESS = 3.0, 5.0
"""Maps are stretched by asinh of so many times their values: linear below a third and a fifth of S."""
LEAST_NOISES = 3.0
"""A sky darker than so many times the noise of a pixel is no unit for its own map."""

SUMMARY_NUMBERS = ("lowest", "tenth", "quarter", "three_quarters", "nine_tenths", "highest", "rms")
CHANGE_NUMBERS = (*SUMMARY_NUMBERS, "slope", "range", "rms_over_stray", "range_over_noise", "stray")
_QUANTILES = (0, 0.1, 0.25, 0.75, 0.9, 1)
"""Quantiles that sum up a map; its median is 0 by definition."""
# Rows and columns of the cells, from -1 to 1.
_ROW, _COLUMN = (
    axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, MAP_ROWS), np.linspace(-1, 1, MAP_COLUMNS), indexing="ij")
)

Cells = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SkyMaps:
    """Stretched maps of one frame, and numbers that sum them up.

    Attributes:
        maps: (6, 8, 3), the last axis in the order of ``MAP_CHANNELS``; those against the baseline are 0 without one.
        now_numbers: one for each of ``SUMMARY_NUMBERS``, of the map of the frame itself.
        change_numbers: one for each of ``CHANGE_NUMBERS``; 0 without a baseline.
    """

    maps: NDArray[np.float64]
    now_numbers: list[float]
    change_numbers: list[float]


def cells_sky_adu(grid: Sequence[FieldCell]) -> Cells:
    """Return the sky levels of a field grid, (48,), row by row."""
    return np.array([cell.sky_adu for cell in grid], np.float64)


def sky_maps(cells_adu: Cells, known: Known) -> SkyMaps:
    """Return the maps of the sky of one frame.

    Parameters:
        cells_adu: (48,) sky level of the cells of the field grid, row by row.
        known: numbers of the frame and its baseline.
    """
    now = _now(cells_adu, known)
    usual, change = _usual(cells_adu.size, known), _change(cells_adu, known)
    stretched = np.arcsinh(CHANGE_STEEPNESS * change)
    maps = np.stack([now, np.arcsinh(NOW_STEEPNESS * usual), stretched], axis=-1)
    return SkyMaps(
        maps.reshape(MAP_ROWS, MAP_COLUMNS, len(MAP_CHANNELS)),
        _summary(now),
        [*_summary(stretched), _slope(stretched), *_size_of_change(change, known)],
    )


def _now(cells_adu: Cells, known: Known) -> Cells:
    """Sky of the cells against their median, in units of the sky of the frame itself that noise can see."""
    floor = LEAST_NOISES * (known.now("background_noise_adu") or 1.0)
    relative = (cells_adu - np.median(cells_adu)) / max(known.sky_adu() or 0.0, floor, 1e-6)
    return np.asarray(np.arcsinh(NOW_STEEPNESS * relative), np.float64)


def _usual(cells: int, known: Known) -> Cells:
    """Usual sky of the cells against their median in units of the usual sky; all 0 while it is unknown."""
    context, unit = known.context, usual_sky_unit_adu(known.context.spreads)
    turned = abs(known.now("field_turn_deg") or 0.0) > TURNED_DEG
    pattern = context.turned_sky_pattern if turned else context.sky_pattern
    return np.array(pattern, np.float64) / unit if unit and len(pattern) == cells else np.zeros(cells)


def _change(cells_adu: Cells, known: Known) -> Cells:
    """Sky beyond the usual pattern in units of the usual sky; all 0 while nothing is usual."""
    context = known.context
    change = sky_change(
        cells_adu.tolist(),
        known.values,
        context.sky_pattern,
        context.spreads,
        context.turned_sky_pattern,
        context.sky_pattern_level_adu,
    )
    return np.zeros(cells_adu.size) if change is None else np.array(change, np.float64)


def _size_of_change(change: Cells, known: Known) -> list[float]:
    """Return a change in units of the sky of the baseline, of its scatter, and of the noise of one pixel.

    The sky is not always known: without the level of no light it is a guess.
    """
    if not change.any():
        return [0.0, 0.0, 0.0, 0.0]
    low, high = np.quantile(change, (0.02, 0.98))
    unit = usual_sky_unit_adu(known.context.spreads) or 0.0
    noise = max(known.now("background_noise_adu") or 0.0, 1e-6)
    stray = known.context.sky_stray
    return [
        math.asinh(CHANGE_STEEPNESS * (high - low)),
        math.asinh(float(np.sqrt(np.mean(change**2))) / max(stray, 0.002)),
        math.asinh(CHANGE_STEEPNESS * (high - low) * unit / noise),
        math.asinh(50 * stray),
    ]


def _summary(cells: Cells) -> list[float]:
    """Return the quantiles and the root mean square of the cells of a field grid."""
    return [*(float(value) for value in np.quantile(cells, _QUANTILES)), float(np.sqrt(np.mean(cells**2)))]


def _slope(cells: Cells) -> float:
    """Size of the linear part of a map."""
    return float(np.hypot((cells * _ROW).mean() / (_ROW**2).mean(), (cells * _COLUMN).mean() / (_COLUMN**2).mean()))
