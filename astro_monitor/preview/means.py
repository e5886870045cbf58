"""Means of blocks of pixels, in one pass over a frame: of a grey image, and of each colour of a filter array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Sums = NDArray[np.float32] | NDArray[np.complex64]

_STRIP_ROWS = 16
"""Rows of the result that are made at a time, so that the sums stay in the cache."""

_CELL_ROWS = 2
"""At most so many rows of cells of each block are read from a filter array. More would cost time; the sky of a preview
is smooth with these."""


def block_mean(pixels: NDArray[np.generic], factor: int) -> NDArray[np.float32]:
    """Return the mean of blocks of ``factor`` × ``factor`` pixels; what does not fill a block is left out.

    Parameters:
        pixels: (H, W).
        factor: side of a block in pixels.

    Returns:
        (H // factor, W // factor) float32.
    """
    if factor == 1:
        return pixels.astype(np.float32)
    height, width = (side // factor for side in pixels.shape)
    out = np.empty((height, width), np.float32)
    for row in range(0, height, _STRIP_ROWS):
        end = min(row + _STRIP_ROWS, height)
        block = pixels[row * factor : end * factor, : width * factor].reshape(end - row, factor, width * factor)
        # Rows first: whole rows add quickly, and there are then fewer of them.
        _sum_columns(block.sum(axis=1, dtype=np.float32), factor, out[row:end])
    out *= np.float32(1.0 / factor**2)
    return out


def colour_means(mosaic: NDArray[np.generic], cells: int) -> NDArray[np.float32]:
    """Return the mean of each of the four places in a 2 × 2 cell, over blocks of cells.

    Parameters:
        mosaic: (H, W) filter array.
        cells: side of a block in cells.

    Returns:
        (2, 2, h, w) float32: row and column in the cell first.
    """
    side = 2 * cells
    height, width = (length // side for length in mosaic.shape)
    used = min(cells, _CELL_ROWS)
    step = 2 * (cells // used)
    out = np.empty((2, 2, height, width), np.float32)
    for row in range(0, height, _STRIP_ROWS):
        end = min(row + _STRIP_ROWS, height)
        block = mosaic[row * side : end * side, : width * side].reshape(end - row, side, width * side)
        for down in (0, 1):
            # Two neighbours as one complex number: both colours of a row of cells are added up at once.
            pairs = block[:, down : step * used : step].sum(axis=1, dtype=np.float32).view(np.complex64)
            sums = np.empty((end - row, width), np.complex64)
            _sum_columns(pairs, cells, sums)
            out[down, 0, row:end], out[down, 1, row:end] = sums.real, sums.imag
    out *= np.float32(1.0 / (used * cells))
    return out


def _sum_columns(summed: _Sums, side: int, out: _Sums) -> None:
    """Add up each ``side`` columns."""
    out[...] = summed[:, ::side]
    for offset in range(1, side):
        np.add(out, summed[:, offset::side], out=out)
