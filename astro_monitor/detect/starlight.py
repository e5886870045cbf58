"""Lines that belong to a bright star: diffraction spikes, charge that runs along its column, smear of the read-out."""

from __future__ import annotations

import numpy as np

from .ridge import Ridge, Values
from .scene import Scene

ON_AXIS_STEPS = 1.5
"""A line that stays in one column or row leaves it by less than this over its length."""

_BRIGHT_STAR = 60.0
"""Least brightness of a star over that of its spike."""
FULL = 0.9
"""Pixels are saturated from this part of the saturation level on."""
FADES, _CENTRED_FADES = (-0.75, 1.8), (-0.6, 1.25)
"""Light falls with the distance from its star: largest rank correlation, and least ratio of the nearest to the farthest
third; the second pair is for a star whose centre lies on the line."""
_MOST_STARS = 6
"""Only the brightest stars on a line are examined: in rich fields some star is always at the place of a flare."""
_STAR_REACH = 4.0
"""Within this distance, in widths of the star, its own light is excluded."""
_STAR_IN_BLOCK = 1.6
"""A block brighter than both its neighbours by this factor contains a star."""
_FEW_BLOCKS, _FEW_FADES = 8, -0.77
"""With fewer blocks the rank correlation must be clearer."""
_BEYOND = 1.5
"""Stars are searched up to this distance beyond the ends of a line, in its lengths."""
_CENTRED_STEPS = 1.0
"""Largest distance of a column of charge from the centre of its star."""


def belongs_to_star(ridge: Ridge, scene: Scene) -> bool:
    """Charge or smear through the middle of a saturated star, or a spike that fades away from a bright star."""
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
    distance = np.full(len(ridge.places_px), np.inf)
    for run in sorted(runs, key=lambda run: (-brightest[run].max(), -len(run)))[:_MOST_STARS]:
        place = float(along[run].mean())
        centred = _is_centred(ridge, scene, place)
        if centred and off_axis < ON_AXIS_STEPS and brightest[run].max() >= full:
            return True
        # Its own light is in the way near a star; a saturated one is larger.
        near_px = (_STAR_REACH * scene.star_steps + 0.5 * len(run)) * step
        mine = np.abs(ridge.places_px - place)
        mine[mine < near_px] = np.nan
        if _fades_with(ridge, mine, _CENTRED_FADES if centred else FADES):
            return True
        distance = np.minimum(distance, mine)
    # Between two stars that both cast spikes along the line it is the nearer one that counts.
    return len(runs) > 1 and _fades_with(ridge, distance, FADES)


def _is_centred(ridge: Ridge, scene: Scene, place: float) -> bool:
    """Whether a star at a place of the line lies evenly on both its sides."""
    offsets = np.arange(-20, 21) * scene.step
    x0, y0 = ridge.line.at(place)
    x = np.rint(x0 - offsets * ridge.line.dy).astype(np.intp)
    y = np.rint(y0 + offsets * ridge.line.dx).astype(np.intp)
    height, width = scene.pixels.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = np.where(inside, scene.pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], 0)
    level = float(np.median(scene.sky.level_adu))
    peak = 18 + int(np.argmax(values[18:23]))
    low = np.flatnonzero(values <= level + 0.5 * (float(values[peak]) - level))
    # The star reaches from the last low sample before its peak to the first one after it.
    first, last = max(low[low < peak], default=-1), min(low[low > peak], default=len(values))
    return bool(abs(0.5 * (first + last) - 20) <= _CENTRED_STEPS)


def _fades_with(ridge: Ridge, distance_px: Values, limits: tuple[float, float]) -> bool:
    """Whether the light falls with a distance; blocks without one are left out."""
    known = np.isfinite(ridge.light_adu) & np.isfinite(distance_px)
    return falls(distance_px[known], ridge.light_adu[known], ridge.light_error_adu, *limits)


def is_saturated_near(scene: Scene, point: tuple[float, float]) -> bool:
    """Return whether there is a saturated pixel at a point of the frame."""
    x, y = round(point[0]), round(point[1])
    height, width = scene.pixels.shape
    reach = 2 * scene.step
    if not (0 <= x < width and 0 <= y < height):
        return False
    window = scene.pixels[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return bool(window.max() >= FULL * scene.saturation_adu)


def falls(distance: Values, light: Values, error: float, least: float, ratio: float) -> bool:
    """Return whether light falls with the distance.

    Parameters:
        distance, light: (N,); with fewer than five values the answer is no.
        error: of one value of the light; what is fainter counts as so bright.
        least: rank correlation below which it falls.
        ratio: of the median light of the nearest third to that of the farthest.
    """
    if len(distance) < 5:
        return False
    light = _without_stars(light)
    order = np.argsort(distance)
    third = max(1, len(order) // 3)
    near, far = float(np.median(light[order[:third]])), float(np.median(light[order[-third:]]))
    clear = least if len(distance) >= _FEW_BLOCKS else min(least, _FEW_FADES)
    return _rank_correlation(distance, light) < clear and near > ratio * max(far, error)


def _without_stars(light: Values) -> Values:
    """Light along a line, without what a single block has beyond both its neighbours: a star lies in it."""
    padded = np.concatenate([light[1:2], light, light[-2:-1]])
    near = np.maximum(padded[:-2], padded[2:])
    return np.asarray(np.where(light > _STAR_IN_BLOCK * np.maximum(near, 0), near, light), np.float64)


def _rank_correlation(first: Values, second: Values) -> float:
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def off_axis_steps(ridge: Ridge, step: int) -> tuple[float, bool]:
    """Steps by which the line leaves its column or row, and whether it is a column."""
    off_column, off_row = abs(ridge.line.dx) * ridge.line.length, abs(ridge.line.dy) * ridge.line.length
    return min(off_column, off_row) / step, off_column < off_row
