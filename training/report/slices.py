"""Figures of the verdicts beyond the scores of the card: by cause, kind of night, rig, and distance from a border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from training.iqa.evaluate import Judged, is_right

MARGINS = (0.0, 0.1, 0.25, 0.5, 1.0, 100.0)
"""Distance of a frame's strength from the nearest border between classes, as the simulator tells it."""

STARS = (0, 1, 3, 8, 20, 60, 1000)
"""Borders between frames of no, few and many stars."""

_BINS = 10


def by_cause(judged: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """Give for each cause the frames, the share with the right class, kept ones, and the right cause among those."""
    table: dict[str, dict[str, Any]] = {}
    for cause in sorted({one.truth["cause"] for one in judged}):
        some = [one for one in judged if one.truth["cause"] == cause]
        right = [one for one in some if is_right(one)]
        table[cause] = {
            "frames": len(some),
            "right_class": round(len(right) / len(some), 4),
            "kept": round(sum(one.decision == "keep" for one in some) / len(some), 4),
            "right_cause": round(sum(one.cause == cause for one in right) / max(1, len(right)), 4),
        }
    return table


def by_kind(judged: Sequence[Judged], kinds: Mapping[int, str]) -> dict[str, dict[str, Any]]:
    """Return for each kind of night the frames and the share with the right class.

    Parameters:
        judged: firm frames.
        kinds: of each rig, by its number.
    """
    table: dict[str, dict[str, Any]] = {}
    for kind in sorted(set(kinds.values())):
        some = [one for one in judged if kinds[one.rig] == kind]
        good = [one for one in some if one.truth["label"] == "good"]
        if some:
            table[kind] = {
                "frames": len(some),
                "right_class": round(sum(map(is_right, some)) / len(some), 4),
                "good_kept": round(sum(one.decision == "keep" for one in good) / max(1, len(good)), 4),
            }
    return table


def by_stars(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return accuracy and decisions over the number of stars that the model sees.

    Parameters:
        judged: firm frames.
    """
    rows = []
    for low, high in pairwise(STARS):
        some = [one for one in judged if low <= one.stars < high]
        good = [one for one in some if one.truth["label"] == "good"]
        if some:
            rows.append(
                {
                    "from": low,
                    "to": high - 1,
                    "frames": len(some),
                    "right_class": round(sum(map(is_right, some)) / len(some), 4),
                    "good_kept": round(sum(one.decision == "keep" for one in good) / max(1, len(good)), 4),
                    "review": round(sum(one.decision == "review" for one in some) / len(some), 4),
                }
            )
    return rows


def by_margin(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Give accuracy over the distance from the nearest border."""
    rows = []
    for low, high in pairwise(MARGINS):
        some = [one for one in judged if low <= one.truth["margin"] < high]
        if some:
            rows.append({"from": low, "to": high, "frames": len(some),
                         "accuracy": round(sum(map(is_right, some)) / len(some), 4)})  # fmt: skip
    return rows


def by_rig(judged: Sequence[Judged]) -> list[float]:
    """Give the accuracy of each rig, worst first."""
    rigs: dict[int, list[bool]] = {}
    for one in judged:
        rigs.setdefault(one.rig, []).append(is_right(one))
    return sorted(round(sum(hits) / len(hits), 4) for hits in rigs.values())


def reliability(judged: Sequence[Judged]) -> list[dict[str, float]]:
    """Give confidence and accuracy of the most probable class in bins of confidence."""
    chance = np.array([max(one.grade.probabilities.values()) for one in judged])
    best = [max(one.grade.probabilities, key=one.grade.probabilities.__getitem__) for one in judged]
    right = np.array([said == one.truth["label"] for said, one in zip(best, judged, strict=True)])
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


def worst(judged: Sequence[Judged], count: int) -> list[Judged]:
    """Give the frames whose true class was least expected, at most one of each rig, the most surprising first."""
    wrong = sorted(
        (one for one in judged if not is_right(one)), key=lambda one: one.grade.probabilities[one.truth["label"]]
    )
    found: dict[int, Judged] = {}
    for one in wrong:
        found.setdefault(one.rig, one)
    return list(found.values())[:count]
