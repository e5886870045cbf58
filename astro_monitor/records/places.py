"""Whether two streaks lie at the same place: what stays where it is, on the sensor or among the stars, is no satellite.

Satellites that follow each other on one path draw lines at one place only if the mount stands still, and then all stars
are lines, too. The geostationary belt comes nearest: with the mount following the stars its satellites draw lines of
one direction, one after the other along it, each at its own declination. So a place is a line *and* the piece of it
that is covered, to within a few pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .stars import Streak

Ends = tuple[float, float, float, float]
"""x and y of the two ends, sensor pixels."""
Shift = tuple[float, float]

NEAR_PX, NEAR_WIDTHS = 3.0, 0.6
"""Largest distance between two lines at one place: this many pixels, or this share of their width if that is more."""
COVERED_OF_SHORTER, COVERED_OF_LONGER = 0.5, 0.25
"""Least overlap of two lines at one place, as a share of the shorter and of the longer: the measured ends of a faint
line vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedLine:
    """A line that a rig shows in frame after frame. Positions in sensor pixels.

    Attributes:
        x0_px, y0_px, x1_px, y1_px: its ends.
        width_px: full width at half maximum.
        on_sky: it moves with the stars; its ends are those on the reference frame.
    """

    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float
    width_px: float
    on_sky: bool

    @property
    def ends(self) -> Ends:
        """Both ends in one tuple."""
        return self.x0_px, self.y0_px, self.x1_px, self.y1_px


def ends_of(streak: Streak, shift: Shift = (0.0, 0.0)) -> Ends:
    """Return the ends of a streak in pixels of the reference frame.

    Parameters:
        streak: in sensor pixels.
        shift: where the reference field is now, against the reference frame.
    """
    dx, dy = shift
    return streak.x0_px - dx, streak.y0_px - dy, streak.x1_px - dx, streak.y1_px - dy


def same_place(first: Ends, second: Ends, width_px: float) -> bool:
    """Return whether two streaks lie at the same place: on one line, and over much of the same piece of it.

    Parameters:
        first, second: their ends, in one frame of reference.
        width_px: of the wider one.
    """
    longer, shorter = sorted((first, second), key=_length, reverse=True)
    length = _length(longer)
    if length <= 0 or _length(shorter) <= 0:
        return False
    x, y = longer[0], longer[1]
    dx, dy = (longer[2] - x) / length, (longer[3] - y) / length
    near = max(NEAR_PX, NEAR_WIDTHS * width_px)
    along = []
    for at_x, at_y in (shorter[:2], shorter[2:]):
        if abs((at_y - y) * dx - (at_x - x) * dy) > near:
            return False
        along.append((at_x - x) * dx + (at_y - y) * dy)
    common = min(max(along), length) - max(min(along), 0.0)
    return common >= max(COVERED_OF_SHORTER * _length(shorter), COVERED_OF_LONGER * length)


def split_streaks(
    streaks: Sequence[Streak], fixed: Sequence[FixedLine], shift: Shift | None
) -> tuple[tuple[Streak, ...], tuple[Streak, ...]]:
    """Part the streaks of a frame into trails and lines that the rig is known for.

    Parameters:
        streaks: of the frame, in sensor pixels.
        fixed: ``Baseline.fixed_lines``.
        shift: of the frame against the reference frame; ``None`` where it is not known.

    Returns:
        the trails, and the others.
    """
    trails: list[Streak] = []
    others: list[Streak] = []
    for streak in streaks:
        (others if any(_lies_on(streak, line, shift) for line in fixed) else trails).append(streak)
    return tuple(trails), tuple(others)


def _lies_on(streak: Streak, line: FixedLine, shift: Shift | None) -> bool:
    """Return whether a streak of a frame lies on a fixed line of earlier frames."""
    if line.on_sky and shift is None:
        return False
    ends = ends_of(streak, shift) if line.on_sky and shift is not None else ends_of(streak)
    return same_place(ends, line.ends, max(streak.width_px, line.width_px))


def _length(ends: Ends) -> float:
    """Return the length of a streak in pixels from its two ends."""
    return math.hypot(ends[2] - ends[0], ends[3] - ends[1])
