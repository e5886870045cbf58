"""Robust statistics of a window of frames: median and scatter of each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..records import Spread

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation: 1 / Φ⁻¹(3/4)."""


def median(values: Sequence[float]) -> float:
    """Return the median of numbers of a baseline: the middle value, or the mean of the two in the middle.

    Parameters:
        values: at least one.
    """
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def spreads(rows: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Return median and scaled median absolute deviation of each metric that any row has.

    Parameters:
        rows: for each frame its finite values, by metric.
    """
    columns: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return {key: _spread(column) for key, column in columns.items()}


def _spread(column: Sequence[float]) -> Spread:
    """Return the median and the scaled median absolute deviation of one metric over a window of frames."""
    middle = median(column)
    return Spread(median=middle, mad=MAD_TO_SIGMA * median([abs(value - middle) for value in column]))
