"""Thresholds for the costs of two errors."""

from __future__ import annotations

import numpy as np
import pytest

from training.iqa.costs import curve, thresholds_for


def frames(rng: np.random.Generator, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated looking chances of 4000 frames, half of them good."""
    good = np.arange(4000) % 2 == 0
    logit = np.where(good, 4.0, -4.0) + rng.normal(0, overlap, 4000)
    return 1 / (1 + np.exp(-logit)), good


def test_both_costs_are_held_and_the_rest_goes_to_review(rng):
    chance, good = frames(rng, 3.0)
    found = thresholds_for(chance, good)
    assert found.good_rejected <= 0.005
    assert found.bad_kept <= 0.01
    assert 0 < found.review < 0.5
    kept, rejected = chance >= found.keep_from, 1 - chance > found.reject_from
    assert found.review == pytest.approx((~kept & ~rejected).mean(), abs=1e-3)


def test_classes_that_part_need_no_review(rng):
    found = thresholds_for(*frames(rng, 0.3))
    assert found.review == 0
    assert found.keep_from == pytest.approx(1 - found.reject_from)


def test_dearer_errors_mean_more_review(rng):
    reviews = [row.review for row in curve(*frames(rng, 3.0), (0.002, 0.01, 0.05))]
    assert reviews == sorted(reviews, reverse=True)
