"""Luminance of a colour filter array: the mean of each cell (super-pixel).

A cell is the smallest square with the same mix of colours everywhere: 2 × 2 in all Bayer arrays. Fujifilm's X-Trans
array repeats every 6 × 6 pixels, and each 3 × 3 of them holds five greens, two reds and two blues.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from astro_monitor.formats.contents import Pixels

XTRANS = "XTRANS"
"""Name of Fujifilm's array, used in place of the letters of a Bayer cell."""
_BLOCK_ROWS = 16
"""Rows of cells per step: the block of rows stays in the processor's cache."""


def cell_side(bayer: str) -> int:
    """Return the side of a cell in pixels.

    Parameters:
        bayer: letters of a Bayer cell, or ``XTRANS``.
    """
    return 3 if bayer == XTRANS else 2


def mean_of_cells(pixels: Pixels, side: int = 2) -> Pixels:
    """Return the mean of each cell; incomplete cells at the last rows and columns are left out.

    Parameters:
        pixels: (H, W) C-contiguous.
        side: side of a cell in pixels.

    Returns:
        (H // side, W // side), same type; uint16 means are rounded to the nearest number.
    """
    if side != 2:
        return _mean_of_any_cells(pixels, side)
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    if pixels.dtype == np.uint16 and pixels.shape[1] == width and np.little_endian:
        return _mean_uint16(np.asarray(pixels[:height], np.uint16))
    # The sum of four 16-bit numbers is exact in float32, as is its quarter.
    out = np.empty((height // 2, width // 2), pixels.dtype)
    rounding = np.float32(0.5 if pixels.dtype == np.uint16 else 0.0)
    for row in range(0, height, 2 * _BLOCK_ROWS):
        wide = pixels[row : min(height, row + 2 * _BLOCK_ROWS), :width].astype(np.float32)
        total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
        out[row // 2 : row // 2 + len(total)] = total * np.float32(0.25) + rounding
    return out


def _mean_of_any_cells(pixels: Pixels, side: int) -> Pixels:
    """Return the mean of each cell of ``side`` × ``side`` pixels of a mosaic, for cells of any size."""
    height, width = pixels.shape[0] // side * side, pixels.shape[1] // side * side
    out = np.empty((height // side, width // side), pixels.dtype)
    rounding = np.float32(0.5 if pixels.dtype == np.uint16 else 0.0)
    step = side * _BLOCK_ROWS
    for row in range(0, height, step):
        block = pixels[row : min(height, row + step), :width]
        total = np.zeros((len(block) // side, width // side), np.float32)
        for down in range(side):
            for across in range(side):
                total += block[down::side, across::side]
        out[row // side : row // side + len(total)] = total / np.float32(side * side) + rounding
    return out


def _mean_uint16(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the mean for even widths: two neighbours are one 32-bit word, so that no strided access is needed."""
    words = pixels.view(np.uint32)
    out = np.empty((pixels.shape[0] // 2, pixels.shape[1] // 2), np.uint16)
    for row in range(0, len(words), 2 * _BLOCK_ROWS):
        block = words[row : row + 2 * _BLOCK_ROWS]
        pairs = (block & np.uint32(0xFFFF)) + (block >> np.uint32(16))
        total = pairs[0::2] + pairs[1::2]
        total += np.uint32(2)
        out[row // 2 : row // 2 + len(total)] = total >> np.uint32(2)
    return out
