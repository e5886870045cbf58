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
SKY_UNIT = ("effective_sky_adu", "sky_above_pedestal_adu", "background_noise_adu")
"""Metrics that tell the unit in which parts of the sky are measured."""
TURNED_DEG = 90.0
"""A field that is turned by more than this is seen from the other side of the mount."""


def sky_unit_adu(sky_above_pedestal_adu: float | None, noise_adu: float | None) -> float:
    """Return the sky level, at least a few times the noise, that is the unit to compare sky patterns with a baseline.

    Parameters:
        sky_above_pedestal_adu: sky level above the level of no light; ``None`` counts as dark.
        noise_adu: standard deviation of the sky in one pixel.
    """
    return max(sky_above_pedestal_adu or 0.0, LEAST_SKY_IN_NOISE * (noise_adu or 0.0), 1e-6)


def sky_unit_of(values: Values) -> float:
    """Return the level in ADU that parts of a frame's sky are measured in: S, the sky that noise can see.

    Parameters:
        values: ``Measurements.values``; without ``effective_sky_adu`` the sky above the pedestal stands for it.
    """
    effective = values.get("effective_sky_adu")
    if effective is not None and effective > 0.0:
        return effective
    return sky_unit_adu(values.get("sky_above_pedestal_adu"), values.get("background_noise_adu"))


def usual_sky_unit_adu(spreads: Mapping[str, Spread]) -> float | None:
    """Return the same of a baseline; ``None`` where nothing is known of its sky.

    Parameters:
        spreads: ``Baseline.spreads``.
    """
    if "background_noise_adu" not in spreads and "effective_sky_adu" not in spreads:
        return None
    return sky_unit_of({key: spreads[key].median for key in SKY_UNIT if key in spreads})


def sky_pattern(cells_adu: Sequence[float]) -> tuple[float, ...]:
    """Return the sky of the field grid's cells above their median, in ADU.

    In ADU, because a pattern of the sensor has nothing to do with the level of the sky, and because the level is only
    estimated where no header tells the pedestal.

    Parameters:
        cells_adu: sky level of each cell.
    """
    middle = median(cells_adu)
    return tuple(level - middle for level in cells_adu)


def sky_change(
    cells_adu: Sequence[float],
    values: Values,
    usual_pattern: Sequence[float],
    spreads: Mapping[str, Spread],
    turned_pattern: Sequence[float] = (),
    level_adu: float = 0.0,
) -> tuple[float, ...] | None:
    """Return what the sky of a frame has that the baseline's pattern does not explain.

    What belongs to the sensor stays the same when the sky grows brighter, what belongs to the sky grows with it: the
    usual pattern may be anything from the one to the other.

    Parameters:
        cells_adu: sky level of each cell.
        values: ``Measurements.values`` of the same frame; ``field_turn_deg`` says which pattern holds.
        usual_pattern: ``Baseline.sky_pattern``.
        spreads: ``Baseline.spreads``.
        turned_pattern: ``Baseline.turned_sky_pattern``.
        level_adu: ``Baseline.sky_pattern_level_adu``; 0: that of the usual sky.

    Returns:
        for each cell the excess in units of the usual sky, with a median of 0; ``None`` where nothing is usual yet.
    """
    unit, turn_deg = usual_sky_unit_adu(spreads), values.get("field_turn_deg") or 0.0
    here, there = (turned_pattern, usual_pattern) if abs(turn_deg) > TURNED_DEG else (usual_pattern, turned_pattern)
    if unit is None or not cells_adu or len(cells_adu) not in (len(here), len(there)):
        return None
    growth = sky_growth(values, spreads, level_adu)
    change = pattern_change(sky_pattern(cells_adu), here, there, growth)
    middle = median(change)
    return tuple((part - middle) / unit for part in change)


def sky_growth(values: Values, spreads: Mapping[str, Spread], level_adu: float = 0.0) -> tuple[float, float]:
    """Return the least and the largest factor between the usual pattern of the sky and that of a frame.

    Parameters:
        values: ``Measurements.values``.
        spreads: ``Baseline.spreads``.
        level_adu: sky that the usual pattern belongs to, in the unit of :func:`sky_unit_of`; 0: that of the baseline.
    """
    unit = level_adu or usual_sky_unit_adu(spreads)
    ratio = sky_unit_of(values) / unit if unit else 1.0
    return min(1.0, ratio), max(1.0, ratio)


def pattern_change(
    now_adu: Sequence[float], here_adu: Sequence[float], there_adu: Sequence[float], growth: tuple[float, float]
) -> tuple[float, ...]:
    """Return the sky pattern of a frame minus the usual one, in ADU.

    Where no frame has been seen that lies on the sensor in the same way, one that is turned by 180 degrees serves: what
    belongs to the sky has turned since, what belongs to the sensor has not. Nothing says how much of it is which, but
    whatever the shares, the pattern changes by its odd part only, and by no more than twice as much as there was.

    Parameters:
        now_adu: from :func:`sky_pattern`.
        here_adu: usual pattern of frames that lie on the sensor in the same way; empty: none was seen.
        there_adu: that of frames turned by 180 degrees; used where the other one is empty.
        growth: least and largest factor of the usual pattern.
    """
    if len(here_adu) == len(now_adu):
        return _without(now_adu, here_adu, growth)
    even = _without(_even(now_adu), _even(there_adu), growth)
    odd = [whole - part for whole, part in zip(now_adu, _even(now_adu), strict=True)]
    most = growth[1] * (max(there_adu) - min(there_adu))
    size = max(odd) - min(odd)
    beyond = max(1.0 - most / size, 0.0) if size > 0.0 else 0.0
    return tuple(level + beyond * other for level, other in zip(even, odd, strict=True))


def _even(pattern: Sequence[float]) -> tuple[float, ...]:
    """Return the part of a pattern that stays the same when the field turns by 180 degrees."""
    return tuple(0.5 * (one + other) for one, other in zip(pattern, reversed(pattern), strict=True))


def _without(now: Sequence[float], usual: Sequence[float], growth: tuple[float, float]) -> tuple[float, ...]:
    """Return a pattern minus the usual one, enlarged by the factor within ``growth`` that explains most."""
    factor = min(max(_best_factor(now, usual), growth[0]), growth[1])
    return tuple(level - factor * share for level, share in zip(now, usual, strict=True))


def _best_factor(now: Sequence[float], usual: Sequence[float]) -> float:
    """Return the factor of one pattern that explains another best (least squares); 1 for an even one."""
    size = sum([share * share for share in usual])
    return sum([level * share for level, share in zip(now, usual, strict=True)]) / size if size > 0.0 else 1.0


def _rms(values: Sequence[float]) -> float:
    """Return the root mean square of the cells of a pattern."""
    return math.sqrt(sum([value * value for value in values]) / len(values))


def usual_sky_pattern(patterns: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], float]:
    """Return the median pattern of frames, and how far single frames stray from it.

    Parameters:
        patterns: from :func:`sky_pattern`; empty ones, and those of another grid than the last, are left out.

    Returns:
        the usual level of each cell in ADU, and the median over the frames of the rms difference from it.
    """
    known = [pattern for pattern in patterns if pattern and len(pattern) == len(patterns[-1])]
    usual = tuple(median(column) for column in zip(*known, strict=True))
    strays = [_rms([level - here for level, here in zip(pattern, usual, strict=True)]) for pattern in known]
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


def elongation_path_ratio(elongation: float | None) -> float | None:
    """Return the path in star widths F that an elongation stands for: L = sqrt(12 (a² - b²)), F = 2.355 b.

    Parameters:
        elongation: a / b of the stars; ``None`` is returned where it is not known.
    """
    return None if elongation is None else 1.471 * math.sqrt(max(elongation**2 - 1.0, 0.0))
