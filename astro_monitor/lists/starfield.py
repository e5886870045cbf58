"""Whether two frames show the same field, by their brightest stars: for headers without a pointing.

Every star of one frame is paired with every star of the other. True pairs all have the same shift (or, after a meridian
flip, the same sum of positions); false ones are scattered over the whole field. So the shift with the most pairs is
found by counting.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache

Stars = tuple[tuple[float, float], ...]
"""Positions in sensor pixels, brightest first."""

MIN_STARS = 12
"""Fewest stars for a decision: clouds, narrow filters and defocused frames leave fewer."""
MIN_PAIRS = 5
"""Fewest pairs with one shift; see ``MIN_PART``."""
MIN_PART = 0.25
"""Smallest fraction of the stars that must have one shift. With ``MIN_PAIRS`` this excludes chance, which hardly ever
brings more than three pairs of two small fields together."""
CELL_PX = 6.0
"""Smallest bin of shifts, in pixels: several times the scatter of the centroids."""
CELL_PART = 0.004
"""Smallest bin of shifts as a fraction of the longer side of the frame: the field may rotate a little."""


@lru_cache(maxsize=65536)
def same_field(first: Stars, other: Stars, width_px: int, height_px: int, reach_px: float) -> bool | None:
    """Return whether two frames show the same field; ``None`` is undecided.

    Parameters:
        first, other: their brightest stars.
        width_px, height_px: of both frames.
        reach_px: largest shift within one field.

    Returns:
        ``None`` when there are too few stars to decide.
    """
    fewest = min(len(first), len(other))
    if fewest < MIN_STARS:
        return None
    cell_px = max(CELL_PX, CELL_PART * max(width_px, height_px))
    candidates: list[tuple[int, float]] = []
    for turned in (False, True):
        pairs, x_px, y_px = _most_common_shift(first, other, cell_px, turned=turned)
        if turned:
            x_px, y_px = x_px - (width_px - 1), y_px - (height_px - 1)
        candidates.append((pairs, math.hypot(x_px, y_px)))
    pairs, shift_px = max(candidates)
    return pairs >= max(MIN_PAIRS, MIN_PART * fewest) and shift_px <= reach_px


def _most_common_shift(first: Stars, other: Stars, cell_px: float, *, turned: bool) -> tuple[int, float, float]:
    """Return the number of pairs with the most common shift, and the shift; zeros for fewer than ``MIN_PAIRS``.

    Bins of shifts overlap, each being two by two small ones, so that a bin border never splits the pairs.
    """
    sign = 1.0 if turned else -1.0
    columns = [(x1 + sign * x0) / cell_px for x0, _ in first for x1, _ in other]
    rows = [(y1 + sign * y0) / cell_px for _, y0 in first for _, y1 in other]
    small = Counter(zip(map(math.floor, columns), map(math.floor, rows), strict=True))
    # Where four small cells hold MIN_PAIRS together, one of them holds at least two, which is rare by chance.
    crowded = [cell for cell, pairs in small.items() if pairs > 1]
    cells = {(column + right, row + up) for column, row in crowded for right in (0, 1) for up in (0, 1)}
    pairs_in = small.get
    counted = [
        (pairs_in((c, r), 0) + pairs_in((c - 1, r), 0) + pairs_in((c, r - 1), 0) + pairs_in((c - 1, r - 1), 0), (c, r))
        for c, r in cells
    ]
    pairs, (column, row) = max(counted, default=(0, (0, 0)))
    return (pairs, column * cell_px, row * cell_px) if pairs >= MIN_PAIRS else (0, 0.0, 0.0)
