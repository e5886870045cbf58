"""The field grid: a tree, a dome edge or a small cloud is visible in a cell long before it affects a global number."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_STAR, Detections, FieldCell, SkyMap, Stars
from .stamps import COLUMNS, ROWS, cell_of

MIN_STARS_IN_CELL = 3
"""Fewest stars for the width and elongation of a cell."""
MIN_CELLS_FOR_SPREAD = 6
"""Fewest cells for a spread, and for a fraction of dead cells."""
DEAD_SHARE = 0.2
"""Fraction of the stars in the median cell below which a cell is dead."""
COVERED = 0.5
"""Fraction of a cell outside the border below which it is not used for the fraction of dead cells."""
COUNTABLE = 10
"""Fewest stars in the median cell: with fewer, some cells would be empty by chance."""


def field_grid(
    detections: Detections, stars: Stars, shape: tuple[int, int], sensor_px_per_px: int
) -> tuple[FieldCell, ...]:
    """Return the properties of each cell, row by row.

    Parameters:
        detections: detections, for the counts.
        stars: measured stars, for widths and directions.
        shape: (height, width) of the frame.
        sensor_px_per_px: sensor pixels per frame pixel.
    """
    is_star = detections.kind == KIND_STAR
    counts = np.bincount(cell_of(detections.x_px[is_star], detections.y_px[is_star], shape), minlength=COLUMNS * ROWS)
    cells = cell_of(stars.x_px, stars.y_px, shape)
    sky = _sky_of_cells(detections.sky, shape)
    return tuple(
        _field_cell(index, int(counts[index]), sky[index], stars, np.flatnonzero(cells == index), sensor_px_per_px)
        for index in range(COLUMNS * ROWS)
    )


def _field_cell(
    index: int, count: int, sky_adu: float, stars: Stars, in_cell: NDArray[np.intp], sensor_px_per_px: int
) -> FieldCell:
    """Return the metrics of one cell of the field: star count, sky level, and width and elongation of its stars."""
    fwhm = elongation = angle = None
    if in_cell.size >= MIN_STARS_IN_CELL:
        a, b = stars.a_px[in_cell].astype(np.float64), stars.b_px[in_cell].astype(np.float64)
        double = 2 * np.radians(stars.theta_deg[in_cell].astype(np.float64))
        # Elongated stars determine the direction better than nearly round ones.
        weight = a**2 - b**2
        fwhm = _median(stars.fwhm_px[in_cell]) * sensor_px_per_px
        elongation = _median(a / b)
        angle = float(np.degrees(0.5 * np.arctan2((weight * np.sin(double)).sum(), (weight * np.cos(double)).sum())))
    return FieldCell(
        column=index % COLUMNS,
        row=index // COLUMNS,
        star_count=count,
        sky_adu=sky_adu,
        fwhm_px=fwhm,
        elongation=elongation,
        angle_deg=angle,
    )


def dead_cell_fraction(cells: tuple[FieldCell, ...], covered: NDArray[np.float64] | None = None) -> float | None:
    """Return the fraction of the cells with far fewer stars than the median cell.

    Parameters:
        cells: the field grid.
        covered: fraction of each cell outside the border; cells with less than ``COVERED`` are ignored.

    Returns:
        ``None`` when there are too few stars to decide.
    """
    counts = np.array([cell.star_count for cell in cells], np.float64)
    if covered is not None:
        whole = covered >= COVERED
        counts = counts[whole] / covered[whole]
    if counts.size < MIN_CELLS_FOR_SPREAD:
        return None
    typical = float(np.median(counts))
    return float((counts < DEAD_SHARE * typical).mean()) if typical >= COUNTABLE else None


def fwhm_spread_fraction(cells: tuple[FieldCell, ...]) -> float | None:
    """Return the range of the middle 80 % of the cells' FWHM over the median; ``None`` with too few cells."""
    widths = np.array([cell.fwhm_px for cell in cells if cell.fwhm_px is not None])
    if widths.size < MIN_CELLS_FOR_SPREAD:
        return None
    low, middle, high = np.percentile(widths, (10, 50, 90))
    return float((high - low) / middle)


def _sky_of_cells(sky: SkyMap, shape: tuple[int, int]) -> list[float]:
    """Return the median of the mesh inside each cell of the grid; the nearest mesh cell where the mesh is coarser."""
    rows, columns = sky.level_adu.shape
    row_edges = np.linspace(0, min(shape[0] / sky.cell_px, rows), ROWS + 1)
    column_edges = np.linspace(0, min(shape[1] / sky.cell_px, columns), COLUMNS + 1)
    levels = []
    for top, bottom in pairwise(row_edges):
        for left, right in pairwise(column_edges):
            y0, x0 = min(int(top), rows - 1), min(int(left), columns - 1)
            y1, x1 = max(int(bottom), y0 + 1), max(int(right), x0 + 1)
            levels.append(_median(sky.level_adu[y0:y1, x0:x1]))
    return levels


def _median(values: NDArray[np.floating]) -> float:
    """Return the median of a few values, ten times as fast as ``np.median``, which handles more cases."""
    ordered = np.sort(values, axis=None)
    return float(ordered[(ordered.size - 1) // 2] + ordered[ordered.size // 2]) / 2
