"""Borders without data: black corners of rotated frames, rows of NaN or BLANK, masked edges.

A border is recognised at the edge of the image: a long run of pixels with exactly one value, which no sky has. It is
filled with sky as next to it, so that it shows neither an edge nor a star, and masked, so that nothing in it is
measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from astro_monitor.formats.contents import Pixels

_RUN_PX = 64
"""Shortest run of equal pixels along an edge, in pixels: not by chance, unless the noise is below 0.2 ADU."""
_RUN_SHARE = 0.04
"""Shortest run as a fraction of the edge, for large images."""
_INNER_RUN_PX = 8
"""Shortest run from an edge into the image that belongs to a border, in pixels."""
_BLOCK_PX = 6
"""Side in pixels of a square that every border contains; a dead row or column does not."""
_MOST = 0.9
"""Largest fraction of an image that can be border; above it, the image is left as it is."""
_LARGEST_INSIDE = 0.5
"""Fraction of the image away from the edges from which a value is that of the sky, not of a border."""
_CELL_PX = 32
"""Side in pixels of the cells in which the sky next to a border is measured."""
_SEED = 1
"""Seed of the noise in a filled border: the same file must produce the same frame."""


def find_border(pixels: Pixels) -> NDArray[np.bool_] | None:
    """Return the mask of the pixels in a border without data; ``None`` when there is no border.

    Parameters:
        pixels: (H, W), at least 64 pixels a side.

    Returns:
        (H, W), true in the border.
    """
    values = {value for line in _edge_lines(pixels) if (value := _long_run(line)) is not None}
    if not values:
        return None
    mask = np.zeros(pixels.shape, np.bool_)
    for value in sorted(values):
        same = pixels == pixels.dtype.type(value)
        reached = _from_the_edges(same)
        inside = float(np.count_nonzero(same & ~reached)) / max(1, int(np.count_nonzero(~reached)))
        if _has_solid_block(reached) and inside < _LARGEST_INSIDE:
            mask |= reached
    share = int(np.count_nonzero(mask)) / mask.size
    return mask if 0.0 < share <= _MOST else None


def fill_border(pixels: Pixels, mask: NDArray[np.bool_]) -> None:
    """Fill a border with the level of the nearest sky and the noise of the image, in place.

    Parameters:
        pixels: (H, W), writable.
        mask: (H, W), true where to fill; false for at least one pixel.
    """
    level = _levels(pixels, mask)
    rows, columns = np.nonzero(mask)
    noise = _noise(pixels, mask)
    # Seeded, so that each reading of a file produces the same frame.
    drawn = np.random.default_rng(_SEED).standard_normal(len(rows), np.float32)
    filled = level[rows // _CELL_PX, columns // _CELL_PX] + np.float32(noise) * drawn
    if pixels.dtype == np.uint16:
        filled = np.clip(np.rint(filled), 0, 65535)
    pixels[rows, columns] = filled.astype(pixels.dtype)


def _edge_lines(pixels: Pixels) -> tuple[Pixels, ...]:
    """Return the first and last row and the first and last column of the pixels."""
    return pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]


def _long_run(line: Pixels) -> float | None:
    """Return the value of the longest run of equal pixels along an edge, if it is too long for sky."""
    changes = np.flatnonzero(line[1:] != line[:-1])
    bounds = np.concatenate([[-1], changes, [len(line) - 1]])
    lengths = np.diff(bounds)
    longest = int(np.argmax(lengths))
    if lengths[longest] < max(min(_RUN_PX, len(line) // 2), _RUN_SHARE * len(line)):
        return None
    return float(line[bounds[longest] + 1])


def _from_the_edges(same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels that are connected to an edge along a row or a column within ``same``.

    Each row and column is followed from both ends; runs shorter than ``_INNER_RUN_PX`` are ignored.
    """
    reached = np.zeros_like(same)
    for direction in (slice(None), slice(None, None, -1)):
        runs = _row_runs(same[:, direction])
        for row in np.flatnonzero(runs >= _INNER_RUN_PX):
            reached[row, direction][: runs[row]] = True
        runs = _column_runs(same[direction])
        runs[runs < _INNER_RUN_PX] = 0
        deepest = int(runs.max(initial=0))
        reached[direction][:deepest] |= np.arange(deepest)[:, None] < runs
    return reached


def _row_runs(same: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each row the number of true pixels at its start."""
    ends: NDArray[np.intp] = np.argmin(same, axis=1)
    ends[(ends == 0) & same[:, 0]] = same.shape[1]
    return ends


def _column_runs(same: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each column the number of true pixels at its start; rows beyond the longest run are not read."""
    runs = np.zeros(same.shape[1], np.intp)
    alive = np.ones(same.shape[1], np.bool_)
    for row in same:
        alive &= row
        if not alive.any():
            break
        runs += alive
    return runs


def _has_solid_block(mask: NDArray[np.bool_]) -> bool:
    """Return whether the mask of border pixels contains a solid block of ``_BLOCK_PX`` squared pixels."""
    height, width = (side // _BLOCK_PX * _BLOCK_PX for side in mask.shape)
    for part in (mask[:height, :width], mask[-height:, -width:]):
        # Rows first: they are contiguous in memory.
        rows = np.asarray(part.reshape(height // _BLOCK_PX, _BLOCK_PX, width).all(axis=1))
        if rows.reshape(height // _BLOCK_PX, width // _BLOCK_PX, _BLOCK_PX).all(axis=2).any():
            return True
    return False


def _levels(pixels: Pixels, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the sky of each cell of ``_CELL_PX`` pixels; for cells in the border that of the nearest cell outside it.

    Only cells in and next to the border are measured; the others are 0.
    """
    rows, columns = (-(-side // _CELL_PX) for side in pixels.shape)
    level = np.zeros((rows, columns), np.float32)
    level[_touched(mask)] = np.nan
    for row, column in np.argwhere(np.isnan(level)):
        cell = np.s_[row * _CELL_PX : (row + 1) * _CELL_PX, column * _CELL_PX : (column + 1) * _CELL_PX]
        unmasked = pixels[cell][~mask[cell]]
        if unmasked.size >= _CELL_PX:
            level[row, column] = np.median(unmasked)
    if np.isnan(level).all():
        level[:] = np.median(pixels[~mask])
    while np.isnan(level).any():
        padded = np.pad(level, 1, constant_values=np.nan)
        around = np.stack([padded[1 + y : rows + 1 + y, 1 + x : columns + 1 + x] for y, x in
                           ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))])  # fmt: skip
        known = ~np.isnan(around)
        count = known.sum(axis=0)
        mean = np.where(known, around, 0).sum(axis=0) / np.maximum(count, 1)
        level = np.where(np.isnan(level) & (count > 0), mean, level).astype(np.float32)
    return level


def _touched(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the cells that contain a masked pixel or are next to such a cell."""
    rows, columns = (-(-side // _CELL_PX) for side in mask.shape)
    with_masked = np.zeros((rows + 2, columns + 2), np.bool_)
    row, column = np.nonzero(mask)
    with_masked[row // _CELL_PX + 1, column // _CELL_PX + 1] = True
    around = [with_masked[y : rows + y, x : columns + x] for y in range(3) for x in range(3)]
    return np.asarray(np.logical_or.reduce(around))


def _noise(pixels: Pixels, mask: NDArray[np.bool_]) -> float:
    """Return the noise of a pixel in ADU, by the differences of neighbouring pixels of one colour."""
    rows = pixels[:: max(1, pixels.shape[0] // 256)].astype(np.float32)
    unmasked = ~mask[:: max(1, pixels.shape[0] // 256)]
    both_unmasked = unmasked[:, 2:] & unmasked[:, :-2]
    steps = np.abs(rows[:, 2:] - rows[:, :-2])[both_unmasked]
    return float(np.median(steps)) / (0.6745 * np.sqrt(2.0)) if steps.size else 0.0
