"""Exact positions: the network says which 4 × 4 cell and roughly where in it, the light says where exactly.

Windowed centroids as in SExtractor (Bertin, XWIN_IMAGE): the centre of the light under a Gaussian window, which moves
to where it found it. Each step goes twice as far as the light under the window, because the window pulls it back by
about half.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT
from .peaks import Points
from .prepare import signal_to_noise

WINDOW_SIGMA_PX = 1.2
"""A little wider than the sharpest stars: wider lets in more noise and neighbours, narrower sees less of the light."""

_REACH_PX = 3
_STEPS = 3

FARTHEST_PX = 1.5
"""A centroid farther from where the network put the source belongs to something else: then the source stays."""


def centred(points: Points, seen: NDArray[np.float32]) -> Points:
    """Move stars and extended sources to the centre of their light.

    Parameters:
        points: positions in pixels of ``seen``.
        seen: (h, w), a tile as the network saw it.

    Returns:
        The same sources in the same order; artefacts and sources without a clear centre stay where they are.
    """
    moved = np.flatnonzero(points.kind != KIND_ARTEFACT)
    x, y = points.x_px[moved], points.y_px[moved]
    column, row = np.rint(x).astype(np.intp), np.rint(y).astype(np.intp)
    light = signal_to_noise(_windows(seen, row, column))
    start_x, start_y = x - column, y - row
    dx, dy = start_x, start_y
    for _ in range(_STEPS):
        dx, dy = _step(light, dx, dy)
    # Not a number where the window holds no light on the whole: those stay, too.
    near = np.hypot(dx - start_x, dy - start_y) <= FARTHEST_PX
    new_x, new_y = points.x_px.copy(), points.y_px.copy()
    new_x[moved[near]] = (column + dx)[near]
    new_y[moved[near]] = (row + dy)[near]
    return replace(points, x_px=new_x, y_px=new_y)


def _windows(seen: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.float32]:
    """(N, 7, 7) pixels around each place; 0, which is sky, outside the tile."""
    height, width = seen.shape
    rows, columns = row[:, None] + _OFFSETS, column[:, None] + _OFFSETS
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    return np.where(inside, seen[rows[:, :, None], columns[:, None, :]], np.float32(0))


def _step(
    light: NDArray[np.float32], dx: NDArray[np.float32], dy: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    away_x, away_y = _OFFSETS.astype(np.float32) - dx[:, None], _OFFSETS.astype(np.float32) - dy[:, None]
    window_x, window_y = (np.exp(-(away**2) / np.float32(2 * WINDOW_SIGMA_PX**2)) for away in (away_x, away_y))
    by_row = np.matmul(light, window_x[:, :, None])[:, :, 0]
    whole = (by_row * window_y).sum(axis=1)
    whole[whole <= 0] = np.nan
    moment_x = (np.matmul(light, (window_x * away_x)[:, :, None])[:, :, 0] * window_y).sum(axis=1)
    moment_y = (by_row * window_y * away_y).sum(axis=1)
    return dx + 2 * moment_x / whole, dy + 2 * moment_y / whole


_OFFSETS = np.arange(-_REACH_PX, _REACH_PX + 1)
