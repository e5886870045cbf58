"""Selection of the stars to measure, and their cut-outs. Only cut-outs are converted to float, never the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..records import KIND_STAR, Detections, Frame, SkyMap

SIDE_PX = 25
"""Side of a cut-out in binned pixels, as in Teimoorinia et al. 2020."""

MAX_STARS = 256
"""Most stars that are measured: more hardly improve medians."""

COLUMNS, ROWS = 8, 6
"""Columns and rows of the field grid."""

PER_CELL = 4
"""Stars of each cell that take precedence over the brightest of all: a patch of bad stars must not be missed."""

NEARLY_SATURATED, SATURATED = 0.85, 0.98
"""Fractions of saturation above which peaks are avoided, and count as saturated: sensors are non-linear before they
saturate."""

FEW_CLEAN = 8
"""Fewest unsaturated stars; with fewer, saturated ones are measured, too."""
CORE_PX = 4
"""Distance from the centre within which saturation is searched, in binned pixels."""
STEP_SHARE = 0.15
"""Largest difference between the sky around a star and the mesh, as a fraction of its peak; more is light of a
neighbour."""


@dataclass(frozen=True, slots=True, eq=False)
class CutOuts:
    """Cut-outs of M stars.

    Attributes:
        index: (M,) indices of the detections, brightest first.
        first_x, first_y: (M,) first frame pixel of each.
        light: (M, SIDE_PX, SIDE_PX) float32, sky-subtracted, ADU per frame pixel (the mean of binned pixels).
        highest_adu: (M,) highest pixel value near the middle, as stored in the frame.
    """

    index: NDArray[np.intp]
    first_x: NDArray[np.intp]
    first_y: NDArray[np.intp]
    light: NDArray[np.float32]
    highest_adu: NDArray[np.float32]


def select(frame: Frame, detections: Detections) -> NDArray[np.intp]:
    """Return the stars to measure: bright ones first, but some of every cell of the field.

    Parameters:
        frame: the frame, for its size and saturation.
        detections: all detections, brightest first.

    Returns:
        (M,) indices into the detections, at most ``MAX_STARS``, brightest first. Empty for frames that are smaller
        than a cut-out.
    """
    height, width = frame.pixels.shape
    x, y = detections.x_px, detections.y_px
    usable = np.flatnonzero(inside(frame, detections) & (detections.kind == KIND_STAR))
    if usable.size == 0:
        return usable
    level = detections.peak_adu[usable] + sky_at(detections.sky, x[usable], y[usable])
    clean = usable[level < NEARLY_SATURATED * frame.saturation_adu]
    # Saturated stars are used only where there are too few others.
    candidates = clean if clean.size >= FEW_CLEAN else usable
    cell = cell_of(x[candidates], y[candidates], (height, width))
    by_cell = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[by_cell], np.arange(COLUMNS * ROWS))
    rank_in_cell = np.empty(candidates.size, np.intp)
    rank_in_cell[by_cell] = np.arange(candidates.size) - starts[cell[by_cell]]
    order = np.argsort(rank_in_cell >= PER_CELL, kind="stable")
    return np.sort(candidates[order[:MAX_STARS]])


def inside(frame: Frame, detections: Detections) -> NDArray[np.bool_]:
    """Return for each detection (N,) whether a cut-out around it lies inside the image and outside the border."""
    reach = (SIDE_PX // 2 + 1) * detections.bin_factor
    height, width = frame.pixels.shape
    x, y = detections.x_px, detections.y_px
    within = np.asarray((x >= reach) & (x < width - reach) & (y >= reach) & (y < height - reach))
    return within if frame.border is None else within & ~_touches_border(frame.border, x, y, reach)


def _touches_border(
    border: NDArray[np.bool_], x_px: NDArray[np.float32], y_px: NDArray[np.float32], reach: int
) -> NDArray[np.bool_]:
    """Return for each position whether a square of ``reach`` around it touches the border, at nine points."""
    touched = np.zeros(x_px.shape, np.bool_)
    for down in (-reach, 0, reach):
        for right in (-reach, 0, reach):
            row = np.clip(y_px + down, 0, border.shape[0] - 1).astype(np.intp)
            column = np.clip(x_px + right, 0, border.shape[1] - 1).astype(np.intp)
            touched |= border[row, column]
    return touched


def cell_of(x_px: NDArray[np.float32], y_px: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return the cell of the field grid at each position, counted row by row."""
    height, width = shape
    column = np.clip((x_px * COLUMNS / width).astype(np.intp), 0, COLUMNS - 1)
    row = np.clip((y_px * ROWS / height).astype(np.intp), 0, ROWS - 1)
    return row * COLUMNS + column


def cut(frame: Frame, detections: Detections, index: NDArray[np.intp]) -> CutOuts:
    """Return cut-outs of the selected stars, binned, with hot pixels replaced and the local sky subtracted."""
    binning = detections.bin_factor
    x, y = detections.x_px[index], detections.y_px[index]
    first_x, first_y = _first_pixel(x, binning), _first_pixel(y, binning)
    side = SIDE_PX * binning
    # A frame that is smaller than a cut-out has no windows, and no selected stars.
    windows = (
        sliding_window_view(detections.hot.cleaned(frame.pixels), (side, side))
        if index.size
        else np.empty((1, 1, side, side), np.uint16)
    )
    pixels = windows[first_y, first_x]
    core = slice((SIDE_PX // 2 - CORE_PX) * binning, (SIDE_PX // 2 + CORE_PX + 1) * binning)
    highest = pixels[:, core, core].max(axis=(1, 2), initial=0).astype(np.float32)
    if binning > 1:
        binned = pixels.reshape(-1, SIDE_PX, binning, SIDE_PX, binning)
        light = binned.sum(axis=(2, 4), dtype=np.float32) / np.float32(binning * binning)
    else:
        light = pixels.astype(np.float32)
    light -= sky_at(detections.sky, x, y)[:, None, None]
    light -= _local_step(light)[:, None, None]
    return CutOuts(index, first_x, first_y, light, highest)


def sky_at(sky: SkyMap, x_px: NDArray[np.float32], y_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the bilinearly interpolated sky mesh at positions in frame pixels; (M,) float32."""
    rows, columns = sky.level_adu.shape
    grid_y = np.clip((y_px + 0.5) / sky.cell_px - 0.5, 0, rows - 1)
    grid_x = np.clip((x_px + 0.5) / sky.cell_px - 0.5, 0, columns - 1)
    y0, x0 = grid_y.astype(np.intp), grid_x.astype(np.intp)
    y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, columns - 1)
    fy, fx = grid_y - y0, grid_x - x0
    level = sky.level_adu
    upper = level[y0, x0] * (1 - fx) + level[y0, x1] * fx
    lower = level[y1, x0] * (1 - fx) + level[y1, x1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


def _first_pixel(centre_px: NDArray[np.float32], binning: int) -> NDArray[np.intp]:
    """Return the first pixel of a cut-out whose middle binned pixel contains the centre."""
    return np.asarray(np.floor(centre_px + 0.5) - (SIDE_PX * binning) // 2, np.intp)


def _local_step(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the difference between the sky around each star and the mesh, as in nebulosity."""
    edge = np.concatenate([light[:, 0], light[:, -1], light[:, 1:-1, 0], light[:, 1:-1, -1]], axis=1)
    limit = STEP_SHARE * light.max(axis=(1, 2), initial=0)
    return np.asarray(np.minimum(np.median(edge, axis=1), limit) if len(light) else limit, np.float32)


def covered_cells(frame: Frame) -> NDArray[np.float64]:
    """Return the fraction of each cell of the field grid outside the border, (COLUMNS * ROWS,), row by row."""
    if frame.border is None:
        return np.ones(COLUMNS * ROWS)
    rows = np.array_split(~frame.border, ROWS)
    return np.array([part.mean() for row in rows for part in np.array_split(row, COLUMNS, axis=1)])
