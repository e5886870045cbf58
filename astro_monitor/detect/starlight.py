"""Lines that belong to a bright star: diffraction spikes, blooming along its column, smear of the read-out."""

from __future__ import annotations

import numpy as np

from .ridge import Ridge, Values
from .scene import Scene

ON_AXIS_STEPS = 1.5
"""Largest deviation over its length, in steps, of a line within one column or row."""

_BRIGHT_STAR = 60.0
"""Smallest ratio of the brightness of a star to that of its spike."""
FULL = 0.9
"""Fraction of the saturation level from which pixels count as saturated."""
FADES, _CENTRED_FADES = (-0.75, 1.8), (-0.6, 1.25)
"""Fading of light with the distance from its star: largest rank correlation, and smallest ratio of the nearest to the
farthest third; the second pair is for a star whose centre lies on the line."""
_MOST_STARS = 6
"""Stars on a line that are examined, the brightest first: in rich fields some star always coincides with a flare."""
_STAR_REACH = 4.0
"""Distance in widths of the star within which its own light is excluded."""
_STAR_IN_BLOCK = 1.6
"""Ratio to both neighbours from which a block contains a star."""
_FEW_BLOCKS, _FEW_FADES = 8, -0.77
"""Number of blocks below which the rank correlation must be below the second number."""
_BEYOND = 1.5
"""Distance beyond the ends of a line up to which stars are searched, in lengths of the line."""
_CENTRED_STEPS = 1.0
"""Largest distance in steps of a bloomed column from the centre of its star."""


def belongs_to_star(ridge: Ridge, scene: Scene) -> bool:
    """Return whether a ridge is blooming or smear of a saturated star, or the fading spike of a bright star."""
    line, step = ridge.line, scene.step
    beyond = max(_BEYOND * line.length, 100.0 * step)
    along = np.arange(-beyond, line.length + beyond, step)
    offsets = np.arange(-2, 3)
    x = np.rint(line.x + along[:, None] * line.dx - offsets * step * line.dy).astype(np.intp)
    y = np.rint(line.y + along[:, None] * line.dy + offsets * step * line.dx).astype(np.intp)
    height, width = scene.pixels.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    level = float(np.median(scene.sky.level_adu))
    above = scene.pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float64) - level
    brightest = np.where(inside, above, 0.0).max(axis=1)
    full = FULL * (scene.saturation_adu - level)
    bright = brightest >= min(full, _BRIGHT_STAR * ridge.height_adu)
    if not bright.any():
        return False
    off_axis, _ = off_axis_steps(ridge, step)
    where = np.flatnonzero(bright)
    runs = np.split(where, np.flatnonzero(np.diff(where) > 3) + 1)
    nearest_px = np.full(len(ridge.places_px), np.inf)
    for run in sorted(runs, key=lambda run: (-brightest[run].max(), -len(run)))[:_MOST_STARS]:
        star_px = float(along[run].mean())
        centred = _is_centred(ridge, scene, star_px)
        if centred and off_axis < ON_AXIS_STEPS and brightest[run].max() >= full:
            return True
        # The star's own light is excluded near it; a saturated star is larger.
        near_px = (_STAR_REACH * scene.star_steps + 0.5 * len(run)) * step
        distance_px = np.abs(ridge.places_px - star_px)
        distance_px[distance_px < near_px] = np.nan
        if _fades_with(ridge, distance_px, _CENTRED_FADES if centred else FADES):
            return True
        nearest_px = np.minimum(nearest_px, distance_px)
    # Between two stars with spikes along the line, the nearer one counts.
    return len(runs) > 1 and _fades_with(ridge, nearest_px, FADES)


def _is_centred(ridge: Ridge, scene: Scene, along_px: float) -> bool:
    """Return whether a line is the light of the star at a distance along it: the star is symmetric to it."""
    offsets = np.arange(-20, 21) * scene.step
    x0, y0 = ridge.line.at(along_px)
    x = np.rint(x0 - offsets * ridge.line.dy).astype(np.intp)
    y = np.rint(y0 + offsets * ridge.line.dx).astype(np.intp)
    height, width = scene.pixels.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = np.where(inside, scene.pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], 0)
    level = float(np.median(scene.sky.level_adu))
    peak = 18 + int(np.argmax(values[18:23]))
    low = np.flatnonzero(values <= level + 0.5 * (float(values[peak]) - level))
    # The star extends from the last low sample before its peak to the first one after it.
    first, last = max(low[low < peak], default=-1), min(low[low > peak], default=len(values))
    return bool(abs(0.5 * (first + last) - 20) <= _CENTRED_STEPS)


def _fades_with(ridge: Ridge, distance_px: Values, limits: tuple[float, float]) -> bool:
    """Whether the light falls with the distance; blocks without a distance are left out."""
    known = np.isfinite(ridge.light_adu) & np.isfinite(distance_px)
    return falls(distance_px[known], ridge.light_adu[known], ridge.light_error_adu, *limits)


def is_saturated_near(scene: Scene, point: tuple[float, float]) -> bool:
    """Return whether there is a saturated pixel near a point of the frame."""
    x, y = round(point[0]), round(point[1])
    height, width = scene.pixels.shape
    reach = 2 * scene.step
    if not (0 <= x < width and 0 <= y < height):
        return False
    window = scene.pixels[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return bool(window.max() >= FULL * scene.saturation_adu)


def falls(distance: Values, light: Values, error: float, max_correlation: float, min_ratio: float) -> bool:
    """Return whether light falls with the distance.

    Parameters:
        distance, light: (N,); false for fewer than five values.
        error: error of a value of the light, which is the lower limit of the farthest third.
        max_correlation: rank correlation below which light falls.
        min_ratio: smallest ratio of the median light of the nearest third to that of the farthest.
    """
    if len(distance) < 5:
        return False
    light = _without_stars(light)
    order = np.argsort(distance)
    third = max(1, len(order) // 3)
    near, far = float(np.median(light[order[:third]])), float(np.median(light[order[-third:]]))
    clear = max_correlation if len(distance) >= _FEW_BLOCKS else min(max_correlation, _FEW_FADES)
    return _rank_correlation(distance, light) < clear and near > min_ratio * max(far, error)


def _without_stars(light: Values) -> Values:
    """Return the light along a line without the excess of blocks that contain a star."""
    padded = np.concatenate([light[1:2], light, light[-2:-1]])
    near = np.maximum(padded[:-2], padded[2:])
    return np.asarray(np.where(light > _STAR_IN_BLOCK * np.maximum(near, 0), near, light), np.float64)


def _rank_correlation(first: Values, second: Values) -> float:
    """Return the rank correlation of two series, such as distance from a star and light along a line."""
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def off_axis_steps(ridge: Ridge, step: int) -> tuple[float, bool]:
    """Return the deviation in steps of a star's bloom or spike from its pixel column or row, and whether a column."""
    off_column, off_row = abs(ridge.line.dx) * ridge.line.length, abs(ridge.line.dy) * ridge.line.length
    return min(off_column, off_row) / step, off_column < off_row
