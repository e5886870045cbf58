"""Whether two frames show the same field, by their brightest stars: for headers without the pointing.

Every star of one frame is paired with every star of the other. Pairs that belong together all have the same shift (or,
after a meridian flip, the same sum of positions); all others are spread over the whole field. So the shift with the
most pairs is counted.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache

Stars = tuple[tuple[float, float], ...]
"""Positions in sensor pixels, brightest first."""

MIN_STARS = 12
"""Fewer stars decide nothing: clouds, a narrow filter, a frame out of focus."""
MIN_PAIRS = 5
MIN_PART = 0.25
"""At least so many pairs, and so large a part of the stars, must have one shift: chance hardly ever brings more than
three of the pairs of two small fields together."""
CELL_PX = 6.0
CELL_PART = 0.004
"""Shifts that differ by less than this, or this part of the longer side, are one: a field may turn a little."""


@lru_cache(maxsize=65536)
def same_field(one: Stars, other: Stars, width_px: int, height_px: int, reach_px: float) -> bool | None:
    """Return whether two frames show the same field.

    Parameters:
        one, other: their brightest stars.
        width_px, height_px: of both frames.
        reach_px: fields that are shifted by more are different ones.

    Returns:
        ``None`` when there are too few stars to decide.
    """
    fewest = min(len(one), len(other))
    if fewest < MIN_STARS:
        return None
    cell_px = max(CELL_PX, CELL_PART * max(width_px, height_px))
    found: list[tuple[int, float]] = []
    for turned in (False, True):
        pairs, x_px, y_px = _most_common_shift(one, other, cell_px, turned=turned)
        if turned:
            x_px, y_px = x_px - (width_px - 1), y_px - (height_px - 1)
        found.append((pairs, math.hypot(x_px, y_px)))
    pairs, shift_px = max(found)
    return pairs >= max(MIN_PAIRS, MIN_PART * fewest) and shift_px <= reach_px


def _most_common_shift(one: Stars, other: Stars, cell_px: float, *, turned: bool) -> tuple[int, float, float]:
    """Return how many pairs have the most common shift, and that shift; no pairs where they are fewer than counts.

    Cells of shifts overlap, each being two by two small ones: no shift is cut in two.
    """
    sign = 1.0 if turned else -1.0
    columns = [(x1 + sign * x0) / cell_px for x0, _ in one for x1, _ in other]
    rows = [(y1 + sign * y0) / cell_px for _, y0 in one for _, y1 in other]
    small = Counter(zip(map(math.floor, columns), map(math.floor, rows), strict=True))
    # Where four small cells hold MIN_PAIRS together, one of them holds two: hardly any does by chance.
    crowded = [cell for cell, pairs in small.items() if pairs > 1]
    cells = {(column + right, row + up) for column, row in crowded for right in (0, 1) for up in (0, 1)}
    there = small.get
    counted = [
        (there((c, r), 0) + there((c - 1, r), 0) + there((c, r - 1), 0) + there((c - 1, r - 1), 0), (c, r))
        for c, r in cells
    ]
    pairs, (column, row) = max(counted, default=(0, (0, 0)))
    return (pairs, column * cell_px, row * cell_px) if pairs >= MIN_PAIRS else (0, 0.0, 0.0)
