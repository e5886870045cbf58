"""Which probabilities to keep and to reject at, for the costs of two errors: the share of review is what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import CLASSES_OF_FAULT, FAULTS
from training.iqa.evaluate import Judged, firm_frames, is_moonlit

GOOD_REJECTED, BAD_KEPT = 0.005, 0.01
"""Largest share of good frames that may be rejected, and of bad ones that may be kept."""
COSTS = (0.0025, 0.005, 0.01, 0.02)
"""Shares of good frames rejected for which the thresholds are listed."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where to keep and where to reject, and what it costs.

    Attributes:
        keep_from: probability of being good from which a frame is kept.
        reject_from: probability of being bad from which it is rejected.
        good_rejected, bad_kept: shares of the good and of the bad frames.
        review: share of all frames that are left to a person.
    """

    keep_from: float
    reject_from: float
    good_rejected: float
    bad_kept: float
    review: float


def thresholds_for(
    good_chance: Array, good: NDArray[np.bool_], good_rejected: float = GOOD_REJECTED, bad_kept: float = BAD_KEPT
) -> Thresholds:
    """Return the thresholds that hold both costs with the least review.

    Parameters:
        good_chance: (N,) probability of being good.
        good: (N,) whether the frame is.
        good_rejected, bad_kept: largest shares.
    """
    of_good, of_bad = good_chance[good], good_chance[~good]
    keep_from = _first(of_bad, bad_kept, above=True)
    reject_below = _first(of_good, good_rejected, above=False)
    if keep_from < reject_below:
        # One threshold holds both costs: nothing is left to review.
        keep_from = reject_below = 0.5 * (keep_from + reject_below)
    return Thresholds(
        keep_from=keep_from,
        reject_from=1.0 - reject_below,
        good_rejected=float((of_good < reject_below).mean()),
        bad_kept=float((of_bad >= keep_from).mean()),
        review=float(((good_chance >= reject_below) & (good_chance < keep_from)).mean()),
    )


def curve(good_chance: Array, good: NDArray[np.bool_], costs: tuple[float, ...]) -> list[Thresholds]:
    """Return the thresholds for several pairs of costs: each of ``costs`` for good frames, twice as much for bad ones.

    Parameters:
        good_chance, good: as for :func:`thresholds_for`.
        costs: shares of good frames that may be rejected.
    """
    return [thresholds_for(good_chance, good, cost, 2 * cost) for cost in costs]


def curve_of(judged: Sequence[Judged]) -> list[Thresholds]:
    """Return the thresholds for several costs, from the probabilities of the model in the loop.

    Parameters:
        judged: frames of validation rigs; ambiguous ones, and those that only the moon lights, do not count.
    """
    firm = [one for one in firm_frames(judged) if not is_moonlit(one)]
    good_chance = np.array([one.grade.probabilities["good"] for one in firm])
    return curve(good_chance, np.array([one.truth["label"] == "good" for one in firm]), COSTS)


def fault_thresholds(judged: Sequence[Judged], good_rejected: float = GOOD_REJECTED) -> dict[str, float]:
    """Return for each fault the probability from which the model alone may reject, so that all three hold the cost.

    Parameters:
        judged: frames of validation rigs.
        good_rejected: largest share of good frames.
    """
    good = [one.grade.probabilities for one in judged if one.truth["label"] == "good"]
    found = {}
    for fault in FAULTS:
        chances = np.array([sum(row[name] for name in CLASSES_OF_FAULT[fault]) for row in good])
        found[fault] = round(float(np.quantile(chances, 1 - good_rejected / len(FAULTS))), 4) if good else 1.0
    return found


def _first(chances: Array, share: float, *, above: bool) -> float:
    """Return the threshold beyond which at most ``share`` of the chances lie: at it or above, or below it."""
    if not len(chances):
        return 0.5
    ordered = np.sort(chances)
    allowed = int(share * len(ordered))
    if above:
        return float(np.nextafter(ordered[len(ordered) - 1 - allowed], 2.0)) if allowed < len(ordered) else 0.0
    return float(ordered[allowed]) if allowed < len(ordered) else 1.0
