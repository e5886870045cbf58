"""Straight lines through many marked cells: a Hough transform, then a fit of each line and a cut to its covered
part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST_CELLS = 14.0
"""Shortest line in cells: shorter ones cannot be distinguished from rows of stars."""
LEAST_COVERED = 0.30
"""Smallest fraction of marked cells on a line: a flashing satellite is dark for half of its path and more."""

_MOST_LINES = 12
"""Most lines that are extracted from one frame."""
_ANGLES = 180
"""Directions of the Hough transform: one per degree."""
_INLIER_CELLS = 1.5
"""Largest distance of a cell from a line that it is fitted with, in cells."""
_TAKEN_CELLS = 4.0
"""Distance from a fitted line, in cells, within which cells are not used for further lines: a trail is several
cells wide."""
_LONGEST_GAP_CELLS = 15.0
"""Longest gap within one line, in cells; lines are split at longer gaps."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A line through cells: a point on it, its direction, and its extent from the point, in cells."""

    x: float
    y: float
    dx: float
    dy: float
    start: float
    stop: float

    @property
    def length(self) -> float:
        """Length in cells."""
        return self.stop - self.start


def lines_through(cells: NDArray[np.float64], shape: tuple[int, int]) -> list[Segment]:
    """Return lines through many cells, best first.

    Parameters:
        cells: (N, 2), x and y of the marked cells.
        shape: (rows, columns) of the map of cells.
    """
    angle = np.arange(_ANGLES) * math.pi / _ANGLES
    normals = np.stack([np.cos(angle), np.sin(angle)])
    offset = math.ceil(math.hypot(*shape)) + 1
    # (N, angles): the line of each direction on which a cell lies; lines are one cell apart.
    line = np.rint(cells @ normals).astype(np.int64) + offset
    line += np.arange(_ANGLES) * (2 * offset + 1)
    votes = np.bincount(line.ravel(), minlength=_ANGLES * (2 * offset + 1))
    free = np.ones(len(cells), bool)
    segments: list[Segment] = []
    for _ in range(_MOST_LINES):
        best = int(np.argmax(votes))
        if votes[best] < 0.4 * SHORTEST_CELLS:
            break
        angle_index, distance = divmod(best, 2 * offset + 1)
        segment, near = _fitted_segment(cells, free, normals[:, angle_index], float(distance - offset))
        if segment is not None:
            segments.append(segment)
        votes -= np.bincount(line[near].ravel(), minlength=len(votes))
        free &= ~near
        votes[best] = 0
    return segments


def _fitted_segment(
    cells: NDArray[np.float64], free: NDArray[np.bool_], normal: NDArray[np.float64], distance: float
) -> tuple[Segment | None, NDArray[np.bool_]]:
    """Return the segment along one voted line, and the cells that are not available for further lines."""
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
    # The segment between gaps with the most cells.
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
