"""A colour filter array becomes luminance: the mean of each cell.

A cell is the smallest square that has the same colours everywhere: 2 × 2 in all Bayer arrays. Fujifilm's X-Trans array
repeats each 6 × 6 pixels, and each 3 × 3 of them holds five greens, two reds and two blues.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pixels import Pixels

XTRANS = "XTRANS"
"""Stands for Fujifilm's array where the letters of a Bayer cell would stand."""
_BLOCK_ROWS = 16


def cell_side(bayer: str) -> int:
    """Return the side of a cell in pixels.

    Parameters:
        bayer: letters of a Bayer cell, or ``XTRANS``.
    """
    return 3 if bayer == XTRANS else 2


def mean_of_cells(pixels: Pixels, side: int = 2) -> Pixels:
    """Average each cell; rows and columns that do not fill one at the end are left out.

    Parameters:
        pixels: (H, W) C-contiguous.
        side: of a cell.

    Returns:
        (H // side, W // side), same type; uint16 means are rounded to the nearest number.
    """
    if side != 2:
        return _mean_of_any(pixels, side)
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    if pixels.dtype == np.uint16 and pixels.shape[1] == width and np.little_endian:
        return _mean_uint16(np.asarray(pixels[:height], np.uint16))
    # The sum of four numbers of 16 bits is exact in float32, as is its quarter.
    out = np.empty((height // 2, width // 2), pixels.dtype)
    rounding = np.float32(0.5 if pixels.dtype == np.uint16 else 0.0)
    for row in range(0, height, 2 * _BLOCK_ROWS):
        wide = pixels[row : min(height, row + 2 * _BLOCK_ROWS), :width].astype(np.float32)
        total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
        out[row // 2 : row // 2 + len(total)] = total * np.float32(0.25) + rounding
    return out


def _mean_of_any(pixels: Pixels, side: int) -> Pixels:
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
    """The same for even widths: two neighbours are one 32-bit word, which needs no strided access."""
    words = pixels.view(np.uint32)
    out = np.empty((pixels.shape[0] // 2, pixels.shape[1] // 2), np.uint16)
    for row in range(0, len(words), 2 * _BLOCK_ROWS):
        block = words[row : row + 2 * _BLOCK_ROWS]
        pairs = (block & np.uint32(0xFFFF)) + (block >> np.uint32(16))
        total = pairs[0::2] + pairs[1::2]
        total += np.uint32(2)
        out[row // 2 : row // 2 + len(total)] = total >> np.uint32(2)
    return out
