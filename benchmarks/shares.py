"""Shares with their uncertainty: frames of one rig or night stand or fall together, so whole ones are drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

RESAMPLES = 500


def share(hits: Sequence[Sequence[bool]]) -> dict[str, Any]:
    """Give a share and its 95 % interval.

    Parameters:
        hits: for each rig or night, whether each of its cases is a hit; empty ones count as drawn without cases.

    Returns:
        ``value``, ``low``, ``high`` (all ``None`` without cases) and ``of``, the number of cases.
    """
    count, right = np.array([len(some) for some in hits]), np.array([sum(some) for some in hits])
    if not count.sum():
        return {"value": None, "low": None, "high": None, "of": 0}
    drawn = np.random.default_rng(1).integers(0, len(hits), (RESAMPLES, len(hits)))
    low, high = np.quantile(right[drawn].sum(axis=1) / np.maximum(count[drawn].sum(axis=1), 1), (0.025, 0.975))
    value = round(float(right.sum() / count.sum()), 4)
    return {"value": value, "low": round(float(low), 4), "high": round(float(high), 4), "of": int(count.sum())}


def shown(found: dict[str, Any]) -> str:
    """Write a share as ``0.912 (0.880 to 0.940)``."""
    if found["value"] is None:
        return "–"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
