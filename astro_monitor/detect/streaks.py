"""Trails from the network's streak map: straight lines through many marked cells, confirmed on the pixels.

A satellite or aircraft leaves one line across much of the frame. Lines through marked cells are only candidates: the
ridge of light is measured on the pixels, and its properties separate trails from other structures.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap, Streak
from .impostors import impostor, rays_of_one_point
from .lines import LEAST_COVERED, SHORTEST_CELLS, Segment, lines_through
from .ridge import REACH, Line, Ridge, measure_ridge
from .scene import Scene
from .sky import Pixels
from .starwidth import star_width_steps
from .tiles import CELL_PX

SHORTEST_TRAIL_CELLS = 18.0
"""Shortest trail in cells: shorter ridges cannot be distinguished from parts of other structures."""

_MOST_CELLS = 4000
"""Most marked cells that are used, to bound the time of the Hough transform."""
_SAME_ANGLE_DEG = 4.0
"""Largest angle between parallel streaks."""
_MOST_PARALLEL = 4
"""Most parallel short streaks that are trails; more are trailed stars."""
_VALLEY_STARS, _VALLEY_STEPS = 4.0, 4
"""Distance within which the valleys at the sides of a trail are searched: in widths of a star, plus steps."""
_SAME_LINE_STEPS, _SAME_LINE_DEG = 4.0, 3.0
"""Largest distance in steps and largest angle between pieces of one trail."""
_NO_STARS = np.empty((0, 2), np.float32)
"""Positions of no stars."""


def find_streaks(
    log_odds: NDArray[np.float32],
    threshold: float,
    pixels: Pixels,
    sky: SkyMap,
    bin_factor: int,
    *,
    saturation_adu: float = math.inf,
    stars: NDArray[np.float32] = _NO_STARS,
) -> tuple[Streak, ...]:
    """Return the trails of a frame, longest first.

    Parameters:
        log_odds: (h, w), log-odds of a streak in each cell of 4 network pixels.
        threshold: smallest probability of a marked cell.
        pixels: (H, W), the frame.
        sky: sky of the frame.
        bin_factor: frame pixels per network pixel.
        saturation_adu: level from which pixels are saturated.
        stars: (N, 2), x and y of stars in frame pixels, brightest first, for the expected width of a trail.
    """
    row, column = np.nonzero(log_odds > math.log(threshold / (1 - threshold)))
    if len(row) < SHORTEST_CELLS * LEAST_COVERED:
        return ()
    if len(row) > _MOST_CELLS:
        # Every n-th cell in reading order: deterministic, and spread over the frame.
        step = -(-len(row) // _MOST_CELLS)
        row, column = row[::step], column[::step]
    segments = lines_through(np.stack([column, row], axis=1).astype(np.float64), log_odds.shape)
    if not segments:
        return ()
    width = star_width_steps(pixels, stars, saturation_adu, bin_factor)
    scene = Scene(pixels=pixels, sky=sky, saturation_adu=saturation_adu, step=bin_factor, star_steps=width)
    ridges = [_ridge_along(segment, scene) for segment in segments]
    rays = rays_of_one_point(ridges, scene)
    shortest_px = SHORTEST_TRAIL_CELLS * CELL_PX * bin_factor
    trails = [
        ridge
        for index, ridge in enumerate(ridges)
        if index not in rays and ridge.line.length >= shortest_px and not impostor(ridge, scene)
    ]
    streaks = [_streak_from_line(line, width) for line, width in _joined_lines(trails, bin_factor)]
    streaks = _without_trailed_stars(streaks, pixels.shape)
    return tuple(sorted(streaks, key=lambda streak: -streak.length_px))


def _ridge_along(segment: Segment, scene: Scene) -> Ridge:
    """Return the ridge along a line through cells."""
    cell_px = CELL_PX * scene.step
    line = Line(
        x=(segment.x + segment.start * segment.dx + 0.5) * cell_px - 0.5,
        y=(segment.y + segment.start * segment.dy + 0.5) * cell_px - 0.5,
        dx=segment.dx,
        dy=segment.dy,
        length=segment.length * cell_px,
    )
    valley = min(REACH, math.ceil(_VALLEY_STARS * scene.star_steps) + _VALLEY_STEPS)
    return measure_ridge(scene.pixels, line, scene.step, scene.sky.noise_adu, valley)


def _joined_lines(ridges: list[Ridge], step: int) -> list[tuple[Line, float]]:
    """Return lines and their widths in pixels, with pieces of one line joined."""
    joined: list[tuple[Line, float]] = []
    for ridge in sorted(ridges, key=lambda candidate: -candidate.line.length):
        line, width = ridge.line, ridge.width_steps * step
        for index, (other, joined_width) in enumerate(joined):
            if _is_same_line(line, other, step):
                joined[index] = (_joined_line(other, line), joined_width)
                break
        else:
            joined.append((line, width))
    return joined


def _seen_from(other: Line, point: tuple[float, float]) -> tuple[float, float]:
    """Return the distances of a point along and across a line, from its first point."""
    x, y = point[0] - other.x, point[1] - other.y
    return x * other.dx + y * other.dy, y * other.dx - x * other.dy


def _is_same_line(line: Line, other: Line, step: int) -> bool:
    """Return whether a line is a piece of another one: nearly parallel to it, with both ends close to it."""
    turned = abs(math.degrees(math.asin(max(-1.0, min(1.0, line.dx * other.dy - line.dy * other.dx)))))
    across = max(abs(_seen_from(other, line.at(end))[1]) for end in (0.0, line.length))
    return turned < _SAME_LINE_DEG and across < _SAME_LINE_STEPS * step


def _joined_line(line: Line, piece: Line) -> Line:
    """Return a line extended to the ends of a piece of it."""
    along = [_seen_from(line, piece.at(end))[0] for end in (0.0, piece.length)]
    return line.between((min(0.0, *along), 0.0), (max(line.length, *along), 0.0))


def _streak_from_line(line: Line, width_px: float) -> Streak:
    """Return the streak of a line with a width: its end points, angle and length."""
    angle_deg = math.degrees(math.atan2(line.dy, line.dx))
    x1, y1 = line.at(line.length)
    return Streak(
        x0_px=float(line.x),
        y0_px=float(line.y),
        x1_px=float(x1),
        y1_px=float(y1),
        angle_deg=90 - (90 - angle_deg) % 180,
        length_px=float(line.length),
        width_px=float(width_px),
    )


def _without_trailed_stars(streaks: list[Streak], shape: tuple[int, int]) -> list[Streak]:
    """Return the streaks without short parallel ones in large number: stars of a frame without tracking."""
    short = 0.35 * min(shape)
    trails = []
    for streak in streaks:
        parallel = [other for other in streaks if _angle_between(streak, other) < _SAME_ANGLE_DEG]
        if len(parallel) <= _MOST_PARALLEL or streak.length_px > short:
            trails.append(streak)
    return trails


def _angle_between(first: Streak, second: Streak) -> float:
    """Return the angle between two streaks in degrees, from 0 to 90."""
    turned = abs(first.angle_deg - second.angle_deg) % 180
    return min(turned, 180 - turned)
