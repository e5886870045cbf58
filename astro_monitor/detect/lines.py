"""Straight lines through many marked cells: cells vote for lines (a Hough transform), and each line that gathers enough
of them is fitted and cut to where it is covered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST_CELLS = 14.0
"""Shorter lines cannot be distinguished from rows of stars."""
LEAST_COVERED = 0.30
"""Part of a line's cells that must be marked: a flashing satellite is dark for half of its way and more."""

_MOST_LINES = 12
_ANGLES = 180
_INLIER_CELLS = 1.5
_TAKEN_CELLS = 4.0
_LONGEST_GAP_CELLS = 15.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A line through cells: a point on it, its direction, and how far it reaches from the point. In cells."""

    x: float
    y: float
    dx: float
    dy: float
    start: float
    stop: float

    @property
    def length(self) -> float:
        """From end to end, in cells."""
        return self.stop - self.start


def lines_through(cells: NDArray[np.float64], shape: tuple[int, int]) -> list[Segment]:
    """Find lines that many cells lie on, best first.

    Parameters:
        cells: (N, 2), x and y of the marked cells.
        shape: (rows, columns) of the map of cells.
    """
    angle = np.arange(_ANGLES) * math.pi / _ANGLES
    normals = np.stack([np.cos(angle), np.sin(angle)])
    offset = math.ceil(math.hypot(*shape)) + 1
    # (N, angles): which line of each direction a cell lies on, one cell apart.
    line = np.rint(cells @ normals).astype(np.int64) + offset
    line += np.arange(_ANGLES) * (2 * offset + 1)
    votes = np.bincount(line.ravel(), minlength=_ANGLES * (2 * offset + 1))
    free = np.ones(len(cells), bool)
    found: list[Segment] = []
    for _ in range(_MOST_LINES):
        best = int(np.argmax(votes))
        if votes[best] < 0.4 * SHORTEST_CELLS:
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
) -> tuple[Segment | None, NDArray[np.bool_]]:
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
    if stop - start < SHORTEST_CELLS:
        return None, near
    covered = len(np.unique(np.rint(piece))) / (stop - start + 1)
    if covered < LEAST_COVERED:
        return None, near
    return Segment(point[0], point[1], direction[0], direction[1], start, stop), near
