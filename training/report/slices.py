"""Figures of the quality model beyond the scores of its card: by cause, by rig, by how far from a border."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from astro_monitor.records import CLASSES
from training.iqa.evaluate import Graded, is_right

MARGINS = (0.0, 0.1, 0.25, 0.5, 1.0, 100.0)
"""Distance of a frame's strength from the nearest border between classes, as the simulator tells it."""

_BINS = 10


def firm(graded: Sequence[Graded]) -> list[Graded]:
    """Leave out the ambiguous ones."""
    return [one for one in graded if one.truth["label"] in CLASSES]


def by_cause(graded: Sequence[Graded]) -> dict[str, dict[str, Any]]:
    """Give for each cause the frames, the share with the right class, kept ones, and the right cause among those."""
    table: dict[str, dict[str, Any]] = {}
    for cause in sorted({one.truth["cause"] for one in graded}):
        some = [one for one in graded if one.truth["cause"] == cause]
        right = [one for one in some if is_right(one)]
        table[cause] = {
            "frames": len(some),
            "right_class": round(len(right) / len(some), 4),
            "called_good": round(sum(one.grade.label == "good" for one in some) / len(some), 4),
            "right_cause": round(sum(one.grade.cause == cause for one in right) / max(1, len(right)), 4),
        }
    return table


def by_margin(graded: Sequence[Graded]) -> list[dict[str, Any]]:
    """Give accuracy over the distance from the nearest border."""
    rows = []
    for low, high in pairwise(MARGINS):
        some = [one for one in graded if low <= one.truth["margin"] < high]
        if some:
            rows.append({"from": low, "to": high, "frames": len(some),
                         "accuracy": round(sum(map(is_right, some)) / len(some), 4)})  # fmt: skip
    return rows


def by_rig(graded: Sequence[Graded]) -> list[float]:
    """Give the accuracy of each rig, worst first."""
    rigs: dict[int, list[bool]] = {}
    for one in graded:
        rigs.setdefault(one.rig, []).append(is_right(one))
    return sorted(round(sum(hits) / len(hits), 4) for hits in rigs.values())


def reliability(graded: Sequence[Graded]) -> list[dict[str, float]]:
    """Give confidence and accuracy of the most probable class in bins of confidence."""
    chance = np.array([max(one.grade.probabilities.values()) for one in graded])
    best = [max(one.grade.probabilities, key=one.grade.probabilities.__getitem__) for one in graded]
    right = np.array([said == one.truth["label"] for said, one in zip(best, graded, strict=True)])
    place = np.minimum((chance * _BINS).astype(int), _BINS - 1)
    return [
        {
            "confidence": round(float(chance[place == number].mean()), 4),
            "accuracy": round(float(right[place == number].mean()), 4),
            "frames": int((place == number).sum()),
        }
        for number in range(_BINS)
        if (place == number).any()
    ]


def worst(graded: Sequence[Graded], count: int) -> list[Graded]:
    """Give the frames whose true class was least expected, at most one of each rig, the most surprising first."""
    wrong = sorted(
        (one for one in graded if not is_right(one)), key=lambda one: one.grade.probabilities[one.truth["label"]]
    )
    found: dict[int, Graded] = {}
    for one in wrong:
        found.setdefault(one.rig, one)
    return list(found.values())[:count]
