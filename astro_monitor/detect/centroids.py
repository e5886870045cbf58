"""Centroids: the network predicts the 4 × 4 cell and a rough position in it, which is refined on the pixels.

Windowed centroids as in SExtractor (Bertin, XWIN_IMAGE): the first moment of the light under a Gaussian window, which
moves to the result. Each step is twice the measured offset, because the window reduces it by about half.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT
from .peaks import Points
from .prepare import signal_to_noise

WINDOW_SIGMA_PX = 1.2
"""Standard deviation of the window in network pixels, a little wider than the sharpest stars: a wider one includes more
noise and neighbours, a narrower one less of the light."""

_REACH_PX = 3
"""Pixels on each side of the window's centre: 2.5 standard deviations of the window."""
_STEPS = 3
"""Iterations; the moves become smaller by more than half in each."""

FARTHEST_PX = 1.5
"""Largest distance in network pixels of a centroid from the predicted position: beyond it lies another source, and the
prediction is kept."""


def centred(points: Points, seen: NDArray[np.float32]) -> Points:
    """Return the sources with refined positions of stars and extended sources.

    Parameters:
        points: positions in pixels of ``seen``.
        seen: (h, w), a stretched tile.

    Returns:
        The same sources in the same order; artefacts and sources without a clear centroid keep their positions.
    """
    moved = np.flatnonzero(points.kind != KIND_ARTEFACT)
    x, y = points.x_px[moved], points.y_px[moved]
    column, row = np.rint(x).astype(np.intp), np.rint(y).astype(np.intp)
    light = signal_to_noise(_windows(seen, row, column))
    start_x, start_y = x - column, y - row
    dx, dy = start_x, start_y
    for _ in range(_STEPS):
        dx, dy = _next_offsets(light, dx, dy)
    # NaN where the light in the window is not positive in total: those sources keep their positions, too.
    near = np.hypot(dx - start_x, dy - start_y) <= FARTHEST_PX
    new_x, new_y = points.x_px.copy(), points.y_px.copy()
    new_x[moved[near]] = (column + dx)[near]
    new_y[moved[near]] = (row + dy)[near]
    return replace(points, x_px=new_x, y_px=new_y)


def _windows(seen: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (N, 7, 7) pixels around each position; 0, which is sky, outside the tile."""
    height, width = seen.shape
    rows, columns = row[:, None] + _OFFSETS, column[:, None] + _OFFSETS
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    return np.where(inside, seen[rows[:, :, None], columns[:, None, :]], np.float32(0))


def _next_offsets(
    light: NDArray[np.float32], dx: NDArray[np.float32], dy: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the offsets (x, y) of all sources after one iteration of the centroid in a Gaussian window."""
    away_x, away_y = _OFFSETS.astype(np.float32) - dx[:, None], _OFFSETS.astype(np.float32) - dy[:, None]
    window_x, window_y = (np.exp(-(away**2) / np.float32(2 * WINDOW_SIGMA_PX**2)) for away in (away_x, away_y))
    by_row = np.matmul(light, window_x[:, :, None])[:, :, 0]
    whole = (by_row * window_y).sum(axis=1)
    whole[whole <= 0] = np.nan
    moment_x = (np.matmul(light, (window_x * away_x)[:, :, None])[:, :, 0] * window_y).sum(axis=1)
    moment_y = (by_row * window_y * away_y).sum(axis=1)
    return dx + 2 * moment_x / whole, dy + 2 * moment_y / whole


_OFFSETS = np.arange(-_REACH_PX, _REACH_PX + 1)
"""Offsets of the pixels in a window."""
