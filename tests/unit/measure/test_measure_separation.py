"""Distances between stars."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.measure.separation import separation_px


@pytest.mark.parametrize("count", [2, 3, 40, 500])
def test_it_is_the_median_distance_to_the_nearest(count: int) -> None:
    positions = np.random.default_rng(count).uniform(0, 3000, (count, 2)).astype(np.float32)
    distance = np.hypot(*(positions[:, None] - positions[None]).astype(np.float64).transpose(2, 0, 1))
    nearest = np.partition(distance, 1, axis=1)[:, 1]
    assert separation_px(positions[:, 0], positions[:, 1]) == pytest.approx(np.median(nearest), rel=1e-4)
