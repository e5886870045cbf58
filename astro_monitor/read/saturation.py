"""The level from which pixels count as saturated.

Headers rarely contain it. Data of 12 or 14 bits may be stored unchanged or scaled to 16 bits, and many sensors clip
below the range of the file. Clipping shows in the pixels: far more of them have the highest level than the levels just
below it.
"""

from __future__ import annotations

import numpy as np

from astro_monitor.formats.contents import Pixels

NEAR_FULL = 0.98
"""Fraction of the clipping level above which pixels count: the response bends before it clips."""

SOFT_FULL = 0.95
"""The same where the brightest pixels are full wells, whose capacities differ a little."""

_HIGH = 0.85
"""Fraction of the 16-bit range from which the brightest pixel is taken as a full well, though no level piles up."""

_ROW_STEP = 4
"""Every fourth row is searched, for speed; clipped stars cover several rows."""
_MIN_PILE = 6
"""Fewest pixels at the highest level that count as clipped."""
_PILE_FACTOR = 4.0
"""Largest ratio of the pixels in the tenth below the highest level to those at it, for clipping."""
_MIN_LEVEL = 200.0
"""Lowest level of clipping in ADU: below it, whole numbers are so coarse that pixels pile up at any level."""


def saturation_level(pixels: Pixels, header_level: float | None) -> float:
    """Find the level above which pixels are saturated.

    Parameters:
        pixels: (H, W), as stored, before any averaging.
        header_level: the level in the header; ``None`` when it has none.

    Returns:
        A level in the unit of ``pixels``; finite and above zero.
    """
    if header_level is not None:
        return header_level
    rows = pixels[::_ROW_STEP]
    highest = float(rows.max())
    if _is_clipped(rows, highest):
        return NEAR_FULL * highest
    if pixels.dtype == np.uint16:
        # The full well of many sensors lies a little below the top of the file's range, without sharp clipping.
        return SOFT_FULL * highest if highest > _HIGH * 65535.0 else NEAR_FULL * 65535.0
    if highest <= 1.0:
        return NEAR_FULL  # the normalised range of processed images
    return NEAR_FULL * max(65535.0, highest)


def _is_clipped(rows: Pixels, highest: float) -> bool:
    """Return whether so many pixels pile up at the frame's highest level that it is clipped there."""
    if highest <= (_MIN_LEVEL if rows.dtype == np.uint16 else 0.0):
        return False
    at_top = int(np.count_nonzero(rows == rows.dtype.type(highest)))
    if not _MIN_PILE <= at_top <= rows.size // 2:
        return False
    below = int(np.count_nonzero(rows >= rows.dtype.type(0.9 * highest))) - at_top
    # So many pixels at one level mean clipping if the whole tenth below it holds only a few times as many.
    return at_top * _PILE_FACTOR > below
