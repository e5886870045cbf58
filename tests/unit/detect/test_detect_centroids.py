"""Positions from the light itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astro_monitor.detect.centroids import FARTHEST_PX, centred
from astro_monitor.detect.peaks import Points
from astro_monitor.records import KIND_ARTEFACT, KIND_STAR

SHAPE = (40, 48)


def seen_with(stars: list[tuple[float, float, float]], fwhm_px: float = 2.6) -> np.ndarray:
    """Stars of (x, y, peak signal to noise) on an empty sky, as the network sees them."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    light = np.zeros(SHAPE)
    for star_x, star_y, peak in stars:
        light += peak * np.exp(-4 * np.log(2) * ((x - star_x) ** 2 + (y - star_y) ** 2) / fwhm_px**2)
    return np.log1p(light / 10).astype(np.float32)


def points_at(places: list[tuple[float, float]], kind: int = KIND_STAR) -> Points:
    x, y = np.array(places, np.float32).reshape(-1, 2).T
    sure = np.full(len(x), 0.9, np.float32)
    return Points(x, y, sure, np.full(len(x), kind, np.uint8), sure, np.eye(3, dtype=np.float32)[[kind] * len(x)])


@given(
    x=st.floats(8, 38),
    y=st.floats(8, 30),
    off_x=st.floats(-0.7, 0.7),
    off_y=st.floats(-0.7, 0.7),
    fwhm_px=st.floats(1.6, 4.0),
)
def test_a_star_is_found_where_it_is(x: float, y: float, off_x: float, off_y: float, fwhm_px: float) -> None:
    refined = centred(points_at([(x + off_x, y + off_y)]), seen_with([(x, y, 40.0)], fwhm_px))
    assert np.hypot(refined.x_px[0] - x, refined.y_px[0] - y) < 0.25 * max(0.1, np.hypot(off_x, off_y))


def test_positions_of_noisy_stars_are_as_exact_as_their_light_allows() -> None:
    rng = np.random.default_rng(7)
    errors = []
    for _ in range(200):
        x, y = rng.uniform(15, 30, 2)
        light = 10 * np.expm1(seen_with([(x, y, 10.0)])) + rng.normal(0, 1, SHAPE)
        seen = np.log1p(np.maximum(light, -5) / 10).astype(np.float32)
        refined = centred(points_at([(x + rng.normal(0, 0.3), y + rng.normal(0, 0.3))]), seen)
        errors.append(np.hypot(refined.x_px[0] - x, refined.y_px[0] - y))
    # Flux 76, noise 1: the best anyone could do is 0.16 px along each axis for such a wide window.
    assert np.median(errors) < 0.2


def test_artefacts_stay() -> None:
    given_points = points_at([(20.4, 20.4)], KIND_ARTEFACT)
    refined = centred(given_points, seen_with([(20.0, 20.0, 40.0)]))
    assert refined.x_px[0] == given_points.x_px[0]
    assert refined.y_px[0] == given_points.y_px[0]


@pytest.mark.parametrize("seen", [np.zeros(SHAPE, np.float32), np.full(SHAPE, -0.3, np.float32)])
def test_without_light_nothing_moves(seen: np.ndarray) -> None:
    refined = centred(points_at([(20.4, 20.4)]), seen)
    assert (refined.x_px[0], refined.y_px[0]) == (np.float32(20.4), np.float32(20.4))


def test_a_bright_neighbour_does_not_swallow_it() -> None:
    refined = centred(points_at([(20.0, 20.0)]), seen_with([(20.0, 20.0, 4.0), (23.5, 20.0, 4000.0)]))
    assert np.hypot(refined.x_px[0] - 20, refined.y_px[0] - 20) <= FARTHEST_PX


def test_at_the_border_and_without_sources() -> None:
    refined = centred(points_at([(0.2, 0.1), (47.3, 39.4)]), seen_with([(0.0, 0.0, 40.0), (47.0, 39.0, 40.0)]))
    assert np.isfinite(refined.x_px).all()
    assert len(centred(points_at([]), seen_with([])).x_px) == 0
