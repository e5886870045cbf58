"""The field grid: a tree, a dome edge or a small cloud shows in a cell long before a global number moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_STAR, Detections, FieldCell, SkyMap, Stars
from .stamps import COLUMNS, ROWS

MIN_STARS_IN_CELL = 3
DEAD_SHARE = 0.2
"""A cell with fewer stars than this share of the median cell is dead."""
COUNTABLE = 10
"""With fewer stars in the median cell, chance alone would empty some."""


def field_grid(
    detections: Detections, stars: Stars, shape: tuple[int, int], sensor_px_per_px: int
) -> tuple[FieldCell, ...]:
    """Summarise each cell, row by row.

    Parameters:
        detections: for the counts.
        stars: for sizes and directions.
        shape: (height, width) of the frame.
        sensor_px_per_px: turns frame pixels into sensor pixels.
    """
    found = detections.kind == KIND_STAR
    counts = np.bincount(_cell(detections.x_px[found], detections.y_px[found], shape), minlength=COLUMNS * ROWS)
    cells = _cell(stars.x_px, stars.y_px, shape)
    sky = _cell_sky(detections.sky)
    made = []
    for index in range(COLUMNS * ROWS):
        mine = cells == index
        enough = np.count_nonzero(mine) >= MIN_STARS_IN_CELL
        double = 2 * np.radians(stars.theta_deg[mine].astype(np.float64))
        made.append(
            FieldCell(
                column=index % COLUMNS,
                row=index // COLUMNS,
                star_count=int(counts[index]),
                sky_adu=float(sky[index]),
                fwhm_px=float(np.median(stars.fwhm_px[mine])) * sensor_px_per_px if enough else None,
                elongation=float(np.median(stars.a_px[mine] / stars.b_px[mine])) if enough else None,
                angle_deg=float(np.degrees(0.5 * np.arctan2(np.sin(double).sum(), np.cos(double).sum())))
                if enough
                else None,
            )
        )
    return tuple(made)


def dead_cell_fraction(cells: tuple[FieldCell, ...]) -> float | None:
    """Part of the cells with far fewer stars than the median cell; ``None`` when there are too few stars to tell."""
    counts = np.array([cell.star_count for cell in cells])
    typical = float(np.median(counts))
    return float((counts < DEAD_SHARE * typical).mean()) if typical >= COUNTABLE else None


def fwhm_spread_fraction(cells: tuple[FieldCell, ...]) -> float | None:
    """Range of the middle 80 % of the cells' FWHM over their median; ``None`` with fewer than six cells."""
    widths = np.array([cell.fwhm_px for cell in cells if cell.fwhm_px is not None])
    if widths.size < 6:
        return None
    low, middle, high = np.percentile(widths, (10, 50, 90))
    return float((high - low) / middle)


def _cell(x_px: NDArray[np.float32], y_px: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.intp]:
    height, width = shape
    column = np.clip((x_px * COLUMNS / width).astype(np.intp), 0, COLUMNS - 1)
    row = np.clip((y_px * ROWS / height).astype(np.intp), 0, ROWS - 1)
    return row * COLUMNS + column


def _cell_sky(sky: SkyMap) -> NDArray[np.float64]:
    rows, columns = sky.level_adu.shape
    row = np.minimum((np.arange(ROWS) + 0.5) * rows / ROWS, rows - 1).astype(int)
    column = np.minimum((np.arange(COLUMNS) + 0.5) * columns / COLUMNS, columns - 1).astype(int)
    return sky.level_adu[np.ix_(row, column)].astype(np.float64).ravel()
