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
    """Return (N, 49) pixels around each position; the nearest whole window at the border of the tile."""
    height, width = seen.shape
    row, column = np.clip(row, _REACH_PX, height - 1 - _REACH_PX), np.clip(column, _REACH_PX, width - 1 - _REACH_PX)
    within = (_OFFSETS[:, None] * width + _OFFSETS).ravel()
    windows: NDArray[np.float32] = np.take(seen.reshape(-1), (row * width + column)[:, None] + within)
    return windows


def _next_offsets(
    light: NDArray[np.float32], dx: NDArray[np.float32], dy: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the offsets (x, y) of all sources after one iteration of the centroid in a Gaussian window."""
    window_x, window_y = (
        np.exp((_OFFSETS.astype(np.float32) - away[:, None]) ** 2 * np.float32(-0.5 / WINDOW_SIGMA_PX**2))
        for away in (dx, dy)
    )
    seen = (window_y[:, :, None] * window_x[:, None, :]).reshape(light.shape)
    seen *= light
    whole, moment_x, moment_y = (seen @ _SUMS).T
    whole[whole <= 0] = np.nan
    return 2 * moment_x / whole - dx, 2 * moment_y / whole - dy


_OFFSETS = np.arange(-_REACH_PX, _REACH_PX + 1)
"""Offsets of the pixels in a window."""
_SUMS = np.stack([np.ones(len(_OFFSETS) ** 2), np.tile(_OFFSETS, 7), np.repeat(_OFFSETS, 7)], axis=1).astype(np.float32)
"""(49, 3) weights of the sum of a window, and of its first moments (x, y)."""
