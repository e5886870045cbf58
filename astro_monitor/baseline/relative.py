"""A frame's numbers compared with the baseline of its rig: pure functions, the same for judge and quality model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..records import Spread
from .spreads import median

Values = Mapping[str, float | None]

LEAST_SKY_IN_NOISE = 0.5
"""A sky darker than this many times its noise in one pixel is no unit to measure parts of the sky in: a cell of the
field grid is the mean of thousands of pixels, and known to a twentieth of that noise."""


def sky_unit_adu(sky_above_pedestal_adu: float | None, noise_adu: float | None) -> float:
    """Return the sky level, at least a few times the noise, that is the unit to compare sky patterns with a baseline.

    Parameters:
        sky_above_pedestal_adu: sky level above the level of no light; ``None`` counts as dark.
        noise_adu: standard deviation of the sky in one pixel.
    """
    return max(sky_above_pedestal_adu or 0.0, LEAST_SKY_IN_NOISE * (noise_adu or 0.0), 1e-6)


def usual_sky_unit_adu(spreads: Mapping[str, Spread]) -> float | None:
    """Return the unit of :func:`sky_change`: the usual sky of a rig, at least a few times its noise; ``None``: unknown.

    Parameters:
        spreads: ``Baseline.spreads``.
    """
    usual_sky, usual_noise = spreads.get("sky_above_pedestal_adu"), spreads.get("background_noise_adu")
    return None if usual_noise is None else sky_unit_adu(usual_sky.median if usual_sky else None, usual_noise.median)


def sky_pattern(cells_adu: Sequence[float], values: Values) -> tuple[float, ...]:
    """Return the sky of the field grid's cells against their median, in units of the frame's own sky.

    Vignetting, the glow of a town and a gradient that is there every night give the same pattern whatever the level.

    Parameters:
        cells_adu: sky level of each cell.
        values: ``Measurements.values`` of the same frame.
    """
    unit = sky_unit_adu(values.get("sky_above_pedestal_adu"), values.get("background_noise_adu"))
    middle = median(cells_adu)
    return tuple((level - middle) / unit for level in cells_adu)


def sky_change(
    cells_adu: Sequence[float], values: Values, usual_pattern: Sequence[float], spreads: Mapping[str, Spread]
) -> tuple[float, ...] | None:
    """Return what the sky of a frame has that the baseline's pattern, at the present level, does not explain.

    Parameters:
        cells_adu: sky level of each cell.
        values: ``Measurements.values`` of the same frame.
        usual_pattern: ``Baseline.sky_pattern``.
        spreads: ``Baseline.spreads``.

    Returns:
        for each cell the excess in units of the usual sky, with a median of 0; ``None`` where nothing is usual yet.
    """
    unit = usual_sky_unit_adu(spreads)
    if len(usual_pattern) != len(cells_adu) or not cells_adu or unit is None:
        return None
    now = sky_unit_adu(values.get("sky_above_pedestal_adu"), values.get("background_noise_adu"))
    pattern = sky_pattern(cells_adu, values)
    change = [now * (share - usual) / unit for share, usual in zip(pattern, usual_pattern, strict=True)]
    middle = median(change)
    return tuple(part - middle for part in change)


def usual_sky_pattern(patterns: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], float]:
    """Return the median pattern of accepted frames, and how far single frames stray from it.

    Parameters:
        patterns: from :func:`sky_pattern`; empty ones, and those of another grid than the last, are left out.

    Returns:
        the usual share of each cell, and the median over the frames of the rms difference from it.
    """
    known = [pattern for pattern in patterns if pattern and len(pattern) == len(patterns[-1])]
    usual = tuple(median(column) for column in zip(*known, strict=True))
    strays = [
        math.sqrt(sum([(share - here) ** 2 for share, here in zip(pattern, usual, strict=True)]) / len(usual))
        for pattern in known
    ]
    return usual, median(strays) if strays else 0.0


def excess_trail_px(values: Values, spreads: Mapping[str, Spread]) -> float | None:
    """Return the trail length in pixels that explains a frame's elongation beyond that of the baseline.

    Second moments of the optics and of a path add up, so the squares of lengths subtract as vectors of twice the angle.
    What the optics add stays the same when the seeing widens the stars; what draws the seeing itself out grows with the
    square of the width. Rigs lie between the two, so the usual elongation may be anything from the one to the other.

    Parameters:
        values: ``Measurements.values``.
        spreads: ``Baseline.spreads``.

    Returns:
        the length; ``None`` where the frame or the baseline lacks the numbers.
    """
    plus, cross = values.get("trail_plus_px2"), values.get("trail_cross_px2")
    usual_plus, usual_cross = spreads.get("trail_plus_px2"), spreads.get("trail_cross_px2")
    if plus is None or cross is None or usual_plus is None or usual_cross is None:
        return None
    grown = _usual_growth(plus, cross, usual_plus.median, usual_cross.median, _width_ratio(values, spreads))
    return math.sqrt(math.hypot(plus - grown * usual_plus.median, cross - grown * usual_cross.median))


def _width_ratio(values: Values, spreads: Mapping[str, Spread]) -> float:
    """Width of the stars across the trail over the usual one; 1 where either is unknown."""
    width, usual = values.get("fwhm_minor_px"), spreads.get("fwhm_minor_px")
    return width / usual.median if width is not None and usual is not None and usual.median > 0 else 1.0


def _usual_growth(plus: float, cross: float, usual_plus: float, usual_cross: float, wider: float) -> float:
    """Return the factor between 1 and ``wider`` squared by which the usual elongation best explains this one."""
    size, most = usual_plus * usual_plus + usual_cross * usual_cross, wider * wider
    best = (plus * usual_plus + cross * usual_cross) / size if size > 0 else 1.0
    return min(max(best, min(1.0, most)), max(1.0, most))


def usual_trail_px(spreads: Mapping[str, Spread]) -> float | None:
    """Return the trail length in pixels that would explain the elongation of the baseline."""
    plus, cross = spreads.get("trail_plus_px2"), spreads.get("trail_cross_px2")
    return None if plus is None or cross is None else math.sqrt(math.hypot(plus.median, cross.median))
