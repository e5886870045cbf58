"""From the network's streak map to trails: straight lines through many marked cells, confirmed on the pixels.

A satellite or aircraft draws one line across much of the frame. Cells vote for lines (a Hough transform); each
line that gathers enough of them is fitted, cut to where it is covered, and then measured across on the pixels, where
the median along the trail hides the stars beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap, Streak
from .sky import Pixels
from .tiles import CELL_PX

_MOST_CELLS = 4000
_MOST_LINES = 12
_ANGLES = 180
_INLIER_CELLS = 1.5
_TAKEN_CELLS = 4.0
_LONGEST_GAP_CELLS = 15.0
_SHORTEST_CELLS = 14.0
_LEAST_COVERED = 0.45
_LEAST_SNR = 6.0
_PROFILE_REACH = 12
_MOST_SAMPLES = 600
_SAME_ANGLE_DEG = 4.0
_MOST_PARALLEL = 4
_AXIS_DEG = 0.3
_COLUMN_WIDTH_PX = 1.6
_SPIKE_DECAY = 2.0
_SPIKE_STAR = 20.0
"""A diffraction spike loses at least half its light from quarter to quarter of its length, away from a star that is so
many times brighter than the spike itself."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A line through cells: a point on it, its direction, and how far it reaches from the point. In cells."""

    x: float
    y: float
    dx: float
    dy: float
    start: float
    stop: float

    @property
    def length(self) -> float:
        return self.stop - self.start


def find_streaks(
    log_odds: NDArray[np.float32], threshold: float, pixels: Pixels, sky: SkyMap, bin_factor: int
) -> tuple[Streak, ...]:
    """Find the trails of a frame, longest first.

    Parameters:
        log_odds: (h, w), of a streak in each cell of 4 network pixels.
        threshold: least probability of a cell.
        pixels: (H, W), the frame.
        sky: of the frame.
        bin_factor: frame pixels per network pixel.
    """
    row, column = np.nonzero(log_odds > math.log(threshold / (1 - threshold)))
    if len(row) < _SHORTEST_CELLS * _LEAST_COVERED:
        return ()
    if len(row) > _MOST_CELLS:
        # Every n-th in reading order: the same cells for the same frame, spread over all of it.
        step = -(-len(row) // _MOST_CELLS)
        row, column = row[::step], column[::step]
    cells = np.stack([column, row], axis=1).astype(np.float64)
    segments = _lines(cells, log_odds.shape)
    cell_px = CELL_PX * bin_factor
    streaks = [
        streak for segment in segments if (streak := _confirmed(segment, cell_px, pixels, sky, bin_factor)) is not None
    ]
    streaks = _without_trailed_stars(streaks, pixels.shape)
    return tuple(sorted(streaks, key=lambda streak: -streak.length_px))


def _lines(cells: NDArray[np.float64], shape: tuple[int, int]) -> list[_Segment]:
    """Lines that many cells lie on, best first. (N, 2) x and y of the cells."""
    angle = np.arange(_ANGLES) * math.pi / _ANGLES
    normals = np.stack([np.cos(angle), np.sin(angle)])
    offset = math.ceil(math.hypot(*shape)) + 1
    # (N, angles): which line of each direction a cell lies on, one cell apart.
    line = np.rint(cells @ normals).astype(np.int64) + offset
    line += np.arange(_ANGLES) * (2 * offset + 1)
    votes = np.bincount(line.ravel(), minlength=_ANGLES * (2 * offset + 1))
    free = np.ones(len(cells), bool)
    found: list[_Segment] = []
    for _ in range(_MOST_LINES):
        best = int(np.argmax(votes))
        if votes[best] < 0.4 * _SHORTEST_CELLS:
            break
        turn, distance = divmod(best, 2 * offset + 1)
        segment, near = _fit(cells, free, normals[:, turn], float(distance - offset))
        if segment is not None:
            found.append(segment)
        votes -= np.bincount(line[near].ravel(), minlength=len(votes))
        free &= ~near
        votes[best] = 0
    return found


def _fit(
    cells: NDArray[np.float64], free: NDArray[np.bool_], normal: NDArray[np.float64], distance: float
) -> tuple[_Segment | None, NDArray[np.bool_]]:
    """The segment along one voted line, and the cells that are used up by it."""
    point, direction = normal * distance, np.array([-normal[1], normal[0]])
    for _ in range(3):
        apart = np.abs((cells - point) @ np.array([-direction[1], direction[0]]))
        inlier = free & (apart < _INLIER_CELLS)
        if np.count_nonzero(inlier) < 3:
            return None, inlier
        point = cells[inlier].mean(axis=0)
        _, _, axes = np.linalg.svd(cells[inlier] - point, full_matrices=False)
        direction = axes[0]
    apart = np.abs((cells - point) @ np.array([-direction[1], direction[0]]))
    inlier = free & (apart < _INLIER_CELLS)
    near = free & (apart < _TAKEN_CELLS)
    along = np.sort((cells[inlier] - point) @ direction)
    if len(along) < 3:
        return None, near
    # The best covered piece between gaps.
    breaks = np.flatnonzero(np.diff(along) > _LONGEST_GAP_CELLS)
    pieces = np.split(along, breaks + 1)
    piece = max(pieces, key=len)
    start, stop = float(piece[0]), float(piece[-1])
    if stop - start < _SHORTEST_CELLS:
        return None, near
    covered = len(np.unique(np.rint(piece))) / (stop - start + 1)
    if covered < _LEAST_COVERED:
        return None, near
    return _Segment(point[0], point[1], direction[0], direction[1], start, stop), near


def _confirmed(segment: _Segment, cell_px: int, pixels: Pixels, sky: SkyMap, bin_factor: int) -> Streak | None:
    """Measure across the trail on the pixels; ``None`` when nothing stands out, or a sensor column does."""
    x0, y0 = ((segment.x + segment.start * segment.dx + 0.5) * cell_px - 0.5,
              (segment.y + segment.start * segment.dy + 0.5) * cell_px - 0.5)  # fmt: skip
    length = segment.length * cell_px
    count = int(min(_MOST_SAMPLES, max(16, length / bin_factor)))
    along = np.linspace(0, length, count)[:, None]
    across = np.arange(-_PROFILE_REACH, _PROFILE_REACH + 1) * bin_factor
    x = np.rint(x0 + along * segment.dx - across * segment.dy).astype(np.intp)
    y = np.rint(y0 + along * segment.dy + across * segment.dx).astype(np.intp)
    height, width = pixels.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = pixels[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float64)
    values[~inside] = np.nan
    full = inside.all(axis=1)
    if np.count_nonzero(full) < 12:
        return None
    profile = np.median(values[full], axis=0)
    base = float(np.median(np.concatenate([profile[:5], profile[-5:]])))
    profile -= base
    inner = profile[4:-4]
    peak = int(np.argmax(inner)) + 4
    # Standard error of a median of n values with the noise of a pixel.
    error = 1.2533 * sky.noise_adu / math.sqrt(np.count_nonzero(full))
    if profile[peak] < _LEAST_SNR * error:
        return None
    trail = values[full][:, peak] - np.median(values[full][:, [*range(5), *range(-5, 0)]], axis=1)
    if _is_spike(trail, (x0, y0), (segment.dx, segment.dy), length, pixels, sky):
        return None
    width_px = _half_width(profile, peak) * bin_factor
    angle_deg = math.degrees(math.atan2(segment.dy, segment.dx))
    angle_deg = 90 - (90 - angle_deg) % 180
    off_axis = min(abs(angle_deg), 90 - abs(angle_deg))
    if off_axis < _AXIS_DEG and width_px < _COLUMN_WIDTH_PX:
        return None
    shift = float(across[peak])
    x0, y0 = x0 - shift * segment.dy, y0 + shift * segment.dx
    x1, y1 = x0 + length * segment.dx, y0 + length * segment.dy
    return Streak(
        x0_px=float(x0),
        y0_px=float(y0),
        x1_px=float(x1),
        y1_px=float(y1),
        angle_deg=angle_deg,
        length_px=float(length),
        width_px=float(width_px),
    )


def _is_spike(
    trail: NDArray[np.float64],
    start: tuple[float, float],
    direction: tuple[float, float],
    length: float,
    pixels: Pixels,
    sky: SkyMap,
) -> bool:
    """Tell whether a line is a diffraction spike: it fades away from a bright star that lies on it, beyond its end.

    Parameters:
        trail: (n,) light along the line, above its sides.
        start: its first point, frame pixels; ``direction`` and ``length`` lead to the other end.
    """
    first, last = (float(np.median(quarter)) for quarter in (trail[: len(trail) // 4], trail[-(len(trail) // 4) :]))
    if max(first, last) < _SPIKE_DECAY * max(min(first, last), 1e-6):
        return False
    # From the brighter end outwards, as far again, and a little into the line.
    along = np.linspace(-0.2 * length, length, 400)
    along = -along if first > last else length + along
    offsets = np.array([-2, 0, 2])
    x = np.rint(start[0] + along[:, None] * direction[0] - offsets * direction[1]).astype(np.intp)
    y = np.rint(start[1] + along[:, None] * direction[1] + offsets * direction[0]).astype(np.intp)
    inside = (x >= 0) & (x < pixels.shape[1]) & (y >= 0) & (y < pixels.shape[0])
    if not inside.any():
        return False
    brightest = float(pixels[y[inside], x[inside]].max()) - float(np.median(sky.level_adu))
    return brightest > _SPIKE_STAR * float(np.median(trail))


def _half_width(profile: NDArray[np.float64], peak: int) -> float:
    """Full width at half maximum around a peak, in samples."""
    half = profile[peak] / 2
    edges = []
    for step in (-1, 1):
        at = peak
        while 0 <= at + step < len(profile) and profile[at + step] > half:
            at += step
        beyond = profile[at + step] if 0 <= at + step < len(profile) else 0.0
        edges.append(abs(at - peak) + (profile[at] - half) / max(profile[at] - beyond, 1e-12))
    return float(sum(edges))


def _without_trailed_stars(streaks: list[Streak], shape: tuple[int, int]) -> list[Streak]:
    """Many short lines of one direction are the stars of a frame whose mount did not follow."""
    short = 0.35 * min(shape)
    kept = []
    for streak in streaks:
        parallel = [other for other in streaks if _angle_between(streak, other) < _SAME_ANGLE_DEG]
        if len(parallel) <= _MOST_PARALLEL or streak.length_px > short:
            kept.append(streak)
    return kept


def _angle_between(first: Streak, second: Streak) -> float:
    turned = abs(first.angle_deg - second.angle_deg) % 180
    return min(turned, 180 - turned)
