"""From which level on a pixel is taken as saturated.

The header rarely tells. Cameras of 12 or 14 bits may be stored as they are or scaled to 16, and many sensors clip
below the range of the file. Clipping shows in the pixels: far more of them at the very highest level than just
below it.
"""

from __future__ import annotations

import numpy as np

from .pixels import Pixels

NEAR_FULL = 0.98
"""Response bends before it clips: everything above this part of the highest level counts."""

SOFT_FULL = 0.95
"""The same where the brightest pixels of a frame are full wells that differ a little."""

_HIGH = 0.85

_ROW_STEP = 4
_MIN_PILE = 6
_PILE_FACTOR = 4.0
_MIN_LEVEL = 200.0
"""Below this, whole numbers are so coarse that any level may look like a wall."""


def saturation_level(pixels: Pixels, header_level: float | None) -> float:
    """Find the level above which pixels are saturated.

    Parameters:
        pixels: (H, W), as stored, before any averaging.
        header_level: what the header says, if it does.

    Returns:
        A level in the unit of ``pixels``; finite and above zero.
    """
    if header_level is not None:
        return header_level
    rows = pixels[::_ROW_STEP]
    highest = float(rows.max())
    if _piled_up(rows, highest):
        return NEAR_FULL * highest
    if pixels.dtype == np.uint16:
        # The wells of many sensors are full a little below the top of the file's range, without a sharp wall.
        return SOFT_FULL * highest if highest > _HIGH * 65535.0 else NEAR_FULL * 65535.0
    if highest <= 1.0:
        return NEAR_FULL  # the normalised range of processed images
    return NEAR_FULL * max(65535.0, highest)


def _piled_up(rows: Pixels, highest: float) -> bool:
    if highest <= (_MIN_LEVEL if rows.dtype == np.uint16 else 0.0):
        return False
    at_top = int(np.count_nonzero(rows == rows.dtype.type(highest)))
    if not _MIN_PILE <= at_top <= rows.size // 2:
        return False
    below = int(np.count_nonzero(rows >= rows.dtype.type(0.9 * highest))) - at_top
    # A level shared by so many pixels is a wall if the whole tenth below it holds only a few times as many.
    return at_top * _PILE_FACTOR > below
