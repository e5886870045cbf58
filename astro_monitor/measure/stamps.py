"""Which stars are measured, and their cut-outs. Only the cut-outs are ever converted to float, never the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_STAR, Detections, Frame, SkyMap

SIDE_PX = 25
"""Side of a cut-out in binned pixels: the size of Teimoorinia et al. 2020."""

MAX_STARS = 256
"""More stars do not make medians better; the time they cost is better spent on the next frame."""

COLUMNS, ROWS = 8, 6
"""The field grid."""

EXTRA_SATURATED = 0.15
"""Peaks within this fraction of saturation are close enough to be distorted by it."""


def select(frame: Frame, detections: Detections) -> NDArray[np.intp]:
    """Choose stars for measuring: bright ones first, but some from every part of the field; always the same ones.

    Parameters:
        frame: for its size.
        detections: all detections, brightest first.

    Returns:
        (M,) indices into the detections, at most ``MAX_STARS``, brightest first.
    """
    reach = (SIDE_PX // 2 + 1) * detections.bin_factor
    height, width = frame.pixels.shape
    x, y = detections.x_px, detections.y_px
    inside = (x >= reach) & (x < width - reach) & (y >= reach) & (y < height - reach)
    usable = np.flatnonzero(inside & (detections.kind == KIND_STAR))
    if usable.size == 0:
        return usable
    clean = usable[~_nearly_saturated(frame, detections)[usable]]
    # Saturated stars stand in only where there are too few others.
    candidates = clean if clean.size >= 8 else usable
    cell = (y[candidates] * ROWS // height).astype(int) * COLUMNS + (x[candidates] * COLUMNS // width).astype(int)
    by_cell = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[by_cell], np.arange(COLUMNS * ROWS))
    rank_in_cell = np.empty(candidates.size, int)
    rank_in_cell[by_cell] = np.arange(candidates.size) - starts[cell[by_cell]]
    order = np.lexsort((np.arange(candidates.size), rank_in_cell >= MAX_STARS // (COLUMNS * ROWS)))
    return np.sort(candidates[order[:MAX_STARS]])


def cut(frame: Frame, detections: Detections, chosen: NDArray[np.intp]) -> NDArray[np.float32]:
    """Cut out the chosen stars, binned, with the local sky subtracted.

    Returns:
        (M, SIDE_PX, SIDE_PX) float32 in ADU per frame pixel (the mean of binned pixels).
    """
    binning = detections.bin_factor
    span = SIDE_PX * binning
    x, y = detections.x_px[chosen], detections.y_px[chosen]
    left, top = corners(x, binning), corners(y, binning)
    axis = np.arange(span)
    rows = (top[:, None] + axis)[:, :, None]
    columns = (left[:, None] + axis)[:, None, :]
    pixels = frame.pixels[rows, columns].astype(np.float32)
    if binning > 1:
        pixels = pixels.reshape(-1, SIDE_PX, binning, SIDE_PX, binning).mean(axis=(2, 4), dtype=np.float32)
    pixels -= sky_at(detections.sky, x, y)[:, None, None]
    pixels -= _local_step(pixels)[:, None, None]
    return pixels


def corners(centre_px: NDArray[np.float32], binning: int) -> NDArray[np.intp]:
    """First pixel of a cut-out whose middle binned pixel holds the centre."""
    first = np.floor(centre_px + 0.5) - (SIDE_PX * binning) // 2
    return np.asarray(first, np.intp)


def sky_at(sky: SkyMap, x_px: NDArray[np.float32], y_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate the sky mesh bilinearly at positions in frame pixels; (M,) float32."""
    rows, columns = sky.level_adu.shape
    grid_y = np.clip((y_px + 0.5) / sky.cell_px - 0.5, 0, rows - 1)
    grid_x = np.clip((x_px + 0.5) / sky.cell_px - 0.5, 0, columns - 1)
    y0, x0 = grid_y.astype(int), grid_x.astype(int)
    y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, columns - 1)
    fy, fx = grid_y - y0, grid_x - x0
    level = sky.level_adu
    upper = level[y0, x0] * (1 - fx) + level[y0, x1] * fx
    lower = level[y1, x0] * (1 - fx) + level[y1, x1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


def _nearly_saturated(frame: Frame, detections: Detections) -> NDArray[np.bool_]:
    level = detections.peak_adu + sky_at(detections.sky, detections.x_px, detections.y_px)
    return np.asarray(level >= (1 - EXTRA_SATURATED) * frame.saturation_adu)


def _local_step(stamps: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far the sky around each star lies off the mesh, as in nebulosity; wings of the star are not taken for it."""
    edge = np.concatenate([stamps[:, 0], stamps[:, -1], stamps[:, 1:-1, 0], stamps[:, 1:-1, -1]], axis=1)
    return np.asarray(np.minimum(np.median(edge, axis=1), 0.04 * stamps.max(axis=(1, 2))), np.float32)
